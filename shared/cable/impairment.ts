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

/** Frames by what befell them: `impairment.loss`, `.duplicate`, `.corrupt`, `.delay`, `.reorder`, `.rate`, `.limit`. */
const CAUSES = ['loss', 'duplicate', 'corrupt', 'corrupt-bit', 'jitter', 'reorder'] as const;
type Cause = (typeof CAUSES)[number];

/** A frame on its way, which this port owns. */
interface Flight {
  readonly frame: Uint8Array;
  /** What its dice are thrown with. */
  readonly number: number;
  /** When its last bit leaves the sender: `clock.now()` scale. */
  departs: number;
  /** When it arrives. */
  due: number;
}

export class ImpairedPort implements FramePort {
  readonly counters = new Counters();
  #impairment: LinkImpairment;
  readonly #seeds: Readonly<Record<Cause, number>>;
  readonly #alarm: Alarm;
  /** Frames so far; a duplicate counts as half a frame further. */
  #number = 0;
  /** Frames that wait for rate, in order of departure. */
  #waiting: Flight[] = [];
  /** Frames in delay, in order of arrival. */
  #delayed: Flight[] = [];
  #lastDeparture = Number.NEGATIVE_INFINITY;
  #lastDue = Number.NEGATIVE_INFINITY;

  /** @param seed labels of this direction of the cable: seed of the net, end, incarnation */
  constructor(
    private readonly inner: FramePort,
    private readonly clock: Clock,
    seed: readonly (string | number)[],
    impairment: LinkImpairment = {},
  ) {
    this.#seeds = Object.fromEntries(CAUSES.map((cause) => [cause, seedOf(...seed, cause)])) as Record<Cause, number>;
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
        if (!up) this.#drop();
        receiver.carrier(up);
      },
    });
  }

  /** Replaces what this end does to frames. Those that wait are timed anew. */
  set(impairment: LinkImpairment): void {
    this.#impairment = impairment;
    this.#retime();
  }

  send(frame: Uint8Array): void {
    const number = this.#number++;
    if (this.#isPerfect() || !this.inner.carrier) return this.inner.send(frame);
    const copy = this.#happens('duplicate', number, this.#impairment.duplicate) ? frame.slice() : undefined;
    this.#pass(frame, number);
    if (copy) this.#pass(copy, number + 0.5);
  }

  #isPerfect(): boolean {
    const { delay, jitter, loss, duplicate, corrupt, rate } = this.#impairment;
    return (
      !delay && !jitter && !loss && !duplicate && !corrupt && !rate && this.#waiting.length + this.#delayed.length === 0
    );
  }
}
