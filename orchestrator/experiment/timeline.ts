// Plays the timeline: each entry at its own moment, whether or not those before it are in effect already; only
// what mends waits for what it mends.

import type { Action, FaultAction, MendingAction } from './actions.ts';
import { describeAction, isFault } from './actions.ts';
import type { Played } from './experiment-run.ts';
import type { Moment } from './moments.ts';
import type { NetUnderTest } from './net-under-test.ts';
import { now, until } from './timing.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** When an entry is in effect; undefined once it is known that it never is. */
interface Effect {
  readonly moment: Promise<number | undefined>;
  tell(moment: number | undefined): void;
}

export class Timeline {
  /** Entries that have begun; their times are those of `now()`. */
  readonly played: Mutable<Played>[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #effects: ReadonlyMap<string, Effect>;
  /** Faults that have begun, with the ids of their receipts as soon as they are there. */
  readonly #faults: { readonly action: FaultAction; readonly receipt: Promise<string> }[] = [];

  /**
   * @param zero when it begins, by `now()`
   * @param signal ends it early
   * @param tell is called when an entry begins
   */
  constructor(
    private readonly net: Pick<NetUnderTest, 'break' | 'mend'>,
    private readonly actions: readonly Action[],
    private readonly zero: number,
    private readonly signal: AbortSignal,
    private readonly tell: (played: Played, action: Action) => void,
  ) {
    this.#effects = new Map(
      actions.flatMap(({ name }) => (name === undefined ? [] : [[name, newEffect()] as const])),
    );
    signal.addEventListener(
      'abort',
      () => {
        for (const effect of this.#effects.values()) effect.tell(undefined);
      },
      { once: true },
    );
  }

  /** Resolves when the last entry has begun, or the signal came. */
  async play(): Promise<void> {
    const bases = new Set(this.actions.map(({ at }) => at.entry));
    await Promise.all([...bases].map((base) => this.#playAfter(base)));
  }

  /** By `now()`. Resolves when that is known: with undefined if an entry that it is counted from can't be in effect. */
  async momentOf({ entry, offset }: Moment): Promise<number | undefined> {
    const base = entry === undefined ? this.zero : await this.#effects.get(entry)?.moment;
    return base === undefined ? undefined : base + offset;
  }

  /** Resolves when all entries that have begun are in effect or have failed, or at that moment. */
  async settled(moment: number): Promise<void> {
    const enough = new AbortController();
    await Promise.race([Promise.all(this.#running), until(moment, enough.signal)]);
    enough.abort();
  }

  /** Those whose time counts from one entry, or from the beginning, in order. */
  async #playAfter(base: string | undefined): Promise<void> {
    const own = this.actions.filter(({ at }) => at.entry === base);
    for (const action of own.sort((a, b) => a.at.offset - b.at.offset)) {
      const moment = await this.momentOf(action.at);
      if (moment !== undefined) await until(moment, this.signal);
      if (this.signal.aborted) return;
      const played = this.#entry(action);
      if (moment === undefined) this.#end(played, `${base} was not in effect before`);
      else this.#begin(action, played);
    }
  }

  #entry(action: Action): Mutable<Played> {
    const played = {
      name: action.name,
      what: describeAction(action),
      fault: isFault(action),
      allowUntouched: isFault(action) && action.allowUntouched,
      at: now(),
      ...(action.do === 'heal' && { heals: action.faults ?? [] }),
    };
    this.played.push(played);
    this.tell(played, action);
    return played;
  }

  #begin(action: Action, played: Mutable<Played>): void {
    const work = this.#do(action, played)
      .then(() => this.#end(played))
      .catch((error: unknown) => this.#end(played, error instanceof Error ? error.message : String(error)))
      .finally(() => this.#running.delete(work));
    this.#running.add(work);
  }

  #end(played: Mutable<Played>, failed?: string): void {
    if (failed === undefined) played.done = now();
    else played.failed = failed;
    if (played.name !== undefined) this.#effects.get(played.name)?.tell(played.done);
  }

  async #do(action: Action, played: Mutable<Played>): Promise<void> {
    if (!isFault(action)) return this.net.mend(action, await this.#receiptsOf(action));
    const receipt = this.net.break(action).then(({ id }) => id);
    receipt.catch(() => {});
    this.#faults.push({ action, receipt });
    played.receipt = await receipt;
  }

  /** Of the faults that a heal names; whatever mends waits until that is broken that it mends. */
  async #receiptsOf(action: MendingAction): Promise<string[] | undefined> {
    const broken = this.#faults.filter((fault) => mends(action, fault.action));
    const known = await Promise.allSettled(broken.map(({ receipt }) => receipt));
    if (action.do !== 'heal' || action.faults === undefined) return undefined;
    // What could not be made is told by its own entry.
    return known.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  }
}

function newEffect(): Effect {
  let tell: Effect['tell'] = () => {};
  const moment = new Promise<number | undefined>((resolve) => {
    tell = resolve;
  });
  return { moment, tell };
}

function mends(mending: MendingAction, fault: FaultAction): boolean {
  switch (mending.do) {
    case 'heal':
      return (
        mending.faults === undefined || (fault.name !== undefined && mending.faults.includes(fault.name))
      );
    case 'splice':
      return fault.do === 'cut' && fault.cable === mending.cable;
    case 'start':
      return (fault.do === 'kill' || fault.do === 'stop') && fault.device === mending.device;
    case 'thaw':
      return fault.do === 'freeze' && fault.device === mending.device;
  }
}
