// What a bad link does to frames, in the manner of Linux's netem: a decorator of a port that acts on the
// frames which leave by it.
//
//   send → duplicate → loss → corrupt → wait for rate (limit) → delay, jitter, or reorder past it → out
//
// The fate of a frame hangs on the seed and on how many came, while there was carrier, since what befalls it
// was set (dice.ts), which it was for the first time when the port was opened.

import { Alarm, type Clock } from '../core/clock.ts';
import { Counters } from '../core/counters.ts';
import type { FramePort, FrameReceiver } from '../core/frame-port.ts';
import { sendEach, sendTrain } from '../core/frame-train.ts';
import type { Train } from '../core/train.ts';
import { Dice, die, kindOf, type Throw } from './dice.ts';
import { GilbertElliott, type GilbertElliottParameters, sameParameters } from './gilbert-elliott.ts';
import { JITTER_DICE, type JitterDistribution, jitterFactor } from './jitter.ts';

/** What a sending end does to frames; all absent means a perfect cable. */
export interface LinkImpairment {
  /** ms each frame waits. */
  readonly delay?: number | undefined;
  /** ms the delay varies to either side; never reorders by itself. */
  readonly jitter?: number | undefined;
  /** How the jitter is spread; uniformly unless told. */
  readonly distribution?: JitterDistribution | undefined;
  /** Probabilities from 0 to 1. */
  readonly loss?: number | undefined;
  /** Loss in bursts; beside it `loss` is at least that of each state. */
  readonly gemodel?: GilbertElliottParameters | undefined;
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

/** Bytes of frames in delay: a long delay is no reason to keep whatever a flood sends meanwhile. */
const MOST_DELAYED_BYTES = 64 * 1024 * 1024;
/** Bytes that a frame in delay counts as beside its own. */
const OVERHEAD = 128;

/** ms that a frame may leave early, so that one timer of whole milliseconds serves all that are due around it. */
const LEEWAY = 0.5;

/** What dice are thrown for, one of each a frame, and which values begin them anew when they change. */
const BEGUN_BY = {
  loss: ['loss', 'gemodel'],
  bursts: ['gemodel'],
  duplicate: ['duplicate'],
  corrupt: ['corrupt'],
  bit: ['corrupt'],
  reorder: ['reorder'],
  ...JITTER_DICE,
} as const satisfies Record<string, readonly (keyof LinkImpairment)[]>;
type Cause = keyof typeof BEGUN_BY;
const CAUSES = Object.keys(BEGUN_BY) as Cause[];

/** A frame on its way. */
interface Flight {
  readonly frame: Uint8Array;
  readonly fate: Throw<Cause>;
  /** Whether the device passes it on for another. */
  readonly forwarded: boolean;
  /** Whether there are two of it, this one or the other being the duplicate. */
  readonly duplicated: boolean;
  readonly corrupted: boolean;
  /** When its last bit leaves the sender, on the clock's scale. */
  readonly departs: number;
  /** When it has passed the cable; set once it has left. */
  readonly due: number;
}

export class ImpairedPort implements FramePort {
  /** Frames by what befell them: `impairment.` loss, duplicate, corrupt, delay, reorder, rate, limit. */
  readonly counters = new Counters();
  #impairment: LinkImpairment = {};
  /** Whether the impairment does anything. */
  #befalls = false;
  readonly #seed: readonly (string | number)[];
  readonly #dice: Dice<Cause>;
  #bursts: GilbertElliott | undefined;
  readonly #alarm: Alarm;
  #seen = 0;
  /** Frames that wait for rate, in order of departure. */
  #waiting: Flight[] = [];
  /** Frames in delay, in order of arrival. */
  #delayed: Flight[] = [];
  #delayedBytes = 0;
  #lastDeparture = Number.NEGATIVE_INFINITY;
  #lastDue = Number.NEGATIVE_INFINITY;

