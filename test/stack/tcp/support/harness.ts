// One TCP on a fake network and a virtual clock: a segment goes in, and the test sees what comes out.

import { ipv4 } from '../../../../shared/core/address.ts';
import { Counters } from '../../../../shared/core/counters.ts';
import type { SystemError } from '../../../../shared/core/errors.ts';
import { seededRandom } from '../../../../shared/core/random.ts';
import type { ReceivedError } from '../../../../shared/stack/network-layer.ts';
import type { TcpConnection, TcpListener, TcpUser } from '../../../../shared/stack/tcp/connection-api.ts';
import type { TcpSettings } from '../../../../shared/stack/tcp/settings.ts';
import { Tcp } from '../../../../shared/stack/tcp/tcp.ts';
import {
  encodeTcp,
  TCP_ACK,
  TCP_CWR,
  TCP_ECE,
  TCP_FIN,
  TCP_PROTOCOL,
  TCP_PSH,
  TCP_RST,
  TCP_SYN,
  TCP_URG,
  type TcpOptions,
  type TcpSegment,
} from '../../../../shared/wire/tcp.ts';
import { RecordedLog } from '../../../support/recorded-log.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';
import { FakeNetwork, pseudoHeaderSum, receivedPacket } from './fake-network.ts';

export const HERE = ipv4('10.0.0.1');
export const THERE = ipv4('10.0.0.2');
export const PEER_PORT = 4000;
export const LISTEN_PORT = 80;
/** Both initial sequence numbers are near the wrap: whatever a test does, it does across 2^32. */
export const PEER_ISS = -16;
export const OWN_ISS = -8;

/** The options of a SYN that offers all there is. */
export const FULL_OFFER = {
  mss: 1460,
  sackPermitted: true,
  windowScale: 7,
  timestamps: { value: 1000, echo: 0 },
};

const FLAG_LETTERS: readonly (readonly [string, number])[] = [
  ['S', TCP_SYN],
  ['F', TCP_FIN],
  ['R', TCP_RST],
  ['P', TCP_PSH],
  ['U', TCP_URG],
  ['E', TCP_ECE],
  ['W', TCP_CWR],
  ['.', TCP_ACK],
];

/** As tcpdump writes them: `S.` is SYN and ACK. */
export function flagText(flags: number): string {
  return FLAG_LETTERS.map(([letter, flag]) => (flags & flag ? letter : '')).join('');
}

export function flagBits(text: string): number {
  return FLAG_LETTERS.reduce((bits, [letter, flag]) => bits | (text.includes(letter) ? flag : 0), 0);
}

/** A user that writes down what it is told. */
export class RecordingUser implements TcpUser {
  readonly calls: string[] = [];
  error: SystemError | undefined;

  connected(): void {
    this.calls.push('connected');
  }
  readable(): void {
    this.calls.push('readable');
  }
  writable(): void {
    this.calls.push('writable');
  }
  drained(): void {
    this.calls.push('drained');
  }
  closed(error?: SystemError): void {
    this.calls.push('closed');
    this.error = error;
  }
}

/** What a test says of a segment from the peer; numbers are relative to both initial sequence numbers. */
export interface PeerSegment {
  /** 0 is the peer's SYN. */
  readonly seq?: number;
  /** 0 is our SYN; the flag ACK is set by `flags` alone. */
  readonly ack?: number;
  /** `.` unless told. */
  readonly flags?: string;
  readonly window?: number;
  readonly options?: TcpOptions;
  readonly data?: Uint8Array | string | number;
  readonly urgentPointer?: number;
  /** TOS octet of the packet. */
  readonly tos?: number;
}

/** A segment of ours, with numbers relative to both initial sequence numbers. */
export interface OwnSegment {
  readonly seq: number;
  readonly ack: number;
  readonly flags: string;
  readonly window: number;
  readonly length: number;
  readonly options: Readonly<TcpOptions>;
  readonly payload: Uint8Array;
  readonly tos: number;
  readonly segment: TcpSegment;
}

export interface HarnessOptions {
  readonly settings?: Partial<TcpSettings>;
  /** Options of the peer's SYN. */
  readonly peer?: TcpOptions;
  readonly peerWindow?: number;
}

export class Harness {
  readonly clock = new VirtualClock();
  readonly network = new FakeNetwork(HERE);
  readonly log = new RecordedLog();
  readonly counters = new Counters();
  readonly tcp: Tcp;
  readonly user = new RecordingUser();
  readonly accepted: TcpConnection[] = [];
  /** The peer's end. */
  peer = { address: THERE, port: PEER_PORT };
  /** Our port: of the listener, or of the connection that was opened. */
  port = LISTEN_PORT;
  /** Our initial sequence number, seen in our SYN. */
  iss = 0;
  /** Of the peer's SYN. */
  readonly peerOptions: TcpOptions;
  readonly peerWindow: number;
  #connection: TcpConnection | undefined;

  constructor(options: HarnessOptions = {}) {
    this.peerOptions = options.peer ?? { mss: 1460 };
    this.peerWindow = options.peerWindow ?? 65_535;
    this.tcp = new Tcp({
      network: this.network,
      clock: this.clock,
      random: seededRandom('tcp-test'),
      log: this.log,
      counters: this.counters,
      settings: options.settings,
    });
    this.tcp.context.sequences.sequence = () => OWN_ISS;
    // Clocks do not start at 0.
    this.clock.advance(1000);
  }

