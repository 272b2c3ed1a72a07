// Sockets of several hosts on one wire that carries datagrams and streams as they are: enough of the facade
// to test applications one message at a time.

import { EventEmitter } from 'node:events';
import { Duplex } from 'node:stream';
import {
  formatIpv4,
  type Ipv4Address,
  type Ipv4Cidr,
  ipv4,
  type MacAddress,
  mac,
  parseCidr,
} from '../../shared/core/address.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { Counters } from '../../shared/core/counters.ts';
import { systemError } from '../../shared/core/errors.ts';
import { type Random, seededRandom } from '../../shared/core/random.ts';
import type {
  AddressInfo,
  IcmpSocket,
  InterfaceHandle,
  Lookup,
  Sockets,
  TcpConnectOptions,
  TcpServer,
  TcpSocket,
  UdpBindOptions,
  UdpSendOptions,
  UdpSocket,
} from '../../shared/socket/sockets.ts';
import { RecordedLog } from './recorded-log.ts';

export interface SentDatagram {
  readonly host: string;
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly port: number;
  readonly data: Uint8Array;
  readonly options: UdpSendOptions;
  /** On the clock. */
  readonly at: number;
}

export interface SentEcho {
  readonly destination: string;
  readonly sequence: number;
  readonly data: Uint8Array;
  readonly options: UdpSendOptions;
  readonly at: number;
}

export class FakeWire {
  readonly hosts: FakeHost[] = [];
  /** Every datagram, whether it arrived or not. */
  readonly sent: SentDatagram[] = [];
  /** Decides whether a datagram arrives. */
  arrives: (datagram: SentDatagram) => boolean = () => true;
  /** ms from one host to another. */
  delay = 1;

  constructor(readonly clock: Clock) {}

  host(name: string, address?: string, macText = '02:00:00:00:00:01'): FakeHost {
    const host = new FakeHost(this, name, mac(macText));
    const cidr = address === undefined ? undefined : parseCidr(address);
    if (cidr) host.interface.addresses.push(cidr);
    this.hosts.push(host);
    return host;
  }

  holding(address: string): FakeHost | undefined {
    return this.hosts.find((host) => host.has(address));
  }

  transmit(from: FakeUdpSocket, datagram: SentDatagram): void {
    this.sent.push(datagram);
    if (!this.arrives(datagram)) return;
    this.clock.after(this.delay, () => this.#deliver(from, datagram));
  }

  #deliver(from: FakeUdpSocket, datagram: SentDatagram): void {
    const { destination, port, options } = datagram;
    if (destination === '255.255.255.255') {
      for (const host of this.hosts) if (host.hostname !== datagram.host) host.udpAt(port)?.receive(datagram);
      return;
    }
    const target =
      options.link === undefined
        ? this.holding(destination)
        : this.hosts.find((host) => host.interface.mac === options.link);
    if (!target) return;
    const socket = target.udpAt(port);
    if (socket) socket.receive(datagram);
    else from.refused();
  }
}

export class FakeInterface extends EventEmitter implements InterfaceHandle {
  readonly name = 'eth0';
  readonly mtu = 1500;
  carrier = true;
  readonly addresses: Ipv4Cidr[] = [];
  gateway: Ipv4Address | undefined;
  /** Who answers a probe for an address. */
  readonly holders = new Map<Ipv4Address, MacAddress>();
  /** What was done, in order. */
  readonly calls: string[] = [];

  constructor(
    private readonly clock: Clock,
    readonly mac: MacAddress,
  ) {
    super();
  }

  setCarrier(up: boolean): void {
    this.carrier = up;
    this.emit('carrier', up);
  }

  addAddress(cidr: Ipv4Cidr): void {
    const known = this.addresses.find((own) => own.address === cidr.address);
    if (known?.prefixLength === cidr.prefixLength) return;
    if (known) this.removeAddress(known.address);
    this.calls.push(`add ${formatIpv4(cidr.address)}/${cidr.prefixLength}`);
    this.addresses.push(cidr);
  }

