// One connection as the script numbers it. Numbers of packets with SYN are absolute, all others count from
// the SYN of their side: 0 is the SYN. The script chooses the peer's initial sequence number; ours is learned
// from the SYN that we send. Timestamps of ours are whatever they are, and what the script calls them is
// remembered for when it echoes them.

import type { IpAddress } from '../../../shared/core/address.ts';
import { seqAdd } from '../../../shared/stack/tcp/sequence.ts';
import { TCP_ACK, TCP_RST, TCP_SYN } from '../../../shared/wire/tcp.ts';
import type { TcpOptionSpec } from '../language/script.ts';

export interface Endpoint {
  readonly address: IpAddress;
  readonly port: number;
}

export class Flow {
  /** Our initial sequence number, as it is and as the script has it. */
  #ownIsn = 0;
  #scriptOwnIsn = 0;
  #isNamed = false;
  #ownIsnKnown = false;
  #peerIsn = 0;
  /** Of a SYN that may, or may not, begin a connection anew. */
  #nextPeerIsn: number | undefined;
  /** Whether we have acknowledged the peer's SYN, so that its number stands. */
  #synchronized = false;
  /** The script's name of a timestamp of ours, to the timestamp. */
  readonly #timestamps = new Map<number, number>();
  #firstTimestamp: { readonly script: number; readonly live: number } | undefined;

  constructor(
    readonly local: Endpoint,
    readonly remote: Endpoint,
  ) {}

  // What the script sends.

  /** The script sends a packet that begins with `sequence`, as the script has it. */
  noteInbound(flags: number, sequence: number, first: boolean): void {
    if (first) this.#peerIsn = sequence;
    if (!(flags & TCP_SYN)) return;
    if (!this.#synchronized) this.#peerIsn = sequence;
    else this.#nextPeerIsn = sequence;
  }

  liveSequence(flags: number, sequence: number): number {
    return flags & TCP_SYN ? sequence : seqAdd(sequence, this.#peerIsn);
  }

  liveAcknowledgment(flags: number, acknowledgment: number): number {
    return flags & TCP_SYN
      ? seqAdd(acknowledgment, this.#ownIsn - this.#scriptOwnIsn)
      : seqAdd(acknowledgment, this.#ownIsn);
  }

  /** Of data of ours that an ICMP error quotes. */
  liveQuoted(sequence: number): number {
    return seqAdd(sequence, this.#ownIsn);
  }

  /**
   * @param scaled whether a timestamp that was never sent is found by its distance from the first
   * @returns undefined if we never sent one of that name
   */
  liveTimestamp(script: number, scaled: boolean): number | undefined {
    const known = this.#timestamps.get(script);
    if (known !== undefined || !scaled || !this.#firstTimestamp) return known;
    return seqAdd(this.#firstTimestamp.live, script - this.#firstTimestamp.script);
  }

  // What we send.

  /** We send a segment, numbers as on the wire. */
  noteOutbound(flags: number, sequence: number, acknowledgment: number): void {
    if (flags & TCP_RST) return;
    const beginsAnew =
      (flags & TCP_SYN) !== 0 &&
      this.#nextPeerIsn !== undefined &&
      (flags & TCP_ACK) !== 0 &&
      acknowledgment === seqAdd(this.#nextPeerIsn, 1);
    if (beginsAnew) this.#peerIsn = this.#nextPeerIsn!;
    if (flags & TCP_SYN && (!this.#ownIsnKnown || beginsAnew)) {
      this.#ownIsn = sequence;
      this.#ownIsnKnown = true;
      this.#isNamed = false;
    }
    if (flags & TCP_ACK) this.#synchronized = true;
  }

  /** The script says which number our SYN has: the first time that decides what it calls by it. */
  nameOwnIsn(sequence: number): void {
    if (!this.#isNamed) this.#scriptOwnIsn = sequence;
    this.#isNamed = true;
  }

  scriptSequence(flags: number, sequence: number): number {
    return flags & TCP_SYN
      ? seqAdd(sequence, this.#scriptOwnIsn - this.#ownIsn)
      : seqAdd(sequence, -this.#ownIsn);
  }

  scriptAcknowledgment(flags: number, acknowledgment: number): number {
    return flags & TCP_SYN ? acknowledgment : seqAdd(acknowledgment, -this.#peerIsn);
  }

  scriptOptions(flags: number, options: readonly TcpOptionSpec[]): TcpOptionSpec[] {
    return options.map((option) =>
      option.kind === 'sack'
        ? {
            kind: 'sack',
            blocks: option.blocks.map(({ start, end }) => ({
              start: this.scriptAcknowledgment(flags, start),
              end: this.scriptAcknowledgment(flags, end),
            })),
          }
        : option,
    );
  }

  /** The script calls our timestamp `live` by the name `script`. */
  nameTimestamp(script: number, live: number): void {
    this.#timestamps.set(script, live);
    this.#firstTimestamp ??= { script, live };
  }

  /** What our timestamp would be on the script's scale, which begins at the first. */
  scriptTimestamp(live: number): number {
    const first = this.#firstTimestamp;
    return first ? seqAdd(first.script, live - first.live) : live;
  }
}
