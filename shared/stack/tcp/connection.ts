// A connection as its user has it: the calls of RFC 9293 §3.9.1 and §3.10, on the control block beneath.

import type { TcpSegment } from '../../wire/tcp.ts';
import type { ReceivedError } from '../network-layer.ts';
import { segmentArrives } from './arrival.ts';
import type {
  TcpConnection,
  TcpConnectionSettings,
  TcpEndpoint,
  TcpSocketInfo,
  TcpState,
  TcpTimer,
  TcpUser,
} from './connection-api.ts';
import type { TcpContext } from './context.ts';
import type { Occupant } from './demultiplexer.ts';
import { sendAck } from './emit.ts';
import type { Handshake } from './half-open.ts';
import { agree, fitToPath } from './handshake.ts';
import { icmpErrorArrives } from './icmp-errors.ts';
import { output } from './output.ts';
import type { TcpSettings } from './settings.ts';
import { NOTICES, type Notice, Tcb, type TcbOwner } from './tcb.ts';
import { sendFirstSyn, TIMERS } from './timers.ts';
import { abort, finish, setState, tellClosed } from './transitions.ts';

/** What a connection needs of the TCP that it belongs to. */
export interface ConnectionHost {
  readonly context: TcpContext;
  /** Nobody owns the connection any more; what is to be done it does by itself. */
  abandon(connection: Connection): void;
  forget(connection: Connection): void;
  enterTimeWait(connection: Connection): void;
  /** Calls `deliver` after the turn. */
  schedule(connection: Connection): void;
  /** Something arrived: `batchEnds` is due when the batch does. */
  touch(connection: Connection): void;
}

const NOTICES_IN_ORDER = Object.keys(NOTICES) as Notice[];

const NOBODY: TcpUser = { connected() {}, readable() {}, writable() {}, drained() {}, closed() {} };

export class Connection implements TcpConnection, Occupant, TcbOwner {
  user: TcpUser = NOBODY;
  readonly tcb: Tcb;
  readonly context: TcpContext;
  readonly #settings: TcpSettings;
  /** Whether `batchEnds` is due already. */
  touched = false;
  /** Bits of NOTICES. */
  #notices = 0;
  #closedTold = false;

  /**
   * @param settings copied
   * @param accepted told first of all, where a listener took the connection
   */
  constructor(
    private readonly host: ConnectionHost,
    readonly local: TcpEndpoint,
    readonly remote: TcpEndpoint,
    iss: number,
    settings: TcpSettings,
    private readonly accepted?: (connection: Connection) => void,
  ) {
    this.#settings = { ...settings };
    this.context = { ...host.context, settings: this.#settings };
    this.tcb = new Tcb(this, local, remote, iss, TIMERS);
    this.tcb.passive = accepted !== undefined;
  }

  /** Active open: the SYN goes out. */
  open(): void {
    setState(this.tcb, 'SYN-SENT');
    sendFirstSyn(this.tcb);
  }

  /** Goes on where a listener's handshake stands: only its ACK is missing, and arrives next. */
  takeOver({ irs, offered, roundTrip }: Handshake): void {
    const { tcb } = this;
    agree(tcb, irs, offered);
    tcb.state = 'SYN-RECEIVED';
    if (roundTrip !== undefined) tcb.roundTrip.sample(roundTrip);
    else {
      tcb.roundTrip.synWasRepeated();
      tcb.congestion.startSmall();
    }
  }

  get state(): TcpState {
    return this.tcb.state;
  }

  get readableLength(): number {
    return this.tcb.receive.readable;
  }

  get ended(): boolean {
    return this.tcb.receive.finished && this.tcb.receive.readable === 0;
  }

  get unacknowledged(): number {
    return this.tcb.sendBuffer.length;
  }

  read(limit = Number.POSITIVE_INFINITY): Uint8Array | undefined {
    const { tcb } = this;
    if (tcb.receive.readable === 0) return undefined;
    const wanted = Math.min(limit, tcb.receive.readable);
    const data = tcb.receive.read(wanted);
    // Who is given less reads on: the peer is told of the window once, when it is as wide as that makes it.
    const isWhole = data.length === wanted;
    if (isWhole && !tcb.over && tcb.receive.windowUpdateDue(tcb.largestSegment)) sendAck(tcb);
    tellClosed(tcb);
    return data;
  }

  peek(limit = Number.POSITIVE_INFINITY): Uint8Array | undefined {
    return this.tcb.receive.readable === 0 ? undefined : this.tcb.receive.peek(limit);
  }

  write(data: Uint8Array): number {
    const { tcb } = this;
    if (tcb.over) return 0;
    if (tcb.finQueued || tcb.abandoned) throw new Error('write after the end of the stream');
    const room = this.context.settings.sendBuffer - tcb.sendBuffer.length;
    const taken = tcb.sendBuffer.append(data.subarray(0, Math.max(room, 0)));
    tcb.written += taken;
    tcb.writerWaits ||= taken < data.length;
    output(tcb);
    return taken;
  }

  shutdown(): void {
    const { tcb } = this;
    if (tcb.over || tcb.finQueued) return;
    tcb.finQueued = true;
    if (tcb.state === 'ESTABLISHED') setState(tcb, 'FIN-WAIT-1');
    else if (tcb.state === 'CLOSE-WAIT') setState(tcb, 'LAST-ACK');
    output(tcb);
  }

  close(): void {
    const { tcb } = this;
    if (tcb.abandoned) return;
    tcb.abandoned = true;
    if (tcb.over) return this.#forgetUnread();
    this.host.abandon(this);
    if (tcb.state === 'SYN-SENT') return finish(tcb);
    // What was not read is lost, and the peer must not take it for received (RFC 2525 §2.17).
    if (tcb.receive.readable > 0) return abort(tcb);
    this.shutdown();
    if (tcb.state === 'FIN-WAIT-2') tcb.finWait2.set(this.context.settings.finWait2);
  }

  abort(): void {
    this.tcb.abandoned = true;
    if (this.tcb.over) this.#forgetUnread();
    else abort(this.tcb);
  }

  /** It was over before its user was done with it. */
  #forgetUnread(): void {
    this.tcb.receive.release();
    tellClosed(this.tcb);
  }