  removeAddress(address: Ipv4Address): void {
    this.calls.push(`remove ${formatIpv4(address)}`);
    const others = this.addresses.filter((own) => own.address !== address);
    this.addresses.splice(0, this.addresses.length, ...others);
  }

  setDefaultGateway(gateway: Ipv4Address): void {
    this.calls.push(`gateway ${formatIpv4(gateway)}`);
    this.gateway = gateway;
  }

  removeDefaultGateway(): void {
    this.calls.push('no gateway');
    this.gateway = undefined;
  }

  probe(address: Ipv4Address): Promise<MacAddress | undefined> {
    this.calls.push(`probe ${formatIpv4(address)}`);
    return new Promise((resolve) => {
      this.clock.after(10, () => resolve(this.holders.get(address)));
    });
  }

  announce(address: Ipv4Address): void {
    this.calls.push(`announce ${formatIpv4(address)}`);
  }
}

export class FakeUdpSocket extends EventEmitter implements UdpSocket {
  #bound: Required<Pick<UdpBindOptions, 'port' | 'address'>> | undefined;
  #peer: { address: string; port: number } | undefined;
  closed = false;

  constructor(private readonly host: FakeHost) {
    super();
  }

  bind({ port = 0, address = '0.0.0.0' }: UdpBindOptions = {}): this {
    if (port !== 0 && this.host.udpAt(port)) throw systemError('EADDRINUSE', 'bind', address, port);
    this.#bound = { port: port || this.host.ephemeralPort(), address };
    this.host.bound.set(this.#bound.port, this);
    return this;
  }

  connect(port: number, address: string): this {
    this.#peer = { port, address };
    return this;
  }

  send(data: Uint8Array, port?: number, address?: string, options: UdpSendOptions = {}): void {
    if (this.closed) throw new Error('send on a closed socket');
    if (!this.#bound) this.bind();
    const destination = address ?? this.#peer?.address;
    const destinationPort = port ?? this.#peer?.port;
    if (destination === undefined || destinationPort === undefined) throw systemError('EDESTADDRREQ', 'send');
    if (this.host.sendError) throw systemError(this.host.sendError, 'send', destination, destinationPort);
    this.host.wire.transmit(this, {
      host: this.host.hostname,
      source: options.source ?? this.host.address,
      sourcePort: this.#bound?.port ?? 0,
      destination,
      port: destinationPort,
      data: Uint8Array.from(data),
      options,
      at: this.host.clock.now(),
    });
  }

  receive(datagram: Omit<SentDatagram, 'host' | 'options' | 'at'>): void {
    const { source, sourcePort, destination, data } = datagram;
    if (this.closed) return;
    if (this.#peer && (this.#peer.address !== source || this.#peer.port !== sourcePort)) return;
    this.emit('message', Buffer.from(data), {
      address: source,
      port: sourcePort,
      size: data.length,
      ttl: 64,
      destination,
      interface: 'eth0',
    });
  }

  refused(): void {
    if (this.#peer && !this.closed) this.emit('error', systemError('ECONNREFUSED', 'recvmsg'));
  }

  address(): AddressInfo {
    return { address: '0.0.0.0', family: 'IPv4', port: this.#bound?.port ?? 0 };
  }

  close(): void {
    if (this.closed) throw new Error('closed twice');
    this.closed = true;
    if (this.#bound) this.host.bound.delete(this.#bound.port);
  }
}

/** Sends nowhere: a test emits what comes back. */
export class FakeIcmpSocket extends EventEmitter implements IcmpSocket {
  readonly id = 4711;
  readonly sent: SentEcho[] = [];
  closed = false;

  constructor(private readonly host: FakeHost) {
    super();
  }

  sendEcho(destination: string, sequence: number, data: Uint8Array, options: UdpSendOptions = {}): void {
    if (this.host.sendError) throw systemError(this.host.sendError, 'send', destination);
    this.sent.push({ destination, sequence, data, options, at: this.host.clock.now() });
  }

  close(): void {
    this.closed = true;
  }
}

/** One end of a stream; what is written comes out of the other end. */
class FakeTcpSocket extends Duplex {
  peer: FakeTcpSocket | undefined;
  connecting = true;

  constructor(
    readonly remoteAddress: string,
    readonly remotePort: number,
  ) {
    super({ allowHalfOpen: true });
  }

  override _read(): void {}

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.peer?.push(Buffer.from(chunk));
    done();
  }

  override _final(done: () => void): void {
    this.peer?.push(null);
    done();
  }

  setTimeout(): this {
    return this;
  }

  destroySoon(): void {
    this.end(() => this.destroy());
  }
}

class FakeTcpServer extends EventEmitter {
  port = 0;

  listen({ port = 0 }: { port?: number }): this {
    this.port = port;
    return this;
  }

  close(): this {
    this.port = 0;
    return this;
  }
}

export class FakeHost implements Sockets {
  readonly log = new RecordedLog();
  readonly counters = new Counters();
  readonly interface: FakeInterface;
  lookup: Lookup | undefined;
  /** All that there ever were. */
  readonly udpSockets: FakeUdpSocket[] = [];
  /** Those that are open, by port. */
  readonly bound = new Map<number, FakeUdpSocket>();
  readonly icmpSockets: FakeIcmpSocket[] = [];
  readonly tcpServers: FakeTcpServer[] = [];
  /** Every send fails with this code. */
  sendError: string | undefined;
  readonly #random = seededRandom('ephemeral');

  constructor(
    readonly wire: FakeWire,
    readonly hostname: string,
    macAddress: MacAddress,
  ) {
    this.interface = new FakeInterface(wire.clock, macAddress);
  }

  get clock(): Clock {
    return this.wire.clock;
  }

  get interfaces(): readonly InterfaceHandle[] {
    return [this.interface];
  }

  get address(): string {
    return formatIpv4(this.interface.addresses[0]?.address ?? 0);
  }

  has(address: string): boolean {
    return this.interface.addresses.some((own) => own.address === ipv4(address));
  }

  random(use: string): Random {
    return seededRandom(1, this.hostname, use);
  }

  /** One that is free. */
  ephemeralPort(): number {
    for (;;) {
      const port = this.#random.integer(49_152, 65_535);
      if (!this.udpAt(port)) return port;
    }
  }

  udpAt(port: number): FakeUdpSocket | undefined {
    return this.bound.get(port);
  }

  createUdpSocket(): FakeUdpSocket {
    const socket = new FakeUdpSocket(this);
    this.udpSockets.push(socket);
    return socket;
  }

  openIcmp(): FakeIcmpSocket {
    const socket = new FakeIcmpSocket(this);
    this.icmpSockets.push(socket);
    return socket;
  }

  connect(options: TcpConnectOptions): TcpSocket {
    const near = new FakeTcpSocket(options.host, options.port);
    near.cork();
    this.clock.after(this.wire.delay, () => {
      const target = this.wire.holding(options.host);
      const server = target?.tcpServers.find((each) => each.port === options.port);
      near.connecting = false;
      if (!server) {
        near.destroy(systemError('ECONNREFUSED', 'connect', options.host, options.port));
        return;
      }
      const far = new FakeTcpSocket(this.address, this.ephemeralPort());
      far.connecting = false;
      near.peer = far;
      far.peer = near;
      near.emit('connect');
      near.uncork();
      server.emit('connection', far);
    });
    return near as unknown as TcpSocket;
  }

  createServer(_options?: { allowHalfOpen?: boolean }, connection?: (socket: TcpSocket) => void): TcpServer {
    const server = new FakeTcpServer();
    if (connection) server.on('connection', connection);
    this.tcpServers.push(server);
    return server as unknown as TcpServer;
  }
}
