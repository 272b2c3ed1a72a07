// SYN cookies (RFC 4987 §3.6): while a listener's table is full, what it must remember of a SYN goes into
// the sequence number and the timestamp of its answer, and comes back with the client's ACK.

import type { Clock } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import type { TcpOptions } from '../../wire/tcp.ts';
import type { TcpEndpoint } from './connection-api.ts';
import { endpointWords, randomKey } from './initial-sequence.ts';
import { type SipKey, sipHash } from './siphash.ts';

/** ms; a cookie is good in the period in which it was made and in the next. */
const PERIOD = 64_000;
/** Sizes that three bits can name. */
const MSS_TABLE = [216, 536, 966, 1208, 1400, 1440, 1460, 8960];
const NO_SCALE = 15;
/** Low bits of the timestamp: four for the window scale, one for SACK. */
const OPTION_BITS = 5;

/** A number of 32 bits: 5 of the period, 3 of the segment size, 24 of the hash. */
export class SynCookies {
  readonly #key: SipKey;
  #lastIssued = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly clock: Clock,
    random: Random,
  ) {
    this.#key = randomKey(random);
  }

  /** The sequence number for the answer to a SYN with number `irs`. */
  issue(local: TcpEndpoint, remote: TcpEndpoint, irs: number, mss: number): number {
    this.#lastIssued = this.clock.now();
    const index = Math.max(
      MSS_TABLE.findLastIndex((size) => size <= mss),
      0,
    );
    return this.#cookie(local, remote, irs, this.#period(), index);
  }

  /** The segment size that went into `cookie`; undefined if it is not one of ours, or too old. */
  check(local: TcpEndpoint, remote: TcpEndpoint, irs: number, cookie: number): number | undefined {
    if (this.clock.now() - this.#lastIssued > 2 * PERIOD) return undefined;
    const index = (cookie >>> 24) & 7;
    const now = this.#period();
    const genuine = [now, now - 1].some(
      (period) => this.#cookie(local, remote, irs, period, index) === cookie,
    );
    return genuine ? MSS_TABLE[index] : undefined;
  }

  #period(): number {
    return Math.floor(this.clock.now() / PERIOD);
  }

  #cookie(local: TcpEndpoint, remote: TcpEndpoint, irs: number, period: number, index: number): number {
    const [hash] = sipHash(this.#key, [...endpointWords(local, remote), irs, period, index]);
    return ((period & 31) << 27) | (index << 24) | (hash >>> 8);
  }
}

/** Puts what else the SYN offered into the low bits of a timestamp, which goes back by 31 ms at most. */
export function markTimestamp(value: number, offered: Readonly<TcpOptions>): number {
  const scale = Math.min(offered.windowScale ?? NO_SCALE, NO_SCALE);
  const bits = (scale << 1) | (offered.sackPermitted ? 1 : 0);
  return (value & -(1 << OPTION_BITS)) | bits;
}

/** What `markTimestamp` put into the timestamp that came back. */
export function readTimestamp(echo: number): TcpOptions {
  const scale = (echo >>> 1) & 15;
  return {
    sackPermitted: (echo & 1) === 1,
    windowScale: scale === NO_SCALE ? undefined : scale,
  };
}
