// What a bad link does to frames, in the manner of Linux's netem: a decorator of a port that acts on the
// frames which leave by it.
//
//   send → duplicate → loss → corrupt → wait for rate (limit) → delay, jitter, or reorder past it → out
//
// Dice are not thrown in a sequence: the fate of frame n hangs on the seed, the cause and n alone, so that
// setting one impairment never changes what another does.

import { Alarm, type Clock } from '../core/clock.ts';
import { Counters } from '../core/counters.ts';
import type { FramePort, FrameReceiver } from '../core/frame-port.ts';
import { mix32, seedOf } from '../core/random.ts';

/** What a sending end does to frames; all absent means a perfect cable. */
export interface LinkImpairment {
  /** ms each frame waits. */
  readonly delay?: number | undefined;
  /** ms the delay varies to either side, uniformly; never reorders by itself. */
  readonly jitter?: number | undefined;
  /** Probabilities from 0 to 1. */
  readonly loss?: number | undefined;
  readonly duplicate?: number | undefined;
  /** One bit of the frame is flipped. */
  readonly corrupt?: number | undefined;
  /** Share of frames that skip the delay and so overtake. */
  readonly reorder?: number | undefined;
  /** bits/s of frame bytes without FCS. */
  readonly rate?: number | undefined;
  /** How many frames may wait for rate; 1,000 unless told, as netem. */
  readonly limit?: number | undefined;
}

const DEFAULT_LIMIT = 1000;

/** ms that a frame may leave early, so that one timer of whole milliseconds serves all that are due around it. */
const LEEWAY = 0.5;

/** What dice are thrown for. */
const DICE = ['loss', 'duplicate', 'corrupt', 'bit', 'jitter', 'reorder'] as const;
type Die = (typeof DICE)[number];

/** A frame on its way. */
interface Flight {
  readonly frame: Uint8Array;
  /** What its dice are thrown with. */
  readonly number: number;
  /** When its last bit leaves the sender, on the clock's scale. */
  readonly departs: number;
  /** When it has passed the cable; set once it has left. */
  readonly due: number;
}

export class ImpairedPort implements FramePort {
  /** Frames by what befell them: `impairment.` loss, duplicate, corrupt, delay, reorder, rate, limit, carrier-lost. */
  readonly counters = new Counters();
  #impairment: LinkImpairment;
  readonly #seeds: Readonly<Record<Die, number>>;
  readonly #alarm: Alarm;
  /** Of the next frame; odd numbers are those of duplicates. */
  #number = 0;
  /** Frames that wait for rate, in order of departure. */
  #waiting: Flight[] = [];
  /** Frames in delay, in order of arrival. */
  #delayed: Flight[] = [];
  #lastDeparture = Number.NEGATIVE_INFINITY;
  #lastDue = Number.NEGATIVE_INFINITY;

  /** @param seed labels of this direction of the cable: the net's seed, the end, its incarnation */
  constructor(
    private readonly inner: FramePort,
    private readonly clock: Clock,
    seed: readonly (string | number)[],
    impairment: LinkImpairment = {},
  ) {
    const seeds = DICE.map((die) => [die, seedOf(...seed, die)] as const);
    this.#seeds = Object.fromEntries(seeds) as Record<Die, number>;
    this.#impairment = impairment;
    this.#alarm = new Alarm(clock, () => this.#release());
  }

  get mtu(): number {
    return this.inner.mtu;
  }

  get carrier(): boolean {
    return this.inner.carrier;
  }

  get impairment(): LinkImpairment {
    return this.#impairment;
  }

  attach(receiver: FrameReceiver): void {
    this.inner.attach({
      frames: (batch) => receiver.frames(batch),
      carrier: (up) => {
        if (!up) this.#dropAll();
        receiver.carrier(up);
      },
    });
  }

