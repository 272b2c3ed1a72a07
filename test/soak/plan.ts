// What a soak does and when, all of it before it begins: the same seed makes the same faults in the same
// order, whatever the machine's load makes of the times.

import type { Random } from '../../shared/core/random.ts';
import { seededRandom } from '../../shared/core/random.ts';
import { choose, KINDS, type Kind, shuffled } from './choose.ts';
import { participants, type SoakFault } from './faults.ts';
import type { SoakNet } from './soak-net.ts';

/** ms from one fault to the next, and how long one lasts. */
const PAUSE = [250, 1400] as const;
const LASTING = [300, 1500] as const;

/** Servers are asked less often than frames pass. */
const SERVERS_LAST_LONGER = 3;

/** Faults at a time, and those among them that take a device or a cable away; some go on to the end. */
const MOST_ACTIVE = 5;
const MOST_DARK = 1;
const MOST_TO_THE_END = 2;

export interface PlannedFault {
  /** From 1. */
  readonly number: number;
  readonly fault: SoakFault;
}

export interface Step {
  /** ms after the beginning. */
  readonly at: number;
  /** `heal` by its receipt, `heal twice` at the same time, `undo` by the verb for its kind (start, thaw, splice). */
  readonly does: 'make' | 'heal' | 'heal twice' | 'undo';
  readonly planned: PlannedFault;
  /** Devices that no other step may do something with meanwhile. */
  readonly participants: readonly string[];
}

interface Active {
  readonly planned: PlannedFault;
  until: number;
}

/** Steps in order. What they leave active is to be healed at the end, all at once. */
export function plan(net: SoakNet, seed: number, count: number): readonly Step[] {
  return new Planner(net, seededRandom(seed, 'soak')).plan(count);
}

class Planner {
  readonly #steps: Step[] = [];
  #active: Active[] = [];
  #deck: Kind[] = [];
  #now = 0;

  constructor(
    private readonly net: SoakNet,
    private readonly random: Random,
  ) {}

  plan(count: number): readonly Step[] {
    for (let number = 1; number <= count; number++) {
      do {
        this.#now += this.random.integer(...PAUSE);
        this.#healDue();
      } while (this.#active.length >= MOST_ACTIVE);
      this.#make({ number, fault: this.#choose() });
    }
    this.#now += LASTING[1] / 2;
    // Nobody but the planner knows of these.
    for (const { planned } of this.#active) if (planned.fault.kind === 'kill -9') this.#heal(planned);
    return this.#steps;
  }

  #choose(): SoakFault {
    for (;;) {
      if (this.#deck.length < KINDS.length) this.#deck.push(...shuffled(this.random, KINDS));
      for (const [index, kind] of this.#deck.entries()) {
        const fault = choose(this.random, kind, this.net);
        if (!this.#possible(fault)) continue;
        this.#deck.splice(index, 1);
        return fault;
      }
    }
  }

  #possible(fault: SoakFault): boolean {
    const { kind } = fault;
    const dark = this.#active.filter(({ planned }) => takesAway(planned.fault)).length;
    if (takesAway(fault) && dark >= MOST_DARK) return false;
    const devices = participants(fault, this.net);
    const frozen = devices.filter((device) => this.#frozen(device) !== undefined).length;
    switch (kind) {
      // Also what hangs can lose its power.
      case 'kill':
      case 'stop':
      case 'restart':
      case 'kill -9':
        return !this.#isOff(fault.device);
      case 'freeze':
      case 'flush':
        return !this.#isOff(fault.device) && frozen === 0;
      // One end is enough.
      case 'cut':
        return frozen < devices.length;
      default:
        return frozen === 0;
    }
  }

  #make(planned: PlannedFault): void {
    const { fault } = planned;
    this.#step('make', planned);
    if (fault.kind === 'restart' || takesPower(fault))
      this.#over((each) => each.kind === 'freeze' && each.device === fault.device);
    if (fault.kind === 'restart' || fault.kind === 'flush') return;
    const toTheEnd = this.#active.filter(({ until }) => until === Number.POSITIVE_INFINITY).length;
    const lasts = !takesAway(fault) && toTheEnd < MOST_TO_THE_END && this.random.fraction() < 0.05;
    const lasting = this.random.integer(...LASTING) * (fault.kind === 'misbehave' ? SERVERS_LAST_LONGER : 1);
    const until = lasts ? Number.POSITIVE_INFINITY : this.#now + lasting;
    this.#active.push({ planned, until });
  }

  #healDue(): void {
    for (;;) {
      const due = this.#active.filter(({ until }) => until <= this.#now).sort((a, b) => a.until - b.until)[0];
      if (!due) return;
      const { fault } = due.planned;
      const thaws = participants(fault, this.net).flatMap((device) => this.#frozen(device) ?? []);
      const holds = fault.kind === 'freeze' ? undefined : Math.max(...thaws);
      // What hangs confirms nothing: it is healed after the thaw.
      if (holds !== undefined && Number.isFinite(holds)) due.until = holds + 1;
      else this.#heal(due.planned, due.until);
    }
  }

  #heal(planned: PlannedFault, at = this.#now): void {
    const { fault } = planned;
    const byVerb = this.random.fraction() < 0.4 && ['kill', 'stop', 'freeze', 'cut'].includes(fault.kind);
    const byReceipt = this.random.fraction() < 0.2 ? 'heal twice' : 'heal';
    this.#step(byVerb ? 'undo' : byReceipt, planned, at);
    this.#over((each) => each === fault);
    // A splice mends all cuts of its cable.
    if (byVerb && fault.kind === 'cut')
      this.#over((each) => each.kind === 'cut' && each.cable === fault.cable);
  }

  #step(does: Step['does'], planned: PlannedFault, at = this.#now): void {
    this.#steps.push({ at, does, planned, participants: participants(planned.fault, this.net) });
  }

  #over(which: (fault: SoakFault) => boolean): void {
    this.#active = this.#active.filter(({ planned }) => !which(planned.fault));
  }

  #isOff(device: string): boolean {
    return this.#active.some(({ planned: { fault } }) => takesPower(fault) && fault.device === device);
  }

  /** Until when a device hangs. */
  #frozen(device: string): number | undefined {
    return this.#active.find(({ planned: { fault } }) => fault.kind === 'freeze' && fault.device === device)
      ?.until;
  }
}

function takesPower(
  fault: SoakFault,
): fault is SoakFault & { readonly kind: 'kill' | 'stop' | 'kill -9'; readonly device: string } {
  return fault.kind === 'kill' || fault.kind === 'stop' || fault.kind === 'kill -9';
}

function takesAway(fault: SoakFault): boolean {
  return takesPower(fault) || fault.kind === 'freeze' || fault.kind === 'cut';
}
