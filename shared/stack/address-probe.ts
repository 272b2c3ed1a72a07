// Whether an address is free on a link, found out before it is used (RFC 5227 §2.1).

import type { MacAddress } from '../core/address.ts';
import type { Clock, Timer } from '../core/clock.ts';
import type { Random } from '../core/random.ts';

/** `rfc` as RFC 5227 §1.1 has it; `fast` for a net where nothing takes longer than a few ms. */
export type ProbeTiming = 'fast' | 'rfc';

/** All in ms. */
interface Waits {
  /** Before the first probe: up to so much, at random. */
  readonly start: number;
  /** Between probes. */
  readonly shortest: number;
  readonly longest: number;
  /** After the last probe, until the address counts as free. */
  readonly end: number;
  /** Between the two announcements. */
  readonly announce: number;
}

const PROBES = 3;

const WAITS: Readonly<Record<ProbeTiming, Waits>> = {
  rfc: { start: 1000, shortest: 1000, longest: 2000, end: 2000, announce: 2000 },
  fast: { start: 0, shortest: 8, longest: 8, end: 8, announce: 8 },
};

/** ms between the two announcements (RFC 5227 §2.3). */
export function announceInterval(timing: ProbeTiming): number {
  return WAITS[timing].announce;
}

/** One probing: sends its three probes and ends with who holds or wants the address, or with nobody. */
export class AddressProbe {
  #sent = 0;
  #timer: Timer;

  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly timing: ProbeTiming,
    private readonly send: () => void,
    private readonly done: (holder: MacAddress | undefined) => void,
  ) {
    this.#timer = clock.after(random.fraction() * WAITS[timing].start, () => this.#next());
  }

  /** Somebody else holds the address, or probes for it at the same time. */
  conflict(mac: MacAddress): void {
    this.cancel();
    this.done(mac);
  }

  /** Ends it without a word. */
  cancel(): void {
    this.#timer.cancel();
  }

  #next(): void {
    if (this.#sent === PROBES) return this.done(undefined);
    this.send();
    this.#sent++;
    this.#timer = this.clock.after(this.#wait(), () => this.#next());
  }

  #wait(): number {
    const { shortest, longest, end } = WAITS[this.timing];
    return this.#sent === PROBES ? end : shortest + this.random.fraction() * (longest - shortest);
  }
}