  send(frame: Uint8Array): void {
    const number = this.#number;
    this.#number += 2;
    if (this.#isPerfect || !this.inner.carrier) return this.inner.send(frame);
    const duplicate = this.#falls('duplicate', number, this.#impairment.duplicate)
      ? new Uint8Array(frame)
      : undefined;
    this.#pass(frame, number);
    if (!duplicate) return;
    this.counters.add('impairment.duplicate');
    this.#pass(duplicate, number + 1);
  }

  /** Replaces what this end does to frames. Those on their way meet the new loss, corruption and timing too. */
  set(impairment: LinkImpairment): void {
    const before = this.#impairment;
    this.#impairment = impairment;
    const now = this.clock.now();
    const flights = [this.#delayed, this.#waiting].map((queue) =>
      queue
        .filter((flight) => !this.#isLost(flight.number))
        .map((flight) => ({
          ...flight,
          frame: this.#corrupted(flight.frame, flight.number, before.corrupt),
        })),
    );
    this.#lastDue = Number.NEGATIVE_INFINITY;
    this.#delayed = (flights[0] ?? []).map((flight) => this.#delay(flight));
    this.#lastDeparture = now;
    this.#waiting = (flights[1] ?? []).map((flight) => ({
      ...flight,
      departs: this.#departure(flight.frame.length, now),
    }));
    this.#release();
  }

  get #isPerfect(): boolean {
    const { delay, jitter, loss, duplicate, corrupt, rate } = this.#impairment;
    if (delay || jitter || loss || duplicate || corrupt || rate) return false;
    return this.#waiting.length === 0 && this.#delayed.length === 0;
  }

  /** Whether the die shows `what` for a frame, at the given probability. */
  #falls(what: Die, number: number, probability: number | undefined): boolean {
    return probability !== undefined && this.#throw(what, number) < probability;
  }

  /** At least 0, under 1; the same for the same seed, die and frame. */
  #throw(what: Die, number: number): number {
    return mix32(this.#seeds[what] + Math.imul(number, 0x9e3779b9)) / 2 ** 32;
  }

  #pass(frame: Uint8Array, number: number): void {
    if (this.#isLost(number)) return;
    const { delay, jitter, rate, limit = DEFAULT_LIMIT } = this.#impairment;
    const whole = this.#corrupted(frame, number, 0);
    if (!delay && !jitter && !rate && this.#waiting.length === 0 && this.#delayed.length === 0)
      return this.inner.send(whole);
    const now = this.clock.now();
    if (rate) this.#release();
    if (rate && this.#waiting.length >= limit) return this.counters.add('impairment.limit');
    if (rate) this.counters.add('impairment.rate');
    const departs = this.#departure(whole.length, now);
    // A frame that is kept may be a view of a message that others look at too.
    this.#waiting.push({
      frame: whole === frame ? new Uint8Array(frame) : whole,
      number,
      departs,
      due: departs,
    });
    this.#release();
  }

  #isLost(number: number): boolean {
    const lost = this.#falls('loss', number, this.#impairment.loss);
    if (lost) this.counters.add('impairment.loss');
    return lost;
  }

  /** The frame, or a copy with one bit flipped unless it was flipped at the former probability. */
  #corrupted(frame: Uint8Array, number: number, former = 0): Uint8Array {
    if (this.#falls('corrupt', number, former)) return frame;
    if (!this.#falls('corrupt', number, this.#impairment.corrupt)) return frame;
    this.counters.add('impairment.corrupt');
    const copy = new Uint8Array(frame);
    const bit = Math.floor(this.#throw('bit', number) * copy.length * 8);
    copy[bit >>> 3] = copy[bit >>> 3]! ^ (1 << (bit & 7));
    return copy;
  }

  /** When a frame's last bit leaves, if it is the next to be sent. */
  #departure(length: number, now: number): number {
    const { rate } = this.#impairment;
    const begins = Math.max(now, this.#lastDeparture);
    this.#lastDeparture = rate ? begins + (length * 8000) / rate : begins;
    return this.#lastDeparture;
  }

  /** Puts a frame that has left behind those in delay: jitter alone never lets it overtake. */
  #delay(flight: Flight): Flight {
    const { delay = 0, jitter = 0 } = this.#impairment;
    const varied = jitter ? delay + (2 * this.#throw('jitter', flight.number) - 1) * jitter : delay;
    this.#lastDue = Math.max(this.#lastDue, flight.departs + Math.max(varied, 0));
    return { ...flight, due: this.#lastDue };
  }

  /** Lets go of all frames that are due, in order of time, and sleeps until the next one is. */
  #release(): void {
    const horizon = this.clock.now() + LEEWAY;
    let left = 0;
    let arrived = 0;
    for (;;) {
      const leaving = this.#waiting[left];
      const arriving = this.#delayed[arrived];
      if (arriving && arriving.due <= horizon && !(leaving && leaving.departs < arriving.due)) {
        arrived++;
        this.inner.send(arriving.frame);
      } else if (leaving && leaving.departs <= horizon) {
        left++;
        this.#leave(leaving);
      } else break;
    }
    if (left > 0) this.#waiting.splice(0, left);
    if (arrived > 0) this.#delayed.splice(0, arrived);
    const next = Math.min(
      this.#waiting[0]?.departs ?? Number.POSITIVE_INFINITY,
      this.#delayed[0]?.due ?? Number.POSITIVE_INFINITY,
    );
    if (next < Number.POSITIVE_INFINITY) this.#alarm.set(next - this.clock.now());
    else this.#alarm.clear();
  }

  /** The frame's last bit has left the sender: into the delay, past it, or out at once if there is none. */
  #leave(flight: Flight): void {
    const { delay, jitter, reorder } = this.#impairment;
    if (!delay && !jitter && this.#delayed.length === 0) return this.inner.send(flight.frame);
    if (this.#falls('reorder', flight.number, reorder)) {
      this.counters.add('impairment.reorder');
      return this.inner.send(flight.frame);
    }
    this.counters.add('impairment.delay');
    this.#delayed.push(this.#delay(flight));
  }

  /** Without carrier nothing is on its way. */
  #dropAll(): void {
    this.counters.add('impairment.carrier-lost', this.#waiting.length + this.#delayed.length);
    this.#waiting = [];
    this.#delayed = [];
    this.#alarm.clear();
  }
}
