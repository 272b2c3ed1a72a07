// Plays the timeline: each entry at its own moment, whether or not those before it are in effect already.

import type { Action } from './actions.ts';
import { describeAction, isFault } from './actions.ts';
import type { Played } from './experiment-run.ts';
import type { NetUnderTest } from './net-under-test.ts';
import { now, until } from './timing.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class Timeline {
  /** Entries that have begun; their times are those of `now()`. */
  readonly played: Mutable<Played>[] = [];
  readonly #running = new Set<Promise<void>>();
  /** Ids of receipts by the names of their entries, as soon as they are there. */
  readonly #receipts = new Map<string, Promise<string>>();

  /** @param tell is called when an entry begins */
  constructor(
    private readonly net: Pick<NetUnderTest, 'break' | 'mend'>,
    private readonly tell: (played: Played, action: Action) => void,
  ) {}

  /** Resolves when the last entry has begun, or the signal came. */
  async play(actions: readonly Action[], zero: number, signal: AbortSignal): Promise<void> {
    for (const action of actions) {
      await until(zero + action.at, signal);
      if (signal.aborted) return;
      this.#begin(action);
    }
  }

  /** Resolves when all entries that have begun are in effect or have failed, or at that moment. */
  async settled(moment: number): Promise<void> {
    const enough = new AbortController();
    await Promise.race([Promise.all(this.#running), until(moment, enough.signal)]);
    enough.abort();
  }

  #begin(action: Action): void {
    const played: Mutable<Played> = {
      name: action.name,
      what: describeAction(action),
      fault: isFault(action),
      allowUntouched: isFault(action) && action.allowUntouched,
      at: now(),
      ...(action.do === 'heal' && { heals: action.faults ?? [] }),
    };
    this.played.push(played);
    this.tell(played, action);
    const work = this.#do(action, played)
      .then(() => {
        played.done = now();
      })
      .catch((error: unknown) => {
        played.failed = error instanceof Error ? error.message : String(error);
      })
      .finally(() => this.#running.delete(work));
    this.#running.add(work);
  }

  async #do(action: Action, played: Mutable<Played>): Promise<void> {
    if (!isFault(action)) return this.net.mend(action, await this.#receiptsOf(action));
    const receipt = this.net.break(action).then(({ id }) => id);
    receipt.catch(() => {});
    if (action.name !== undefined) this.#receipts.set(action.name, receipt);
    played.receipt = await receipt;
  }

  /** Of the faults that an entry heals, waiting for those that are still being made. */
  async #receiptsOf(action: Action): Promise<string[] | undefined> {
    if (action.do !== 'heal' || action.faults === undefined) return undefined;
    const known = await Promise.allSettled(action.faults.map((name) => this.#receipts.get(name)));
    // What could not be made is told by its own entry.
    return known.flatMap((result) => (result.status === 'fulfilled' ? (result.value ?? []) : []));
  }
}
