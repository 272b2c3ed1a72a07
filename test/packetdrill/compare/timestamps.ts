// Whether the timestamps of our segments are consistent, where their values are not compared: our clock does
// not run backwards, and what we echo is something that the peer said, not older than what we echoed before
// (RFC 7323 §3, §4).

import { seqAtOrAfter } from '../../../shared/stack/tcp/sequence.ts';
import { TCP_ACK, TCP_RST } from '../../../shared/wire/tcp.ts';
import type { TcpOptionSpec } from '../language/script.ts';
import type { SeenTcp } from '../packets/seen.ts';

/** Of one connection. */
export class TimestampCheck {
  readonly #said = new Set<number>();
  #value: number | undefined;
  #echo: number | undefined;

  inbound(options: readonly TcpOptionSpec[]): void {
    for (const option of options)
      if (option.kind === 'TS' && option.value !== undefined) this.#said.add(option.value);
  }

  /** What is wrong; undefined if nothing is. */
  mismatch({ options, flags }: SeenTcp): string | undefined {
    const option = options.find(({ kind }) => kind === 'TS');
    if (option?.kind !== 'TS' || flags & TCP_RST) return undefined;
    const { value = 0, echo = 0 } = option;
    if (this.#value !== undefined && !seqAtOrAfter(value, this.#value))
      return `its timestamp ${value >>> 0} is older than ${this.#value >>> 0}, which was sent before`;
    if (flags & TCP_ACK) {
      if (!this.#said.has(echo)) return `it echoes the timestamp ${echo >>> 0}, which the peer never sent`;
      if (this.#echo !== undefined && !seqAtOrAfter(echo, this.#echo))
        return `it echoes the timestamp ${echo >>> 0} after ${this.#echo >>> 0}`;
      this.#echo = echo;
    } else if (echo !== 0) return `it echoes the timestamp ${echo >>> 0}, and there is nothing to echo`;
    this.#value = value;
    return undefined;
  }
}
