// The ends of cables under faults: keeps each as the active faults and the topology want it, and tells the
// frames that an end counts apart by the fault that did it. Every answer of a device carries the counts at
// the moment of the change, so that the stretch between two answers belongs to the faults that were in force.

import type { StandingFaults } from '../../shared/topology/faults.ts';
import type { Impairment } from '../../shared/topology/types.ts';
import { codeOf } from '../failure.ts';
import type { FaultBench } from './bench.ts';
import { DeviceOff } from './bench.ts';
import { readPortCounts } from './counts.ts';
import {
  type EffectiveImpairment,
  effectiveImpairment,
  type ImpairmentValues,
} from './effective-impairment.ts';
import { bothPlaces, type CablePlace, placesOn } from './places.ts';
import type { Cause } from './receipt.ts';
import type { Tally } from './tally.ts';

/** What a fault does at a cable's end. */
export interface EndEffect {
  readonly values?: ImpairmentValues;
  readonly cut?: true;
  /** Counts the frames that this end sends in vain to a device that is off or frozen. */
  readonly lost?: 'kill' | 'freeze';
}

/** An active fault, as far as it concerns cables' ends. */
export interface EndFault {
  readonly id: string;
  readonly tally: Tally;
  /** By `device:interface`. */
  readonly ends: ReadonlyMap<string, EndEffect>;
}

interface Wanted extends EffectiveImpairment {
  readonly cut: boolean;
}

interface Ledger {
  /** What the device was told last, be it when it started; undefined where it has not said that it heard. */
  told: { impairment: string | undefined; cut: boolean | undefined };
  /** In which run of the device the counts below were read. */
  run: number | undefined;
  seen: number;
  affected: Readonly<Record<string, number>>;
  /** Who is credited with what is counted from now on. */
  owners: ReadonlyMap<Cause, readonly EndFault[]>;
  watchers: readonly EndFault[];
}

export class CableEnds {
  readonly #ledgers = new Map<string, Ledger>();

  /** @param active the active faults, the oldest first */
  constructor(
    private readonly bench: FaultBench,
    private readonly active: () => readonly EndFault[],
  ) {}

  /** What a device that starts now is to begin with; it counts from zero. */
  standing(device: string): { impairments: ReadonlyMap<string, Impairment>; cut: StandingFaults['cut'] } {
    const impairments = new Map<string, Impairment>();
    const cut: string[] = [];
    for (const place of placesOn(this.bench.topology, device)) {
      const wanted = this.#wanted(place);
      const ledger = this.#ledger(place);
      ledger.told = { impairment: JSON.stringify(wanted.impairment), cut: wanted.cut };
      this.#credit(ledger, place, wanted);
      impairments.set(place.interface, wanted.impairment);
      if (wanted.cut) cut.push(place.interface);
    }
    return { impairments, cut };
  }

  isCut(place: CablePlace): boolean {
    return this.#wanted(place).cut;
  }

  /** What the end does to frames now. */
  effective(place: CablePlace): EffectiveImpairment {
    return this.#wanted(place);
  }

