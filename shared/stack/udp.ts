// UDP (RFC 768, RFC 1122 §4.1): ports, and who gets a datagram.

import type { IpAddress } from '../core/address.ts';
import type { Counters } from '../core/counters.ts';
import { systemError } from '../core/errors.ts';
import { frameBuffer } from '../core/frame-buffer.ts';
import type { Random } from '../core/random.ts';
import { PROTOCOL_UDP } from '../wire/ipv4.ts';
import {
  isUdpChecksumRight,
  UDP_HEADER_LENGTH,
  udpDestinationPort,
  udpLength,
  udpSourcePort,
  updateUdpChecksum,
  writeUdpHeader,
} from '../wire/udp.ts';
import type { DatagramOptions, UdpApi, UdpBinding, UdpEndpoint, UdpUser } from './datagram-api.ts';
import { sendDatagram, sourceOf } from './datagram-send.ts';
import type { NetworkLayer, ReceivedError, ReceivedPacket, TransportHandler } from './network-layer.ts';

const FIRST_EPHEMERAL = 49_152;
const LAST_EPHEMERAL = 65_535;
/** What fits into an IPv4 packet. */
const MAX_DATA = 65_507;

const ANY: IpAddress = 0;

export interface UdpOptions {
  readonly network: NetworkLayer;
  readonly random: Random;
  readonly counters: Counters;
}

export class Udp implements TransportHandler, UdpApi {
  readonly #network: NetworkLayer;
  readonly #random: Random;
  readonly #counters: Counters;
  readonly #ports = new Map<number, Endpoint[]>();

  constructor(options: UdpOptions) {
    this.#network = options.network;
    this.#random = options.random;
    this.#counters = options.counters;
  }

