// How a server misbehaves, on purpose. It asks before it hears a request and before it gives an answer; what
// it is told to do wrong comes and goes while it runs. No frame is touched, and neither is its clock.

import { type Ipv4Address, ipv4 } from '../core/address.ts';
import type { Clock } from '../core/clock.ts';
import type { Misbehaviour, RuleCounts } from '../topology/faults.ts';

/** Answers that wait to be given late; more are not given at all, so that a flood of requests does no harm. */
const MOST_LATE = 10_000;

/** What is wrong with an answer. */
export interface Wrong {
  readonly servfail: boolean;
  /** Stands in the place of every address that is told. */
  readonly address: Ipv4Address | undefined;
}

const NOTHING_WRONG: Wrong = { servfail: false, address: undefined };

interface Active {
  readonly how: Misbehaviour;
  seen: number;
  affected: number;
}

export class Behaviour {
  readonly #active = new Map<string, Active>();
  #late = 0;

  constructor(private readonly clock: Clock) {}

  get ids(): readonly string[] {
    return [...this.#active.keys()];
  }

  /** Adds a misbehaviour, in the place of the one of that id; its counts go on. */
  misbehave(id: string, how: Misbehaviour): RuleCounts {
    const { seen = 0, affected = 0 } = this.#active.get(id) ?? {};
    this.#active.set(id, { how, seen, affected });
    return { seen, affected };
  }

  /** Ends a misbehaviour; undefined if there is none of that id. Answers that are late by then stay late. */
  behave(id: string): RuleCounts | undefined {
    const counts = this.counts(id);
    this.#active.delete(id);
    return counts;
  }

  counts(id: string): RuleCounts | undefined {
    const active = this.#active.get(id);
    return active && { seen: active.seen, affected: active.affected };
  }

  /** Counts a request, and says whether it is heard at all. */
  hears(): boolean {
    let heard = true;
    for (const active of this.#active.values()) {
      active.seen++;
      if (!active.how.silent) continue;
      active.affected++;
      heard = false;
    }
    return heard;
  }

  /** Whether `address` is one that is told in the place of others. */
  tells(address: Ipv4Address | undefined): boolean {
    return address !== undefined && this.#wrong(true).address === address;
  }

  /**
   * Has an answer given, now or late.
   * @param hasAddress whether the answer tells an address
   */
  answer(hasAddress: boolean, give: (wrong: Wrong) => void): void {
    if (this.#active.size === 0) return give(NOTHING_WRONG);
    const wrong = this.#wrong(hasAddress);
    let delay = 0;
    for (const active of this.#active.values()) {
      const { how } = active;
      if (how.delay || how.servfail || (how.address !== undefined && hasAddress)) active.affected++;
      delay += how.delay ?? 0;
    }
    if (delay === 0) return give(wrong);
    if (this.#late >= MOST_LATE) return;
    this.#late++;
    this.clock.after(delay, () => {
      this.#late--;
      give(wrong);
    });
  }

  /** What all say together; of several addresses the last one is told. */
  #wrong(hasAddress: boolean): Wrong {
    const all = [...this.#active.values()].map(({ how }) => how);
    const address = hasAddress ? all.findLast((how) => how.address !== undefined)?.address : undefined;
    return {
      servfail: all.some(({ servfail }) => servfail),
      address: address === undefined ? undefined : ipv4(address),
    };
  }
}
