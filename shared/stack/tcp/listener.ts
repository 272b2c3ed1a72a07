// A listening port: LISTEN of RFC 9293 §3.10.7.2, with a bounded table of handshakes and SYN cookies for
// what goes beyond it (RFC 4987).

import { TCP_ACK, TCP_RST, TCP_SYN, type TcpOptions, type TcpSegment } from '../../wire/tcp.ts';
import type {
  ListenOptions,
  TcpConnectionSettings,
  TcpEndpoint,
  TcpListener,
  TcpSocketInfo,
} from './connection-api.ts';
import { endpointText, type TcpContext } from './context.ts';
import { HalfOpen, type Handshake } from './half-open.ts';
import { type Offer, sendSyn, taken } from './handshake.ts';
import { resetFor } from './reset.ts';
import { seqAdd } from './sequence.ts';
import type { TcpSettings } from './settings.ts';
import { markTimestamp, readTimestamp, type SynCookies } from './syn-cookies.ts';
import { timestampNow } from './timestamps.ts';

/** As node:net. */
const DEFAULT_BACKLOG = 511;

/** What a listener needs of the TCP that it belongs to. */
export interface ListenerHost {
  readonly context: TcpContext;
  readonly cookies: SynCookies;
  occupy(halfOpen: HalfOpen): void;
  release(halfOpen: HalfOpen): void;
  /** A handshake is done. */
  establish(listener: Listener, handshake: Handshake, segment: TcpSegment): void;
  forgetListener(listener: Listener): void;
}

export class Listener implements TcpListener {
  readonly context: TcpContext;
  readonly backlog: number;
  /** Connections whose handshake is done and that were not given to the user yet. */
  waiting = 0;
  closed = false;
  readonly #halfOpen = new Set<HalfOpen>();
  readonly #settings: TcpSettings;

  constructor(
    private readonly host: ListenerHost,
    readonly local: TcpEndpoint,
    readonly options: ListenOptions,
  ) {
    const { settings } = host.context;
    this.#settings = { ...settings, ...options.settings };
    this.context = { ...host.context, settings: this.#settings };
    this.backlog = options.backlog ?? DEFAULT_BACKLOG;
  }

  /** @param iss first number of the answer, where it must not be any (RFC 6191) */
  segmentArrives(local: TcpEndpoint, remote: TcpEndpoint, segment: TcpSegment, iss?: number): void {
    const { flags } = segment;
    if (flags & TCP_RST) return;
    if (flags & TCP_ACK) {
      if (!this.#cookieComesBack(local, remote, segment)) resetFor(this.context, local, remote, segment);
    } else if (flags & TCP_SYN) this.#synArrives(local, remote, segment, iss);
  }

  /** For the connections that come from now on. */
  set(settings: TcpConnectionSettings): void {
    Object.assign(this.#settings, settings);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const halfOpen of this.#halfOpen) this.forget(halfOpen);
    this.host.forgetListener(this);
  }

  forget(halfOpen: HalfOpen): void {
    halfOpen.close();
    this.#halfOpen.delete(halfOpen);
    this.host.release(halfOpen);
  }

  /** Connections that nobody has accepted. */
  get #unaccepted(): number {
    return this.waiting + (this.options.held?.() ?? 0);
  }

  get #isFull(): boolean {
    return this.#unaccepted >= this.backlog;
  }

  info(): TcpSocketInfo {
    return {
      state: 'LISTEN',
      local: this.local,
      receiveQueue: this.#unaccepted,
      sendQueue: this.backlog,
      details: { halfOpen: this.#halfOpen.size },
    };
  }

  #synArrives(local: TcpEndpoint, remote: TcpEndpoint, segment: TcpSegment, iss?: number): void {
    const { counters, sequences, settings } = this.context;
    if (this.#isFull) return counters.add('tcp.backlog-full');
    if (this.#halfOpen.size >= settings.synBacklog) return this.#sendCookie(local, remote, segment);
    const first = iss ?? sequences.sequence(local, remote);
    const offered = taken(segment, settings);
    const owner = {
      context: this.context,
      forget: (entry: HalfOpen) => this.forget(entry),
      accept: (handshake: Handshake, ack: TcpSegment) => this.#accept(halfOpen, handshake, ack),
    };
    const halfOpen = new HalfOpen(owner, local, remote, first, segment.sequence, offered);
    this.#halfOpen.add(halfOpen);
    this.host.occupy(halfOpen);
    halfOpen.start();
  }

  #accept(halfOpen: HalfOpen, handshake: Handshake, segment: TcpSegment): boolean {
    if (this.#isFull) return false;
    this.forget(halfOpen);
    this.host.establish(this, handshake, segment);
    return true;
  }

  #sendCookie(local: TcpEndpoint, remote: TcpEndpoint, segment: TcpSegment): void {
    const { clock, counters, sequences, settings } = this.context;
    const { sequence } = segment;
    // A cookie has no place for ECN.
    const options = { ...taken(segment, settings), ecn: false };
    counters.add('tcp.syn-cookie');
    // Without timestamps there is no place to remember scale and SACK in, so they are not agreed on.
    const offered: Offer = options.timestamps ? options : { mss: options.mss };
    const offset = sequences.timestampOffset(local, remote);
    sendSyn(this.context, {
      local,
      remote,
      iss: this.host.cookies.issue(local, remote, sequence, options.mss ?? 0),
      irs: sequence,
      offered,
      timestamp: markTimestamp(timestampNow(clock, offset), offered),
      recent: options.timestamps?.value,
    });
  }

  /** Whether the segment acknowledges a cookie of ours: the handshake is then done. */
  #cookieComesBack(local: TcpEndpoint, remote: TcpEndpoint, segment: TcpSegment): boolean {
    const irs = seqAdd(segment.sequence, -1);
    const iss = seqAdd(segment.acknowledgment, -1);
    const mss = this.host.cookies.check(local, remote, irs, iss);
    if (mss === undefined || segment.flags & TCP_SYN) return false;
    if (this.#isFull) {
      this.context.counters.add('tcp.backlog-full');
      return true;
    }
    const { timestamps } = taken(segment, this.context.settings);
    const offered: TcpOptions = timestamps ? { ...readTimestamp(timestamps.echo), timestamps, mss } : { mss };
    this.context.log.debug?.(
      'tcp.syn-cookie',
      { local: endpointText(this.context, local), remote: endpointText(this.context, remote) },
      `TCP port ${local.port}: ${endpointText(this.context, remote)} came back with its SYN cookie`,
    );
    this.host.establish(this, { local, remote, iss, irs, offered, roundTrip: undefined }, segment);
    return true;
  }
}