  bind(binding: UdpBinding): UdpEndpoint {
    const address = binding.address ?? ANY;
    if (address !== ANY && !this.#network.isLocal(address) && !this.#network.isBroadcast(address))
      throw this.#bindError('EADDRNOTAVAIL', address, binding.port);
    const port = binding.port || this.#freePort(binding, address);
    if (this.#isTaken(port, address, binding.interface)) throw this.#bindError('EADDRINUSE', address, port);
    const endpoint = new Endpoint(this.#network, binding, address, port, () => this.#remove(endpoint));
    this.#ports.set(port, [...(this.#ports.get(port) ?? []), endpoint]);
    return endpoint;
  }

  endpoints(): readonly UdpEndpoint[] {
    return [...this.#ports.values()].flat();
  }

  receive(packet: ReceivedPacket): void {
    if (packet.payload.length < UDP_HEADER_LENGTH) return this.#counters.add('udp.too-short');
    const length = udpLength(packet.payload);
    if (length < UDP_HEADER_LENGTH || length > packet.payload.length)
      return this.#counters.add('udp.bad-length');
    const datagram = packet.payload.subarray(0, length);
    const { source, destination } = packet;
    if (
      !isUdpChecksumRight(datagram, this.#network.pseudoHeaderSum(source, destination, PROTOCOL_UDP, length))
    )
      return this.#counters.add('udp.bad-checksum');
    const takers = this.#takersOf(packet, datagram);
    if (takers.length === 0) {
      this.#counters.add(packet.broadcast ? 'udp.broadcast-no-port' : 'udp.no-port');
      return this.#network.refuse(packet, 'port');
    }
    for (const taker of takers)
      taker.user.received({
        data: datagram.subarray(UDP_HEADER_LENGTH),
        source,
        port: udpSourcePort(datagram),
        destination,
        ttl: packet.ttl,
        interface: packet.interface,
      });
  }

  error(error: ReceivedError): void {
    if (error.quoted.length < UDP_HEADER_LENGTH) return;
    const peerPort = udpDestinationPort(error.quoted);
    const candidates = this.#ports.get(udpSourcePort(error.quoted)) ?? [];
    const endpoint = candidates.find(
      ({ address, peer }) =>
        (address === ANY || address === error.source) &&
        (!peer || (peer.address === error.destination && peer.port === peerPort)),
    );
    if (!endpoint) return;
    if (error.kind === 'too-big') this.#network.learnMtu(error.destination, error.mtu);
    endpoint.user.failed(error, peerPort);
  }

  /** A broadcast goes to everyone whom it suits, another datagram to the one endpoint that suits it best. */
  #takersOf(packet: ReceivedPacket, datagram: Uint8Array): readonly Endpoint[] {
    const candidates = this.#ports.get(udpDestinationPort(datagram));
    if (!candidates) return [];
    const sourcePort = udpSourcePort(datagram);
    const isMine = packet.broadcast || this.#network.isLocal(packet.destination);
    let best: Endpoint | undefined;
    let bestScore = 0;
    const all: Endpoint[] = [];
    for (const endpoint of candidates) {
      const score = endpoint.suits(packet, sourcePort, isMine);
      if (score === 0) continue;
      all.push(endpoint);
      if (score <= bestScore) continue;
      best = endpoint;
      bestScore = score;
    }
    if (packet.broadcast) return all;
    return best ? [best] : [];
  }

  /** As Linux without SO_REUSEADDR: two overlap unless they have different addresses or different interfaces. */
  #isTaken(port: number, address: IpAddress, through: string | undefined): boolean {
    return (this.#ports.get(port) ?? []).some(
      (other) =>
        (other.address === ANY || address === ANY || other.address === address) &&
        (other.through === undefined || through === undefined || other.through === through),
    );
  }

  #freePort(binding: UdpBinding, address: IpAddress): number {
    const count = LAST_EPHEMERAL - FIRST_EPHEMERAL + 1;
    const start = this.#random.integer(0, count - 1);
    for (let step = 0; step < count; step++) {
      const port = FIRST_EPHEMERAL + ((start + step) % count);
      if (!this.#isTaken(port, address, binding.interface)) return port;
    }
    throw this.#bindError('EADDRINUSE', address, 0);
  }

  #bindError(code: string, address: IpAddress, port: number | undefined): Error {
    return systemError(code, 'bind', this.#network.format(address), port);
  }

  #remove(endpoint: Endpoint): void {
    const left = (this.#ports.get(endpoint.port) ?? []).filter((other) => other !== endpoint);
    if (left.length > 0) this.#ports.set(endpoint.port, left);
    else this.#ports.delete(endpoint.port);
  }
}

class Endpoint implements UdpEndpoint {
  address: IpAddress;
  peer: UdpEndpoint['peer'];
  readonly user: UdpUser;
  readonly through: string | undefined;
  readonly #broadcast: boolean;

  constructor(
    private readonly network: NetworkLayer,
    binding: UdpBinding,
    address: IpAddress,
    readonly port: number,
    private readonly remove: () => void,
  ) {
    this.address = address;
    this.user = binding.user;
    this.through = binding.interface;
    this.#broadcast = binding.broadcast ?? false;
  }

  connect(address: IpAddress, port: number): void {
    this.address = sourceOf(this.network, 'connect', this.address, address, port, this.through);
    this.peer = { address, port };
  }

  send(data: Uint8Array, address: IpAddress, port: number, options: DatagramOptions = {}): void {
    const { network } = this;
    if (data.length > MAX_DATA) throw systemError('EMSGSIZE', 'send', network.format(address), port);
    if (network.isBroadcast(address) && !this.#broadcast)
      throw systemError('EACCES', 'send', network.format(address), port);
    const source = options.source ?? sourceOf(network, 'send', this.address, address, port, this.through);
    const buffer = frameBuffer(network.headroom + UDP_HEADER_LENGTH + data.length);
    const datagram = buffer.subarray(network.headroom);
    writeUdpHeader(datagram, this.port, port);
    datagram.set(data, UDP_HEADER_LENGTH);
    updateUdpChecksum(datagram, network.pseudoHeaderSum(source, address, PROTOCOL_UDP, datagram.length));
    sendDatagram(network, buffer, {
      protocol: PROTOCOL_UDP,
      source,
      destination: address,
      port,
      interface: this.through,
      options,
    });
  }

  close(): void {
    this.remove();
  }

  /** 0 if a packet is not for this endpoint, else the more the closer it is described by it. */
  suits(packet: ReceivedPacket, sourcePort: number, isMine: boolean): number {
    if (this.through !== undefined && this.through !== packet.interface) return 0;
    // A packet to an address that is not ours yet is for who bound the interface to get one.
    if (!isMine && this.through === undefined) return 0;
    if (this.address !== ANY && this.address !== packet.destination) return 0;
    if (this.peer && (this.peer.address !== packet.source || this.peer.port !== sourcePort)) return 0;
    return 1 + (this.through ? 1 : 0) + (this.address !== ANY ? 2 : 0) + (this.peer ? 4 : 0);
  }
}
