// A clock that a test turns by hand: protocols see time pass, the machine does not.

import type { Transform } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { Clock, Timer } from '../../shared/core/clock.ts';

interface Pending extends Timer {
  readonly due: number;
  readonly order: number;
  readonly callback: () => void;
  cancelled: boolean;
}

export class VirtualClock implements Clock {
  #now = 0;
  #order = 0;
  #heap: Pending[] = [];
  #turnEnd: (() => void)[] = [];

  now(): number {
    return this.#now;
  }

  after(delay: number, callback: () => void): Timer {
    const pending: Pending = {
      due: this.#now + Math.max(delay, 0),
      order: this.#order++,
      callback,
      cancelled: false,
      cancel() {
        this.cancelled = true;
      },
    };
    this.#push(pending);
    return pending;
  }

  afterTurn(callback: () => void): void {
    this.#turnEnd.push(callback);
  }

  afterReads(callback: () => void): void {
    this.afterTurn(callback);
  }

  /** When the next timer is due, undefined if none is set. */
  get nextDue(): number | undefined {
    this.#dropCancelled();
    return this.#heap[0]?.due;
  }

  /** Runs what waits for the end of the turn, and what that brings up. */
  settle(): void {
    for (let round = 0; this.#turnEnd.length > 0; round++) {
      if (round > 100_000)
        throw new Error('the turn never ends: something answers itself without time passing');
      const callbacks = this.#turnEnd;
      this.#turnEnd = [];
      for (const callback of callbacks) callback();
    }
  }

  /** Lets `ms` pass, with all timers that fall due in it, in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    this.settle();
    while (this.nextDue !== undefined && this.nextDue <= end) this.step();
    this.#now = end;
  }

  /** Runs the one next timer, and the end of its turn; false if there was none. */
  step(): boolean {
    this.settle();
    this.#dropCancelled();
    const next = this.#pop();
    if (!next) return false;
    this.#now = next.due;
    next.callback();
    this.settle();
    return true;
  }

  /** Steps until `done()` holds or `limit` ms of virtual time have passed; says which. */
  runUntil(done: () => boolean, limit: number): boolean {
    const end = this.#now + limit;
    this.settle();
    while (!done()) {
      if (this.nextDue === undefined || this.nextDue > end) return false;
      this.step();
    }
    return true;
  }

  /**
   * As `runUntil`, giving Node's own turns (streams, promises) their chance between the steps, and files that
   * are being read and what is being compressed the time that the machine takes for them.
   */
  async runUntilAsync(done: () => boolean, limit: number): Promise<boolean> {
    const end = this.#now + limit;
    for (;;) {
      this.settle();
      await new Promise<void>((resolve) => setImmediate(resolve));
      const delivered = this.#turnEnd.length > 0;
      this.settle();
      if (done()) return true;
      // What was delivered just now may have resolved promises, which go on in a turn of their own.
      if (delivered || this.#turnEnd.length > 0 || threadsWork()) continue;
      if (this.nextDue === undefined || this.nextDue > end) return false;
      this.step();
    }
  }

  #dropCancelled(): void {
    while (this.#heap[0]?.cancelled) this.#pop();
  }

  #before(a: Pending, b: Pending): boolean {
    return a.due < b.due || (a.due === b.due && a.order < b.order);
  }

  #push(item: Pending): void {
    const heap = this.#heap;
    let index = heap.push(item) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#before(item, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = item;
  }

  #pop(): Pending | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || top === last) return top;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#before(heap[child + 1]!, heap[child]!)) child++;
      if (!this.#before(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return top;
  }
}

/** Whether threads of Node's are at work for us: on files, or on compression, which it does not list. */
function threadsWork(): boolean {
  return compressing > 0 || process.getActiveResourcesInfo().some((resource) => resource.startsWith('FSReq'));
}

let compressing = 0;
/** What all compressing streams inherit from. */
const zlibStream = Object.getPrototypeOf(Object.getPrototypeOf(Object.getPrototypeOf(createGzip()))) as Pick<
  Transform,
  '_transform'
>;
const { _transform: transform } = zlibStream;
zlibStream._transform = function (this: Transform, chunk, encoding, done) {
  compressing++;
  transform.call(this, chunk, encoding, (...result) => {
    compressing--;
    done(...result);
  });
};