  /** @param seed labels of this direction of the cable: the net's seed, the end, its incarnation */
  constructor(
    private readonly inner: FramePort,
    private readonly clock: Clock,
    seed: readonly (string | number)[],
    impairment: LinkImpairment = {},
  ) {
    this.#seed = seed;
    this.#dice = new Dice(seed, CAUSES);
    this.#alarm = new Alarm(clock, () => this.#release());
    this.#impairment = impairment;
    this.#befalls = befalls(impairment);
    this.#bursts = this.#chain('bursts');
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

  /** Frames that were sent while there was carrier. */
  get seen(): number {
    return this.#seen;
  }

  attach(receiver: FrameReceiver): void {
    this.inner.attach({
      frames: (batch) => receiver.frames(batch),
      carrier: (up) => {
        if (!up) this.#giveUpAll();
        receiver.carrier(up);
      },
    });
  }

  send(frame: Uint8Array, forwarded = false): void {
    if (!this.inner.carrier) return this.inner.send(frame);
    this.#seen++;
    if (this.#isPerfect) {
      this.#dice.skip(kindOf(frame));
      return this.inner.send(frame);
    }
    const fate = this.#dice.next(kindOf(frame));
    const duplicated = fate.falls('duplicate', this.#impairment.duplicate);
    // The state of the link is one for a frame and its duplicate.
    const burst = burstOn(this.#bursts, fate);
    const copy = duplicated ? new Uint8Array(frame) : undefined;
    this.#pass(frame, fate, forwarded, duplicated, burst);
    if (!copy) return;
    this.counters.add('impairment.duplicate');
    this.#pass(copy, fate.forDuplicate(), forwarded, duplicated, burst);
  }

  sendTrain(frames: Train): void {
    if (this.inner.carrier) {
      if (!this.#isPerfect) return sendEach(this, frames);
      this.#seen += frames.count;
      this.#dice.skip('packet', frames.count);
    }
    sendTrain(this.inner, frames);
  }

  /**
   * Replaces what this end does to frames. Those on their way meet it too: they are lost, duplicated,
   * corrupted and let past the delay as if it had been there when they were sent, timed anew, and beyond a
   * new limit dropped from the tail. Bursts go on in the state that they are in, unless they are set anew.
   */
  set(impairment: LinkImpairment): void {
    const before = this.#impairment;
    this.#impairment = impairment;
    this.#befalls = befalls(impairment);
    const begun = CAUSES.filter((cause) => BEGUN_BY[cause].some((name) => !isSame(name, before, impairment)));
    this.#dice.renew(begun);
    const begin = begun.includes('bursts');
    if (begin) this.#bursts = this.#chain('bursts');
    // Those on their way have a chain of their own: how many they are changes nothing for those to come.
    const bursts = begin ? this.#chain('bursts on the way') : undefined;
    const meet = (flights: readonly Flight[]) => flights.flatMap((flight) => this.#meet(flight, bursts));

    const delayed = meet(this.#delayed);
    const left = this.#waiting.map((flight) => this.#bytesLeft(flight, before.rate));
    const bytesLeft = new Map(this.#waiting.map(({ fate }, index) => [fate, left[index]]));
    const waiting = meet(this.#waiting);
    this.#lastDue = Number.NEGATIVE_INFINITY;
    this.#delayed = [];
    this.#delayedBytes = 0;
    for (const flight of delayed) if (!this.#overtakes(flight)) this.#enterDelay(flight);
    this.#lastDeparture = this.clock.now();
    this.#waiting = this.#withinLimit(waiting).map((flight) => ({
      ...flight,
      departs: this.#departure(bytesLeft.get(flight.fate) ?? flight.frame.length),
    }));
    this.#release();
  }

  /** Takes out of the frames on their way those for which `falls` holds; asked of each, in order of departure. */
  discard(falls: (frame: Uint8Array, forwarded: boolean) => boolean): void {
    const stays = ({ frame, forwarded }: Flight) => !falls(frame, forwarded);
    this.#delayed = this.#delayed.filter(stays);
    this.#delayedBytes = this.#delayed.reduce((sum, flight) => sum + cost(flight), 0);
    this.#waiting = this.#waiting.filter(stays);
  }

  get #isPerfect(): boolean {
    return !this.#befalls && this.#waiting.length === 0 && this.#delayed.length === 0;
  }

  #chain(label: string): GilbertElliott | undefined {
    const { gemodel } = this.#impairment;
    const settings = this.#dice.settings('bursts');
    return gemodel && new GilbertElliott(gemodel, die(this.#seed, `${label} ${settings}`));
  }

  #pass(
    frame: Uint8Array,
    fate: Throw<Cause>,
    forwarded: boolean,
    duplicated: boolean,
    burst: number | undefined,
  ): void {
    if (this.#isLost(fate, burst)) return;
    const { delay, jitter, rate, limit = DEFAULT_LIMIT } = this.#impairment;
    const corrupted = fate.falls('corrupt', this.#impairment.corrupt);
    const whole = corrupted ? this.#corrupt(frame, fate) : frame;
    if (!delay && !jitter && !rate && this.#waiting.length === 0 && this.#delayed.length === 0)
      return this.inner.send(whole);
    if (rate) {
      this.#release();
      if (this.#waiting.length >= limit) return this.counters.add('impairment.limit');
      this.counters.add('impairment.rate');
    }
    const departs = this.#departure(whole.length);
    // A frame that is kept may be a view of a message that others look at too.
    const kept = corrupted ? whole : new Uint8Array(frame);
    this.#waiting.push({ frame: kept, fate, forwarded, duplicated, corrupted, departs, due: departs });
    this.#release();
  }

  /** What becomes of a frame on its way when the impairment is another: nothing, itself, or two of it. */
  #meet(flight: Flight, bursts: GilbertElliott | undefined): Flight[] {
    const { fate } = flight;
    const burst = burstOn(bursts, fate);
    const flights = [flight];
    if (!flight.duplicated && fate.falls('duplicate', this.#impairment.duplicate)) {
      this.counters.add('impairment.duplicate');
      flights[0] = { ...flight, duplicated: true };
      flights.push({ ...flight, fate: fate.forDuplicate(), duplicated: true });
    }
    return flights
      .filter((each) => !this.#isLost(each.fate, burst))
      .map((each) =>
        each.corrupted || !each.fate.falls('corrupt', this.#impairment.corrupt)
          ? each
          : { ...each, corrupted: true, frame: this.#corrupt(each.frame, each.fate) },
      );
  }

  /** @param burst the probability of loss in the state that a bursty link is in */
  #isLost(fate: Throw<Cause>, burst = 0): boolean {
    const lost = fate.falls('loss', Math.max(burst, this.#impairment.loss ?? 0));
    if (lost) this.counters.add('impairment.loss');
    return lost;
  }

  /** A copy with one bit flipped. */
  #corrupt(frame: Uint8Array, fate: Throw<Cause>): Uint8Array {
    this.counters.add('impairment.corrupt');
    const copy = new Uint8Array(frame);
    const bit = Math.floor(fate.show('bit') * copy.length * 8);
    copy[bit >>> 3] = copy[bit >>> 3]! ^ (1 << (bit & 7));
    return copy;
  }

  #withinLimit(flights: readonly Flight[]): readonly Flight[] {
    const { rate, limit = DEFAULT_LIMIT } = this.#impairment;
    if (!rate || flights.length <= limit) return flights;
    this.counters.add('impairment.limit', flights.length - limit);
    return flights.slice(0, limit);
  }

  /** How much of a frame that waits has not left yet, at the rate that there was. */
  #bytesLeft(flight: Flight, rate: number | undefined): number {
    const left = ((flight.departs - this.clock.now()) * (rate ?? 0)) / 8000;
    return Math.min(Math.max(left, 0), flight.frame.length);
  }

  /** When a frame's last bit leaves, if it is the next to be sent. */
  #departure(bytes: number): number {
    const { rate } = this.#impairment;
    const begins = Math.max(this.clock.now(), this.#lastDeparture);
    this.#lastDeparture = rate ? begins + (bytes * 8000) / rate : begins;
    return this.#lastDeparture;
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
        this.#delayedBytes -= cost(arriving);
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
    const { delay, jitter } = this.#impairment;
    if (!delay && !jitter && this.#delayed.length === 0) return this.inner.send(flight.frame);
    if (this.#overtakes(flight)) return;
    if (this.#delayedBytes + cost(flight) > MOST_DELAYED_BYTES) return this.counters.add('impairment.limit');
    this.counters.add('impairment.delay');
    this.#enterDelay(flight);
  }

  /** Sends a frame past those in delay, if it is one of those that may. */
  #overtakes({ frame, fate }: Flight): boolean {
    const { delay, jitter, reorder } = this.#impairment;
    const overtakes = !!(delay || jitter) && fate.falls('reorder', reorder);
    if (overtakes) {
      this.counters.add('impairment.reorder');
      this.inner.send(frame);
    }
    return overtakes;
  }

  /** Puts a frame that has left behind those in delay: jitter alone never lets it overtake. */
  #enterDelay(flight: Flight): void {
    const { delay = 0, jitter = 0, distribution = 'uniform' } = this.#impairment;
    const varied = jitter ? delay + jitter * jitterFactor(distribution, flight.fate) : delay;
    this.#lastDue = Math.max(this.#lastDue, flight.departs + Math.max(varied, 0));
    this.#delayed.push({ ...flight, due: this.#lastDue });
    this.#delayedBytes += cost(flight);
  }

  /** Without carrier nothing is on its way: the cable's end counts what it can't send. */
  #giveUpAll(): void {
    const flights = [...this.#delayed, ...this.#waiting];
    this.#waiting = [];
    this.#delayed = [];
    this.#delayedBytes = 0;
    this.#alarm.clear();
    for (const { frame } of flights) this.inner.send(frame);
  }
}

/** The probability of loss that a frame meets: bursts go on with packets, and what else comes by meets them as they are. */
function burstOn(bursts: GilbertElliott | undefined, { kind }: Throw<Cause>): number | undefined {
  return kind === 'packet' ? bursts?.next() : bursts?.loss;
}

function befalls({ delay, jitter, loss, gemodel, duplicate, corrupt, rate }: LinkImpairment): boolean {
  return !!(delay || jitter || loss || gemodel || duplicate || corrupt || rate);
}

function isSame(name: keyof LinkImpairment, before: LinkImpairment, after: LinkImpairment): boolean {
  if (name === 'gemodel') return sameParameters(before.gemodel, after.gemodel);
  return (before[name] ?? 0) === (after[name] ?? 0);
}

function cost({ frame }: Flight): number {
  return frame.length + OVERHEAD;
}
