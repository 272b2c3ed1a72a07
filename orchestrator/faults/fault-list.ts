// All faults of a net, the oldest first, and who is told of them.

import { Failure } from '../failure.ts';
import type { FaultBench } from './bench.ts';
import { CableEnds } from './cable-ends.ts';
import { Fault, type FaultPlan, type FaultWorkshop } from './fault.ts';
import type { Receipt } from './receipt.ts';
import { COUNT_TIMEOUT } from './timeouts.ts';

/** Is told, with the receipt as it is then, of each fault that is made and each that is over. */
export type FaultWatcher = (change: 'made' | 'over', receipt: Receipt) => void;

export class FaultList {
  /** The ends of all cables, as those in force want them. */
  readonly ends: CableEnds;
  readonly #faults: Fault[] = [];
  readonly #shop: FaultWorkshop;
  readonly #watchers = new Set<FaultWatcher>();
  #planned = 0;

  constructor(bench: FaultBench) {
    this.ends = new CableEnds(bench, () => this.inForce);
    this.#shop = { bench, ends: this.ends, now: () => this.now() };
  }

  /** Unix ms with a fraction. */
  now(): number {
    return performance.timeOrigin + performance.now();
  }

  /** Calls back for every fault, whoever asked for it, until the returned function is called. */
  onFault(watcher: FaultWatcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  get inForce(): Fault[] {
    return this.#faults.filter((fault) => fault.inForce);
  }

  get active(): Fault[] {
    return this.#faults.filter((fault) => fault.active);
  }

  /** No fault was ever planned. */
  get isNew(): boolean {
    return this.#planned === 0;
  }

  /** A fault with the next id, which is not among them yet. */
  plan(plan: FaultPlan): Fault {
    return new Fault(this.#shop, `f${++this.#planned}`, plan);
  }

  add(fault: Fault): void {
    this.#faults.push(fault);
  }

  /** It is over as soon as it is made. */
  addDone(fault: Fault): void {
    fault.from = fault.until = this.now();
    this.add(fault);
    for (const change of ['made', 'over'] as const) this.#tell(change, fault);
  }

  /** It could not be made. */
  drop(fault: Fault): void {
    this.#faults.splice(this.#faults.indexOf(fault), 1);
    fault.until = this.now();
  }

  /** The active ones of these ids, the oldest first. @throws Failure */
  withIds(ids: readonly string[]): Fault[] {
    const wanted = ids.map((id) => {
      const fault = this.#faults.find((each) => each.id === id);
      const known = this.active.map((each) => each.id);
      if (!fault)
        throw new Failure(`no fault "${id}"; active: ${known.join(', ') || 'none'}; see: tincan faults`);
      if (!fault.active) throw new Failure(`${id} (${fault.name}) is over already; see: tincan faults`);
      return fault;
    });
    return this.#faults.filter((fault) => wanted.includes(fault));
  }

  /** Of all that were made, those of active ones with their counts of now. */
  async receipts(): Promise<Receipt[]> {
    await Promise.all(this.active.map((fault) => fault.count(COUNT_TIMEOUT)));
    return this.#faults.filter(({ from }) => from !== undefined).map((fault) => fault.receipt());
  }

  /** It is in force everywhere. */
  made(fault: Fault): void {
    this.#tell('made', fault);
  }

  /** It is over everywhere, with the counts that were read last. */
  close(fault: Fault): void {
    if (!fault.active) return;
    fault.until = this.now();
    this.ends.release(fault.places);
    this.#tell('over', fault);
  }

  #tell(change: 'made' | 'over', fault: Fault): void {
    for (const watcher of this.#watchers) watcher(change, fault.receipt());
  }
}