  get connection(): TcpConnection {
    if (!this.#connection) throw new Error('there is no connection');
    return this.#connection;
  }

  /** One segment from the peer, as a batch of its own; what we send because of it. */
  inject(...segments: PeerSegment[]): OwnSegment[] {
    this.take();
    for (const segment of segments) this.hand(segment);
    this.network.handler.endOfBatch?.();
    this.clock.settle();
    return this.take();
  }

  /** One segment from the peer, inside a batch. */
  hand({ seq = 0, ack = 0, flags = '.', window, options, data, urgentPointer, tos }: PeerSegment): void {
    const payload =
      typeof data === 'string'
        ? new TextEncoder().encode(data)
        : typeof data === 'number'
          ? new Uint8Array(data).fill(120)
          : (data ?? new Uint8Array(0));
    const segment: TcpSegment = {
      sourcePort: this.peer.port,
      destinationPort: this.port,
      sequence: (PEER_ISS + seq) | 0,
      acknowledgment: flags.includes('.') ? (this.iss + ack) | 0 : 0,
      flags: flagBits(flags),
      window: window ?? this.peerWindow,
      urgentPointer: urgentPointer ?? 0,
      options: options ?? {},
      payload,
    };
    this.raw(encodeTcp(segment, 0), true, false, tos);
  }

  /** Bytes from the peer; with `seal` their checksum is made right first. */
  raw(bytes: Uint8Array, seal = false, broadcast = false, tos = 0): void {
    if (seal) {
      bytes.fill(0, 16, 18);
      let sum = pseudoHeaderSum(this.peer.address, HERE, TCP_PROTOCOL, bytes.length);
      for (let index = 0; index < bytes.length; index += 2)
        sum += (bytes[index]! << 8) | (bytes[index + 1] ?? 0);
      while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
      bytes[16] = (~sum >>> 8) & 255;
      bytes[17] = ~sum & 255;
    }
    this.network.handler.receive(receivedPacket(this.peer.address, HERE, bytes, broadcast, tos));
  }

  /** An ICMP error about our segment with the relative number `seq`. */
  icmp(seq: number, error: Partial<ReceivedError>): OwnSegment[] {
    this.take();
    const quoted = new Uint8Array(8);
    const view = new DataView(quoted.buffer);
    view.setUint16(0, this.port);
    view.setUint16(2, this.peer.port);
    view.setUint32(4, (this.iss + seq) >>> 0);
    this.network.handler.error({
      kind: 'unreachable',
      code: 1,
      mtu: 0,
      from: ipv4('10.0.0.254'),
      source: HERE,
      destination: this.peer.address,
      quoted,
      ...error,
    });
    this.clock.settle();
    return this.take();
  }

  /** What we sent since it was last asked. */
  take(): OwnSegment[] {
    return this.network.sent.splice(0).map(({ segment, options }) => ({
      seq: (segment.sequence - this.iss) | 0,
      ack: (segment.acknowledgment - PEER_ISS) | 0,
      flags: flagText(segment.flags),
      window: segment.window,
      length: segment.payload.length,
      options: segment.options,
      payload: segment.payload,
      tos: options.tos ?? 0,
      segment,
    }));
  }

  /** Lets time pass; what we sent in it. */
  wait(ms: number): OwnSegment[] {
    this.take();
    this.clock.advance(ms);
    return this.take();
  }

  // States.

  listen(backlog?: number): TcpListener {
    return this.tcp.listen({
      port: LISTEN_PORT,
      backlog,
      accept: (connection) => {
        connection.user = this.user;
        this.accepted.push(connection);
        this.#connection = connection;
      },
    });
  }

  synSent(): this {
    this.#connection = this.tcp.connect({ address: THERE, port: PEER_PORT, user: this.user });
    this.port = this.connection.local.port;
    const [syn] = this.network.sent;
    this.iss = syn!.segment.sequence;
    return this;
  }

  /** ESTABLISHED by an active open. */
  established(): this {
    this.synSent();
    this.inject({ flags: 'S.', ack: 1, options: this.peerOptions });
    this.user.calls.length = 0;
    return this;
  }

  /** SYN-RECEIVED by a passive open. */
  synReceived(): this {
    this.listen();
    const [synAck] = this.inject({ flags: 'S', options: this.peerOptions });
    this.iss = synAck!.segment.sequence;
    return this;
  }

  /** ESTABLISHED by a passive open. */
  passive(): this {
    this.synReceived();
    this.inject({ seq: 1, ack: 1 });
    return this;
  }

  closeWait(): this {
    this.established();
    this.inject({ seq: 1, ack: 1, flags: 'F.' });
    this.user.calls.length = 0;
    return this;
  }

  finWait1(): this {
    this.established();
    this.connection.shutdown();
    this.take();
    return this;
  }

  finWait2(): this {
    this.finWait1();
    this.inject({ seq: 1, ack: 2 });
    return this;
  }

  closing(): this {
    this.finWait1();
    this.inject({ seq: 1, ack: 1, flags: 'F.' });
    return this;
  }

  lastAck(): this {
    this.closeWait();
    this.connection.shutdown();
    this.take();
    return this;
  }

  timeWait(): this {
    this.finWait2();
    this.inject({ seq: 1, ack: 2, flags: 'F.' });
    return this;
  }

  /** What `ss` would show of the pair of endpoints. */
  get state(): string {
    const { tcp, port, peer } = this;
    const found = tcp.sockets().find((info) => info.local.port === port && info.remote?.port === peer.port);
    return found?.state ?? 'CLOSED';
  }

  detail(name: string): number {
    return Number(this.connectionInfo()?.details[name]);
  }

  connectionInfo() {
    return this.tcp.sockets().find((info) => info.remote?.port === this.peer.port);
  }
}
