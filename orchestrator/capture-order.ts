// Puts what several devices saw into one order: things come a little late and out of turn, so each is held
// back for a moment in which earlier ones may still come.

/** ms that something is held back. */
const WINDOW = 200;

interface Held<T> {
  /** ns since the first that was held: a number, as there are many to sort. */
  readonly time: number;
  readonly arrived: number;
  readonly item: T;
}

export class CaptureOrder<T> {
  #held: Held<T>[] = [];
  #base: bigint | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param write takes the items in the order of their times */
  constructor(private readonly write: (item: T) => void) {}

  /** @param time ns, on any clock that all share */
  add(time: bigint, item: T): void {
    this.#base ??= time;
    this.#held.push({ time: Number(time - this.#base), arrived: performance.now(), item });
    this.#timer ??= setTimeout(() => this.#release(), WINDOW);
  }

  /** Writes what is still held. */
  finish(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#write(this.#held);
    this.#held = [];
  }

  /** Writes everything up to the latest of those that have waited long enough. */
  #release(): void {
    this.#timer = undefined;
    const now = performance.now();
    let latest = Number.NEGATIVE_INFINITY;
    for (const { time, arrived } of this.#held) if (now - arrived >= WINDOW && time > latest) latest = time;
    this.#write(this.#held.filter((held) => held.time <= latest));
    this.#held = this.#held.filter((held) => held.time > latest);
    const next = this.#held[0];
    if (next) this.#timer = setTimeout(() => this.#release(), Math.max(1, next.arrived + WINDOW - now));
  }

  #write(held: readonly Held<T>[]): void {
    const inOrder = [...held].sort((a, b) => a.time - b.time);
    for (const { item } of inOrder) this.write(item);
  }
}
