// When the entries of a timeline are played at the earliest: as if each were in effect as soon as it is asked for.

import type { Action } from './actions.ts';
import type { Moment } from './moments.ts';

export class Plan {
  readonly #entries: ReadonlyMap<string, Action>;

  constructor(private readonly timeline: readonly Action[]) {
    this.#entries = new Map(
      timeline.flatMap((action) => (action.name === undefined ? [] : [[action.name, action] as const])),
    );
  }

  /** ms after the timeline began; undefined where it depends on what is not there, or on itself. */
  at({ entry, offset }: Moment, passed: readonly string[] = []): number | undefined {
    if (entry === undefined) return offset;
    const base = this.#entries.get(entry);
    if (base === undefined || passed.includes(entry)) return undefined;
    const before = this.at(base.at, [...passed, entry]);
    return before === undefined ? undefined : before + offset;
  }

  /** Whether an entry waits, by way of others, for itself. */
  inCircle({ entry }: Moment): boolean {
    const passed: string[] = [];
    for (let next = entry; next !== undefined; next = this.#entries.get(next)?.at.entry) {
      if (passed.includes(next)) return true;
      passed.push(next);
    }
    return false;
  }

  /** Of the last entry; undefined if some entry depends on another, and so on how fast the machine is. */
  get last(): number | undefined {
    if (this.timeline.some(({ at }) => at.entry !== undefined)) return undefined;
    return Math.max(0, ...this.timeline.map(({ at }) => at.offset));
  }
}
