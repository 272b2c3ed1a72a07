// One fault from its making to its undoing.

import type { FaultBench } from './bench.ts';
import type { CableEnds, EndEffect, EndFault } from './cable-ends.ts';
import type { DeviceRule } from './device-rule.ts';
import { type CablePlace, otherPlace, placesOn } from './places.ts';
import { type Application, type Cause, type FaultName, formatTime, type Receipt } from './receipt.ts';
import { Tally } from './tally.ts';

/** What all faults are made with. */
export interface FaultWorkshop {
  readonly bench: FaultBench;
  readonly ends: CableEnds;
  /** Unix ms with a fraction. */
  readonly now: () => number;
}

export interface FaultPlan {
  readonly name: FaultName;
  readonly asked: Readonly<Record<string, unknown>>;
  /** Those that it can have. */
  readonly causes: readonly Cause[];
}

/** Where it is to be made, and what a receipt says of it there. */
interface Site {
  readonly at: string;
  readonly device: string;
  readonly detail: Readonly<Record<string, unknown>>;
  confirmed: boolean;
  /** The device was off when it was made, and starts with it. */
  begins?: boolean;
}

/** What is to be done at one place. */
export interface FaultStep {
  readonly at: string;
  readonly device: string;
  put(timeout: number): Promise<void>;
  /** Whether the place is known to be without it. */
  lift(timeout: number): Promise<boolean>;
}

export class Fault implements EndFault {
  readonly tally: Tally;
  readonly ends = new Map<string, EndEffect>();
  /** The device that it took the power from, or froze, and the run in which it did. */
  power:
    | { readonly device: string; readonly as: 'off' | 'frozen'; readonly run: number | undefined }
    | undefined;
  readonly rules: DeviceRule[] = [];
  from: number | undefined;
  until: number | undefined;
  /** It is being undone, and is over when all places have confirmed that. */
  lifting = false;
  /** Being undone: whoever wants that too need not. */
  healing: Promise<void> | undefined;
  readonly #places: CablePlace[] = [];
  readonly #sites: Site[] = [];

  constructor(
    private readonly shop: FaultWorkshop,
    readonly id: string,
    readonly plan: FaultPlan,
  ) {
    this.tally = new Tally(plan.causes);
  }

  get name(): FaultName {
    return this.plan.name;
  }

  get active(): boolean {
    return this.until === undefined;
  }

  /** Whether places are to be as it wants them. */
  get inForce(): boolean {
    return this.active && !this.lifting;
  }

  /** The devices that it acts on. */
  get devices(): string[] {
    return [...new Set([...this.#sites, ...this.rules].map(({ device }) => device))];
  }

  /** Those that have confirmed it, and must confirm that it is undone. */
  get confirmedBy(): string[] {
    const sites = [...this.#sites, ...this.rules].filter((site) => this.#isConfirmed(site));
    return [...new Set(sites.map(({ device }) => device))];
  }

  /** Whether either end of its cable makes it alone, and the other need only know of it. */
  get oneEndIsEnough(): boolean {
    return this.#places.length > 1 && this.#places.every(({ at }) => this.ends.get(at)?.cut);
  }

  get places(): readonly CablePlace[] {
    return this.#places;
  }

  /** It acts at a cable's end. */
  actAt(place: CablePlace, effect: EndEffect, detail: Readonly<Record<string, unknown>>): void {
    this.ends.set(place.at, effect);
    this.#places.push(place);
    this.#sites.push({ at: place.at, device: place.device, detail, confirmed: false });
  }

  /** It counts, at the other ends of a device's cables, what is sent to the device in vain. */
  countAround(device: string, lost: 'kill' | 'freeze'): void {
    for (const place of placesOn(this.shop.bench.topology, device)) {
      const other = otherPlace(place);
      if (other.device === device) continue;
      this.ends.set(other.at, { lost });
      this.#places.push(other);
    }
  }

  /** It acts on a device as a whole, otherwise than by rules. */
  actOn(device: string, detail: Readonly<Record<string, unknown>>, confirmed = false): void {
    this.#sites.push({ at: device, device, detail, confirmed });
  }

  /** A device starts with it. */
  begunBy(device: string): void {
    for (const site of [...this.#sites, ...this.rules]) if (site.device === device) site.begins = true;
  }

  /** The places where it is put and lifted, as steps that can each fail. */
  steps(): FaultStep[] {
    const ofPlace = (place: CablePlace): FaultStep => {
      const site = this.#sites.find(({ at }) => at === place.at);
      const { at, device } = place;
      const settle = (timeout: number) => this.shop.ends.settle(place, timeout);
      const put = async (timeout: number) => {
        if ((await settle(timeout)) && site) site.confirmed = true;
      };
      const lift = async (timeout: number) =>
        (await settle(timeout)) || this.shop.bench.device(device).run === undefined;
      return { at, device, put, lift };
    };
    const ofRule = (rule: DeviceRule): FaultStep => ({
      at: rule.at,
      device: rule.device,
      put: (timeout) => rule.put(timeout),
      lift: async (timeout) => {
        await rule.lift(timeout);
        return true;
      },
    });
    return [...this.#places.map(ofPlace), ...this.rules.map(ofRule)];
  }

  /** Reads the counts of all devices that answer. */
  async count(timeout: number): Promise<void> {
    const { ends } = this.shop;
    await Promise.allSettled([
      ...this.#places.map((place) => ends.count(place, timeout)),
      ...this.rules.map((rule) => rule.count(timeout)),
    ]);
  }

  receipt(): Receipt {
    const rules = this.rules.map(({ counts }) => counts);
    const [cause] = this.plan.causes;
    const affected = { ...this.tally.affected };
    for (const counts of rules)
      if (cause !== undefined) affected[cause] = (affected[cause] ?? 0) + counts.affected;
    return {
      id: this.id,
      fault: this.name,
      asked: this.plan.asked,
      applied: [...this.#sites, ...this.rules].map((site) => this.#application(site)),
      from: formatTime(this.from ?? this.shop.now()),
      until: this.until === undefined ? null : formatTime(this.until),
      seen: this.tally.seen + rules.reduce((sum, { seen }) => sum + seen, 0),
      affected,
    };
  }

  #application(site: Site): Application {
    const { at, device, detail } = site;
    const confirmed = this.#isConfirmed(site);
    if (confirmed || !this.active) return { at, ...detail, confirmed };
    const { frozen, run } = this.shop.bench.device(device);
    const why = frozen
      ? 'is frozen: it takes this up when it is thawed'
      : run === undefined
        ? 'is not running: it takes this up when it starts'
        : 'is being told';
    return { at, ...detail, confirmed, waits: `${device} ${why}` };
  }

  #isConfirmed(site: Site | DeviceRule): boolean {
    if (this.active && site.begins && this.shop.bench.device(site.device).booted) site.confirmed = true;
    return site.confirmed;
  }
}
