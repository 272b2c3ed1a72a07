// Time as protocols see it: given to them, so that a test can hold it.

/** A pending call; cancelling one that ran or was cancelled does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Monotonic time in ms, with a fraction. Only differences mean something. */
  now(): number;
  /** Calls back once, `delay` ms from now (never inside this call). */
  after(delay: number, callback: () => void): Timer;
  /** Calls back once this turn's work is done and before anything else is read: to flush a batch. */
  afterTurn(callback: () => void): void;
  /** Calls back once all has been read that had arrived by then: to answer it together. */
  afterReads(callback: () => void): void;
}

/** Node makes the global one anew of a getter, which is called each time that it is named. */
const { performance } = globalThis;

/** setTimeout takes a signed 32-bit count of ms; a longer one would fire at once. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** ms that the clocks of two processes may be apart, and how often a clock is compared at most. */
const CLOCK_PRECISION = 0.002;
const CLOCK_READINGS = 100;

/**
 * ms on the machine's clock when this process's own began: `performance.now()` is cheaper to ask. The two are
 * asked until nothing came between, as a process that loses the CPU there would live in another time than its
 * neighbours.
 */
function processBegan(): number {
  const machine = (): number => Number(process.hrtime.bigint()) / 1e6;
  let began = 0;
  let doubt = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < CLOCK_READINGS && doubt > CLOCK_PRECISION; tries++) {
    const before = machine();
    const own = performance.now();
    const between = machine() - before;
    if (between >= doubt) continue;
    doubt = between;
    began = before + between / 2 - own;
  }
  return began;
}

const PROCESS_BEGAN = processBegan();

/** Cheaper than `queueMicrotask`, for which Node keeps an async resource. */
const resolved = Promise.resolve();

/** The machine's monotonic clock, the same in all processes of a machine. */
export const systemClock: Clock = {
  now: () => PROCESS_BEGAN + performance.now(),
  after(delay, callback) {
    const timeout = setTimeout(callback, Math.min(Math.max(delay, 0), LONGEST_TIMEOUT));
    return { cancel: () => clearTimeout(timeout) };
  },
  afterTurn: (callback) => void resolved.then(callback),
  // The event loop reads every socket that has something before it runs what `setImmediate` was given.
  afterReads: (callback) => void setImmediate(callback),
};

/** ms after its deadline from which on an alarm is late because this process stood still, or was stopped. */
const LATE = 10;
/** ms in which a process that goes on reads what came meanwhile. */
const READING = 1;

/**
 * A timer that is set again and again, as TCP's are: moving the deadline later, or clearing it, is
 * an assignment and touches no system timer.
 *
 * One that is late lets what came meanwhile be read first: that may be the answer whose absence it tells of.
 */
export class Alarm {
  #deadline: number | undefined;
  #timer: Timer | undefined;
  #timerDue = 0;
  /** Whether it was late, and has waited for what there was to read. */
  #hasWaited = false;

  constructor(
    private readonly clock: Clock,
    private readonly callback: () => void,
  ) {}

  /** When it will go off, on the clock's scale; undefined while it is not set. */
  get deadline(): number | undefined {
    return this.#deadline;
  }

  /** Goes off `delay` ms from now instead of whenever it was set to before. */
  set(delay: number): void {
    this.#deadline = this.clock.now() + delay;
    if (this.#timer && this.#timerDue <= this.#deadline) return;
    this.#timer?.cancel();
    this.#arm(this.#deadline, delay);
  }

  clear(): void {
    this.#deadline = undefined;
  }

  /** Lets go of the system timer too: for an owner that ends. */
  close(): void {
    this.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(due: number, delay: number): void {
    this.#timerDue = due;
    this.#timer = this.clock.after(delay, () => this.#ring());
  }

  #ring(): void {
    this.#timer = undefined;
    if (this.#deadline === undefined) return;
    const left = this.#deadline - this.clock.now();
    // A system timer has whole milliseconds and may be a fraction early; early by less is due.
    if (left >= 1) return this.#arm(this.#deadline, left);
    if (left < -LATE && !this.#hasWaited) {
      this.#hasWaited = true;
      return this.#arm(this.#deadline, READING);
    }
    this.#hasWaited = false;
    this.#deadline = undefined;
    this.callback();
  }
}
