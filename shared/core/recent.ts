// What was looked up of late, in front of a Map whose keys are numbers beyond 31 bits: those, such as addresses,
// are slow to hash, and most packets go where the one before went.

/** A power of two. */
const SLOTS = 64;

/** A direct-mapped cache: each key has one slot, which it shares with others. */
export class Recent<Value> {
  readonly #keys = new Float64Array(SLOTS).fill(Number.NaN);
  readonly #values = new Array<Value | undefined>(SLOTS).fill(undefined);

  get(key: number): Value | undefined {
    const slot = key & (SLOTS - 1);
    return this.#keys[slot] === key ? this.#values[slot] : undefined;
  }

  set(key: number, value: Value): void {
    const slot = key & (SLOTS - 1);
    this.#keys[slot] = key;
    this.#values[slot] = value;
  }

  delete(key: number): void {
    const slot = key & (SLOTS - 1);
    if (this.#keys[slot] !== key) return;
    this.#keys[slot] = Number.NaN;
    this.#values[slot] = undefined;
  }

  clear(): void {
    this.#keys.fill(Number.NaN);
    this.#values.fill(undefined);
  }
}