  setNoDelay(on: boolean): void {
    this.tcb.noDelay = on;
    if (on) output(this.tcb);
  }

  setCork(on: boolean): void {
    this.tcb.corked = on;
    if (on) return;
    this.tcb.cork.clear();
    output(this.tcb);
  }

  set(settings: TcpConnectionSettings): void {
    const { tcb } = this;
    Object.assign(this.#settings, settings);
    if (settings.receiveBuffer !== undefined) tcb.receive.resize(settings.receiveBuffer);
    if (settings.congestionControl !== undefined) tcb.changeCongestionControl();
    if (settings.maximumSegment !== undefined && tcb.synchronized) fitToPath(tcb);
    if (settings.keepAliveIdle !== undefined && tcb.keepAlive) this.setKeepAlive(true);
  }

  setKeepAlive(on: boolean, idle = this.context.settings.keepAliveIdle): void {
    const { tcb } = this;
    tcb.keepAlive = on ? { idle, probes: 0 } : undefined;
    if (on && !tcb.over) tcb.keepAliveAlarm.set(idle);
    else tcb.keepAliveAlarm.close();
  }

  // What lies beneath calls the rest.

  segmentArrives(segment: TcpSegment, marked = false): void {
    if (!this.touched) this.host.touch(this);
    segmentArrives(this.tcb, segment, marked);
  }

  icmpErrorArrives(error: ReceivedError, sequence: number): void {
    icmpErrorArrives(this.tcb, error, sequence);
  }

  forget(): void {
    this.host.forget(this);
  }

  enterTimeWait(): void {
    this.host.enterTimeWait(this);
  }

  notify(notice: Notice): void {
    if (this.#notices === 0) this.host.schedule(this);
    this.#notices |= NOTICES[notice];
  }

  /** Tells the user what has happened, in order. */
  deliver(): void {
    const due = this.#notices;
    this.#notices = 0;
    for (const notice of NOTICES_IN_ORDER) if (due & NOTICES[notice] && !this.#closedTold) this.#tell(notice);
  }

  info(): TcpSocketInfo {
    const { tcb, local, remote } = this;
    const { congestion, roundTrip } = tcb;
    return {
      state: tcb.state,
      local,
      remote,
      receiveQueue: tcb.receive.readable,
      sendQueue: tcb.sendBuffer.length,
      timer: this.#timer(),
      details: {
        congestion: congestion.name,
        cwnd: Math.round(tcb.congestionWindow),
        ...(Number.isFinite(congestion.threshold) && { ssthresh: Math.round(congestion.threshold) }),
        rto: Math.round(roundTrip.timeout),
        ...(roundTrip.smoothed !== undefined && {
          srtt: Math.round(roundTrip.smoothed * 1000) / 1000,
          rttvar: Math.round(roundTrip.variation * 1000) / 1000,
        }),
        mss: tcb.mss,
        sendWindow: tcb.window,
        receiveWindow: Math.max(tcb.receive.window, 0),
        sendScale: tcb.windowShift,
        receiveScale: tcb.receiveShift,
        bytesSent: tcb.written,
        bytesReceived: tcb.receive.total,
      },
    };
  }

  /** The user is not called any more, and no timer is left. */
  drop(): void {
    this.#closedTold = true;
    this.tcb.over = true;
    this.tcb.closeAlarms();
  }

  /** The one that goes off next. */
  #timer(): TcpTimer | undefined {
    const { tcb } = this;
    const { retransmission, reordering, tailProbe, keepAliveAlarm, finWait2, sent, keepAlive } = tcb;
    const repeats = tcb.synchronized ? tcb.timeouts : tcb.synTransmissions - 1;
    const persists = tcb.synchronized && sent.empty;
    const candidates = [
      { name: persists ? 'persist' : 'on', alarm: retransmission, tries: repeats },
      { name: 'on', alarm: reordering, tries: repeats },
      { name: 'on', alarm: tailProbe, tries: repeats },
      { name: 'keepalive', alarm: keepAliveAlarm, tries: keepAlive?.probes ?? 0 },
      { name: 'keepalive', alarm: finWait2, tries: 0 },
    ] as const;
    const now = this.context.clock.now();
    return candidates
      .flatMap(({ name, alarm: { deadline }, tries }) =>
        deadline === undefined ? [] : [{ name, expiresIn: Math.max(deadline - now, 0), tries }],
      )
      .sort((a, b) => a.expiresIn - b.expiresIn)[0];
  }

  #tell(notice: Notice): void {
    if (notice === 'closed') {
      this.#closedTold = true;
      this.user.closed(this.tcb.error);
    } else if (notice === 'accepted') this.accepted?.(this);
    else if (notice === 'drained') this.user.drained();
    else if (this.tcb.abandoned) return;
    else if (notice === 'connected') this.user.connected();
    else if (notice === 'readable') this.user.readable();
    else this.user.writable();
  }
}
