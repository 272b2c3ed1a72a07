// What a TCP session is seen to do as its segments pass: how long a silent one must be kept
// (RFC 5382 §5, with the state machine of RFC 6146 §3.5.2).

import { readI32 } from '../../core/bytes.ts';
import { ipv4HeaderLength, ipv4Protocol, PROTOCOL_TCP } from '../../wire/ipv4.ts';
import {
  TCP_ACK,
  TCP_ACKNOWLEDGMENT,
  TCP_DATA_OFFSET,
  TCP_FIN,
  TCP_RST,
  TCP_SYN,
  tcpFlags,
  tcpSequence,
} from '../../wire/tcp.ts';

/**
 * `unreplied`: found in midstream (the router has restarted, say) and not answered yet. `half-closed`: one
 * side has sent its FIN; `closing`: both have; `time-wait`: both FINs have been acknowledged.
 */
export type TcpSessionState =
  | 'syn-sent'
  | 'syn-received'
  | 'established'
  | 'half-closed'
  | 'closing'
  | 'time-wait'
  | 'reset'
  | 'unreplied';

export type Side = 'inside' | 'outside';

/** RFC 5382 REQ-5: 2 hours 4 minutes, so that keep-alives every two hours hold a session; ms. */
export const TCP_ESTABLISHED_TIMEOUT = 7_440_000;
/** RFC 5382 REQ-5: while opening and closing; ms. */
export const TCP_TRANSITORY_TIMEOUT = 240_000;

const flagsOf = (packet: Uint8Array): number => tcpFlags(packet, ipv4HeaderLength(packet));

/** Whether a packet (of any protocol) is a TCP segment with RST set. */
export function isReset(packet: Uint8Array): boolean {
  return ipv4Protocol(packet) === PROTOCOL_TCP && (flagsOf(packet) & TCP_RST) !== 0;
}

const otherSide = (side: Side): Side => (side === 'inside' ? 'outside' : 'inside');

export class TcpTracking {
  state: TcpSessionState = 'unreplied';
  #initiator: Side;
  #resetBy: Side = 'inside';
  /** The sequence number after each side's FIN, until it is acknowledged. */
  #unacknowledgedFin: Partial<Record<Side, number>> = {};
  #finSeen: Partial<Record<Side, boolean>> = {};

  /** @param initiator whose segment made the session */
  constructor(initiator: Side) {
    this.#initiator = initiator;
  }

  /** ms that the session lives on without traffic. */
  get timeout(): number {
    return this.state === 'established' || this.state === 'half-closed'
      ? TCP_ESTABLISHED_TIMEOUT
      : TCP_TRANSITORY_TIMEOUT;
  }

  /** Whether a segment that opens and ends nothing changes nothing. */
  get steady(): boolean {
    return this.state === 'established' && !this.#finSeen.inside && !this.#finSeen.outside;
  }

  /** A segment passes, in a packet that is not a later fragment. */
  observe(packet: Uint8Array, from: Side): void {
    const flags = flagsOf(packet);
    if (flags & TCP_RST) {
      this.state = 'reset';
      this.#resetBy = from;
    } else if (flags & TCP_SYN) {
      this.#observeSyn(from, (flags & TCP_ACK) !== 0);
    } else {
      this.#observeAnswer(from, (flags & TCP_ACK) !== 0);
      this.#observeFin(packet, from, flags);
    }
  }

  #observeSyn(from: Side, acknowledges: boolean): void {
    switch (this.state) {
      case 'unreplied':
      case 'closing':
      case 'time-wait':
      case 'reset':
        // The port is used again for a new connection (RFC 7857 §2.2, RFC 6191).
        if (acknowledges) return;
        this.state = 'syn-sent';
        this.#initiator = from;
        this.#unacknowledgedFin = {};
        this.#finSeen = {};
        return;
      case 'syn-sent':
        if (from !== this.#initiator) this.state = 'syn-received';
        return;
      case 'syn-received':
        // The last step of a simultaneous open (RFC 9293 §3.5, figure 8).
        if (from === this.#initiator && acknowledges) this.state = 'established';
        return;
    }
  }

  #observeAnswer(from: Side, acknowledges: boolean): void {
    if (!acknowledges) return;
    const opened = this.state === 'syn-received' && from === this.#initiator;
    const answered = this.state === 'unreplied' && from !== this.#initiator;
    // A RST that its receiver does not believe was forged or out of window (RFC 6146 §3.5.2.2, TRANS).
    const disbelieved = this.state === 'reset' && from !== this.#resetBy;
    if (opened || answered || disbelieved) this.state = 'established';
  }

  #observeFin(packet: Uint8Array, from: Side, flags: number): void {
    if (!(flags & TCP_FIN) && !this.#finSeen.inside && !this.#finSeen.outside) return;
    const open = this.state === 'established' || this.state === 'half-closed';
    if (!open && this.state !== 'closing') return;
    const other = otherSide(from);
    const start = ipv4HeaderLength(packet);
    if (flags & TCP_FIN) {
      const dataAt = start + (packet[start + TCP_DATA_OFFSET]! >>> 4) * 4;
      if (!this.#finSeen[from])
        this.#unacknowledgedFin[from] = tcpSequence(packet, start) + Math.max(packet.length - dataAt, 0) + 1;
      this.#finSeen[from] = true;
    }
    const awaited = this.#unacknowledgedFin[other];
    // Sequence numbers wrap: the signed difference tells which is later (RFC 9293 §3.4).
    if (
      awaited !== undefined &&
      flags & TCP_ACK &&
      ((readI32(packet, start + TCP_ACKNOWLEDGMENT) - awaited) | 0) >= 0
    )
      delete this.#unacknowledgedFin[other];
    const bothSeen = this.#finSeen.inside && this.#finSeen.outside;
    const allAcknowledged = Object.keys(this.#unacknowledgedFin).length === 0;
    this.state = !bothSeen ? 'half-closed' : allAcknowledged ? 'time-wait' : 'closing';
  }
}