  /**
   * Makes the end as the active faults want it.
   * @returns whether the device has confirmed it; one that is off takes it up when it starts, one that is
   *   frozen is `behind`
   */
  async settle(place: CablePlace, timeout: number): Promise<boolean> {
    const ledger = this.#ledger(place);
    if (this.bench.device(place.device).frozen) {
      this.#credit(ledger, place, this.#wanted(place));
      return !this.#isBehind(place);
    }
    try {
      const impairment = JSON.stringify(this.#wanted(place).impairment);
      if (impairment !== ledger.told.impairment) {
        await this.#ask('impair', place, timeout, { impairment: JSON.parse(impairment) });
        ledger.told = { ...ledger.told, impairment };
        this.#credit(ledger, place, this.#wanted(place), 'but cut');
      }
      const { cut } = this.#wanted(place);
      if (cut !== ledger.told.cut) {
        await this.#ask(cut ? 'cut' : 'splice', place, timeout);
        ledger.told = { ...ledger.told, cut };
      } else await this.#ask('counts', place, timeout);
      this.#credit(ledger, place, this.#wanted(place));
      return true;
    } catch (error) {
      if (!(error instanceof DeviceOff)) throw error;
      this.#credit(ledger, place, this.#wanted(place));
      return false;
    }
  }

  /** Ends that are not known to be as the active faults want them. */
  behind(): CablePlace[] {
    return this.bench.topology.cables.flatMap(bothPlaces).filter((place) => this.#isBehind(place));
  }

  /** Reads the counts of an end, if its device answers. */
  async count(place: CablePlace, timeout: number): Promise<void> {
    const { frozen, booted } = this.bench.device(place.device);
    if (frozen || !booted) return;
    await this.#ask('counts', place, timeout);
  }

  /** Credits those that are active now with what is counted from the last answer on. */
  release(places: readonly CablePlace[]): void {
    for (const place of places) this.#credit(this.#ledger(place), place, this.#wanted(place));
  }

  async #ask(method: string, place: CablePlace, timeout: number, more: object = {}): Promise<void> {
    const device = this.bench.device(place.device);
    const params = { interface: place.interface, ...more };
    const { run } = device;
    const ledger = this.#ledger(place);
    try {
      this.#take(ledger, run, await device.ask(method, params, timeout));
    } catch (error) {
      // It may do it yet: until it says what it does it is told again.
      if (codeOf(error) === 'ETIMEDOUT' && method === 'impair') ledger.told.impairment = undefined;
      else if (codeOf(error) === 'ETIMEDOUT' && method !== 'counts') ledger.told.cut = undefined;
      throw error;
    }
  }

  /** Credits what was counted since the last time to those who were in force meanwhile. */
  #take(ledger: Ledger, run: number | undefined, answer: unknown): void {
    const { seen, affected } = readPortCounts(answer);
    const before = run === ledger.run ? ledger : { seen: 0, affected: {} as Ledger['affected'] };
    const frames = seen - before.seen;
    for (const { tally } of ledger.watchers) tally.seen += frames;
    for (const [cause, faults] of ledger.owners) {
      const met = (affected[cause] ?? 0) - (before.affected[cause] ?? 0);
      for (const { tally } of faults) {
        tally.add(cause, cause === 'freeze' ? frames : met);
        // Without carrier a port sees no frames; these came by all the same.
        if (cause === 'cut' || cause === 'kill') tally.seen += met;
      }
    }
    Object.assign(ledger, { run, seen, affected });
  }

  #credit(ledger: Ledger, place: CablePlace, wanted: Wanted, which: 'all' | 'but cut' = 'all'): void {
    const here = this.active().filter(({ ends }) => ends.has(place.at));
    const owners = new Map<Cause, readonly EndFault[]>();
    for (const [cause, ids] of wanted.owners)
      owners.set(
        cause,
        here.filter(({ id }) => ids.includes(id)),
      );
    const cuts = here.filter(({ ends }) => ends.get(place.at)?.cut);
    owners.set('cut', which === 'all' ? cuts.slice(-1) : (ledger.owners.get('cut') ?? []));
    for (const cause of ['kill', 'freeze'] as const)
      owners.set(
        cause,
        here.filter(({ ends }) => ends.get(place.at)?.lost === cause),
      );
    ledger.owners = owners;
    // What was sent to a device before it lost its power has arrived.
    ledger.watchers = here.filter(({ ends }) => ends.get(place.at)?.lost !== 'kill');
  }

  #wanted(place: CablePlace): Wanted {
    const here = this.active().flatMap(({ id, ends }) => {
      const effect = ends.get(place.at);
      return effect === undefined ? [] : [{ id, ...effect }];
    });
    const claims = here.flatMap(({ id, values }) => (values === undefined ? [] : [{ id, values }]));
    const effective = effectiveImpairment(place.cable.impairments[place.index], claims);
    return { ...effective, cut: here.some(({ cut }) => cut) };
  }

  #isBehind(place: CablePlace): boolean {
    const { told } = this.#ledger(place);
    const { impairment, cut } = this.#wanted(place);
    return told.cut !== cut || told.impairment !== JSON.stringify(impairment);
  }

  #ledger(place: CablePlace): Ledger {
    const known = this.#ledgers.get(place.at);
    if (known) return known;
    const ledger: Ledger = {
      told: { impairment: JSON.stringify(place.cable.impairments[place.index]), cut: false },
      run: undefined,
      seen: 0,
      affected: {},
      owners: new Map(),
      watchers: [],
    };
    this.#ledgers.set(place.at, ledger);
    return ledger;
  }
}
