// How far a storm is, in memory that both threads see: what was put in last is known though the storm
// hangs in it.

const LONGEST = 4096;

const BEAT = 0;
const ROUND = 1;
const NUMBER = 2;
const LENGTH = 3;
const NAME_LENGTH = 4;
const HEADER = 5;

export class Progress {
  readonly shared: SharedArrayBuffer;
  readonly #numbers: Int32Array;
  readonly #frame: Uint8Array;
  readonly #name: Uint8Array;

  constructor(shared = new SharedArrayBuffer(HEADER * 4 + LONGEST + 64)) {
    this.shared = shared;
    this.#numbers = new Int32Array(shared, 0, HEADER);
    this.#frame = new Uint8Array(shared, HEADER * 4, LONGEST);
    this.#name = new Uint8Array(shared, HEADER * 4 + LONGEST, 64);
  }

  get round(): number {
    return this.#numbers[ROUND]!;
  }

  /** Of the frame within its round, from 1. */
  get number(): number {
    return this.#numbers[NUMBER]!;
  }

  /** In hex. */
  get frame(): string {
    return Buffer.from(this.#frame.slice(0, this.#numbers[LENGTH]!)).toString('hex');
  }

  get entrance(): string {
    return Buffer.from(this.#name.slice(0, this.#numbers[NAME_LENGTH]!)).toString();
  }

  note(round: number, number: number, frame: Uint8Array, entrance: string): void {
    this.#numbers[ROUND] = round;
    this.#numbers[NUMBER] = number;
    this.#numbers[LENGTH] = Math.min(frame.length, LONGEST);
    this.#frame.set(frame.subarray(0, LONGEST));
    const name = Buffer.from(entrance).subarray(0, 64);
    this.#numbers[NAME_LENGTH] = name.length;
    this.#name.set(name);
    this.beat();
  }

  beat(): void {
    Atomics.add(this.#numbers, BEAT, 1);
  }

  /** Calls `silent` when there was no beat for `patience` ms. */
  watch(patience: number, silent: () => void): void {
    let [seen, since] = [-1, Date.now()];
    setInterval(() => {
      const beat = Atomics.load(this.#numbers, BEAT);
      if (beat !== seen) [seen, since] = [beat, Date.now()];
      else if (Date.now() - since > patience) silent();
    }, 500).unref();
  }
}
