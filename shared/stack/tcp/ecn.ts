// Explicit congestion notification (RFC 3168 §6.1) of a connection whose SYNs agreed on it: what the receiver
// owes the sender, and what the sender does about it.

import { TCP_ACK, TCP_CWR, TCP_ECE, TCP_SYN } from '../../wire/tcp.ts';
import { seqBefore } from './sequence.ts';
import type { TcpSettings } from './settings.ts';

/** Codepoints in the low bits of the TOS octet (RFC 3168 §5). */
export const ECN_MASK = 0x03;
export const ECN_CAPABLE = 0x02;
export const CONGESTION_EXPERIENCED = 0x03;

/** Whether a SYN or SYN,ACK offers ECN, and this end takes it (RFC 3168 §6.1.1). */
export function takesEcn(flags: number, { ecn }: TcpSettings): boolean {
  const bits = flags & (TCP_ECE | TCP_CWR);
  if (!(flags & TCP_SYN)) return false;
  return flags & TCP_ACK ? ecn === 'on' && bits === TCP_ECE : ecn !== 'off' && bits === (TCP_ECE | TCP_CWR);
}

export class Ecn {
  /** Whether acknowledgments tell of congestion, until the peer says that its window is smaller. */
  #echoing = false;
  /** SND.NXT when the window was last reduced: echoes of what was sent before ask for nothing more. */
  #reducedAt: number | undefined;
  #reductionUntold = false;

  /** A segment with data arrived in the window, and the network marked it or did not. */
  arrived(flags: number, marked: boolean): void {
    if (flags & TCP_CWR) this.#echoing = false;
    if (marked) this.#echoing = true;
  }

  /** Flags for every segment that acknowledges. */
  get echo(): number {
    return this.#echoing ? TCP_ECE : 0;
  }

  /** An acknowledgment with ECE came: whether the window is to be reduced, once for each window of data. */
  asksForReduction(una: number, next: number): boolean {
    if (this.#reducedAt !== undefined && seqBefore(una, this.#reducedAt)) return false;
    this.#reducedAt = next;
    return true;
  }

  /** The window is smaller, for whatever reason: the next new data says so. */
  reduced(): void {
    this.#reductionUntold = true;
  }

  /** Flags for a segment of new data that leaves now. */
  takeReduction(): number {
    const flags = this.#reductionUntold ? TCP_CWR : 0;
    this.#reductionUntold = false;
    return flags;
  }
}
