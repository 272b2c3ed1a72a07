// Whether the net has been doing what it should for long enough.

import type { Sample } from './sample.ts';
import { seconds } from './wording.ts';

export class SteadyState {
  /** Since when each probe has been good, by its name. */
  readonly #since = new Map<string, number>();
  readonly #last = new Map<string, Sample>();

  constructor(private readonly probes: readonly string[]) {}

  note(sample: Sample): void {
    if (!this.probes.includes(sample.probe)) return;
    this.#last.set(sample.probe, sample);
    if (!sample.ok) this.#since.delete(sample.probe);
    else if (!this.#since.has(sample.probe)) this.#since.set(sample.probe, sample.at);
  }

  /** Since when all have been good; undefined while one is not. */
  get since(): number | undefined {
    if (this.probes.some((probe) => !this.#since.has(probe))) return undefined;
    return Math.max(...this.#since.values());
  }

  /** What keeps it from holding, for people. */
  missing(waited: number): string {
    const bad = this.probes.filter((probe) => !this.#since.has(probe));
    const told = bad.map((probe) => {
      const { code, reason } = this.#last.get(probe) ?? {};
      return `${probe} ${code === undefined ? 'has not answered yet' : `fails with ${code}: ${reason}`}`;
    });
    return `it did not hold within ${seconds(waited)}: ${told.join('; ') || 'it began to hold only lately'}`;
  }
}
