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

  /** The devices that must confirm it. */
  get devices(): string[] {
    const needed = this.#places.filter(({ at }) => this.ends.get(at)?.lost === undefined);
    return [...new Set([...needed.map(({ device }) => device), ...this.rules.map(({ device }) => device)])];
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

  /** It acts on a device as a whole, by rules or otherwise. */
  actOn(device: string, detail: Readonly<Record<string, unknown>>, confirmed = false): void {
    this.#sites.push({ at: device, device, detail, confirmed });
  }

  /** The places where it is put and lifted, as steps that can each fail. */
  steps(): {
    readonly at: string;
    readonly device: string;
    put(timeout: number): Promise<void>;
    lift(timeout: number): Promise<void>;
  }[] {
    const { ends } = this.shop;
    const settle = (place: CablePlace) => async (timeout: number) => {
      const done = await ends.settle(place, timeout);
      if (done) this.#confirm(place.at);
    };
    return [
      ...this.#places.map((place) => ({
        at: place.at,
        device: place.device,
        put: settle(place),
        lift: settle(place),
      })),
      ...this.rules.map((rule) => ({
        at: rule.device,
        device: rule.device,
        put: async (timeout: number) => {
          if (await rule.put(timeout)) this.#confirm(rule.device);
        },
        lift: (timeout: number) => rule.lift(timeout),
      })),
    ];
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
      applied: this.#sites.map((site) => this.#application(site)),
      from: formatTime(this.from ?? this.shop.now()),
      until: this.until === undefined ? null : formatTime(this.until),
      seen: this.tally.seen + rules.reduce((sum, { seen }) => sum + seen, 0),
      affected,
    };
  }

  #application(site: Site): Application {
    const { at, device, detail } = site;
    // Who was off when it was made has begun with it.
    if (this.active && this.shop.bench.device(device).booted) site.confirmed = true;
    const { confirmed } = site;
    const waits =
      confirmed || !this.active ? {} : { waits: `${device} is not running: it takes this up when it starts` };
    return { at, ...detail, confirmed, ...waits };
  }

  #confirm(at: string): void {
    for (const site of this.#sites) if (site.at === at) site.confirmed = true;
  }
}
