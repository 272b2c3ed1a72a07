// The faults of a net: makes them, keeps them in force while devices come and go, and undoes them.

import type { DeviceConfig } from '../../shared/topology/device-config.ts';
import type { CableSpec } from '../../shared/topology/types.ts';
import { Failure, messageOf, WrongUsage } from '../failure.ts';
import type { FaultBench } from './bench.ts';
import { blackholeRules } from './blackhole-rules.ts';
import { CableEnds } from './cable-ends.ts';
import { readFlushed } from './counts.ts';
import { DeviceRule } from './device-rule.ts';
import { causesOf } from './effective-impairment.ts';
import { Fault, type FaultPlan, type FaultWorkshop } from './fault.ts';
import { checkImpairment, impairmentValues } from './impair-values.ts';
import { misbehaviourOf } from './misbehaviour.ts';
import { checkPartition, Partitions } from './partitions.ts';
import { bothPlaces, type CablePlace, cableNamed, deviceNamed, placesOf } from './places.ts';
import type { Receipt } from './receipt.ts';
import {
  type BlackholeRequest,
  blackholeRequest,
  type FlushRequest,
  flushRequest,
  type ImpairRequest,
  impairRequest,
  type MisbehaveRequest,
  misbehaveRequest,
  type PartitionRequest,
  partitionRequest,
  readRequest,
} from './requests.ts';
import { checkTable } from './tables.ts';

/** ms that a device has to confirm a fault; one that is frozen is not asked. */
const CONFIRM_TIMEOUT = 3000;

/** ms that a device has for it which is still starting. */
const BOOT_TIMEOUT = 30_000;

/** ms that devices have to tell their counts, when somebody only wants to look. */
const COUNT_TIMEOUT = 500;

/** ms until what was asked must be in effect, carriers included, unless told. */
const DEFAULT_TIMEOUT = 30_000;

/** Is told, with the receipt as it is then, of each fault that is made and each that is over. */
export type FaultWatcher = (change: 'made' | 'over', receipt: Receipt) => void;

export class FaultManager {
  /** All of them, the oldest first. */
  readonly #faults: Fault[] = [];
  readonly #shop: FaultWorkshop;
  readonly #ends: CableEnds;
  readonly #partitions: Partitions;
  readonly #watchers = new Set<FaultWatcher>();
  #made = 0;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(private readonly bench: FaultBench) {
    this.#ends = new CableEnds(bench, () => this.#inForce());
    this.#shop = { bench, ends: this.#ends, now: () => performance.timeOrigin + performance.now() };
    this.#partitions = new Partitions(bench, () => this.#inForce());
    bench.onChange(() => this.#devicesChanged());
  }

  /** Calls back for every fault, whoever asked for it, until the returned function is called. */
  onFault(watcher: FaultWatcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Adds to what a device starts with the faults that are active on it. */
  configure(config: DeviceConfig): DeviceConfig {
    const { name } = config.spec;
    const { impairments, cut } = this.#ends.standing(name);
    for (const fault of this.#inForce()) fault.begunBy(name);
    const rules = this.#inForce().flatMap((fault) => fault.rules.filter(({ device }) => device === name));
    return {
      ...config,
      ports: config.ports.map((port) =>
        port.cable
          ? {
              ...port,
              cable: { ...port.cable, impairment: impairments.get(port.name) ?? port.cable.impairment },
            }
          : port,
      ),
      faults: {
        cut,
        filters: rules.flatMap(({ id, content }) =>
          'rules' in content ? [{ id, rules: content.rules }] : [],
        ),
        misbehaviours: rules.flatMap(({ id, content }) =>
          'misbehaviour' in content ? [{ id, misbehaviour: content.misbehaviour }] : [],
        ),
      },
    };
  }

  /** Whether a cable has no carrier because of a fault. */
  isCut(cable: CableSpec): boolean {
    return bothPlaces(cable).some((place) => this.#ends.isCut(place));
  }

  /** Power cuts. @throws Failure if one is not running; then none is killed */
  kill(devices: readonly string[]): Promise<Receipt[]> {
    return this.#powerOff('kill', devices);
  }

  /** Orderly ends. @throws Failure */
  stop(devices: readonly string[]): Promise<Receipt[]> {
    return this.#powerOff('stop', devices);
  }

  /**
   * Starts devices together, and resolves when they are ready and their cables have carrier. While other
   * faults are active, it does not wait for leases, which may be out of reach.
   * @returns the receipts of the faults that this undoes
   * @throws Failure
   */
  async start(devices: readonly string[], timeout = DEFAULT_TIMEOUT): Promise<Receipt[]> {
    const names = this.#deviceNames(devices);
    const off = ({ power }: Fault) => power?.as === 'off' && names.includes(power.device);
    const others = this.#active().filter((fault) => !off(fault));
    const over: Fault[] = [];
    try {
      await this.bench.start(names, timeout, others.length === 0 ? 'ready' : 'cabled');
    } finally {
      // Who runs has power, even if it is not all that it should be.
      const on = names.filter((name) => this.bench.device(name).run !== undefined);
      over.push(...(await this.#endPower('off', on)));
    }
    return over.map((fault) => fault.receipt());
  }

  /** Stops and starts devices. The receipts are over when it returns. @throws Failure */
  async restart(devices: readonly string[], timeout = DEFAULT_TIMEOUT): Promise<Receipt[]> {
    const names = this.#deviceNames(devices);
    const faults = await this.#turnOff('restart', names);
    await this.start(names, timeout);
    return faults.map((fault) => fault.receipt());
  }

  /** Stops the processes of devices as a machine hangs: their carriers stay up. @throws Failure */
  async freeze(devices: readonly string[]): Promise<Receipt[]> {
    const names = this.#deviceNames(devices);
    for (const name of names) this.#refuseOff(name, 'freeze');
    const faults: Fault[] = [];
    for (const name of names) {
      const { run } = this.bench.device(name);
      await this.#countOn(name);
      await this.bench.signal(name, 'freeze', CONFIRM_TIMEOUT);
      const fault = this.#plan({ name: 'freeze', asked: { device: name }, causes: ['freeze'] });
      fault.power = { device: name, as: 'frozen', run };
      fault.actOn(name, { signal: 'SIGSTOP' }, true);
      fault.countAround(name, 'freeze');
      await this.#beginCounting(fault);
      this.#tell('made', fault);
      faults.push(fault);
    }
    return faults.map((fault) => fault.receipt());
  }

  /**
   * Lets frozen devices go on, and resolves when they answer.
   * @returns the receipts of the faults that this undoes
   * @throws Failure
   */
  async thaw(devices: readonly string[], timeout = DEFAULT_TIMEOUT): Promise<Receipt[]> {
    const names = this.#deviceNames(devices);
    for (const name of names) {
      this.#refuseOff(name, 'thaw');
      const known = this.#active().some(({ power }) => power?.device === name && power.as === 'frozen');
      if (!known && !this.bench.device(name).frozen) throw new Failure(`${name} is not frozen`);
    }
    const over: Fault[] = [];
    for (const name of names) {
      const faults = this.#active().filter(({ power }) => power?.device === name && power.as === 'frozen');
      // Counted before it goes on: what comes from now on arrives.
      await Promise.all(faults.map((fault) => fault.count(COUNT_TIMEOUT)));
      await this.bench.signal(name, 'thaw', timeout);
      for (const fault of faults) this.#close(fault);
      over.push(...faults);
    }
    this.#devicesChanged();
    await this.#catchUp();
    return over.map((fault) => fault.receipt());
  }

  /** Takes the carrier of a cable. @throws Failure */
  async cut(name: string): Promise<Receipt> {
    const cable = cableNamed(this.bench.topology, name);
    const fault = this.#plan({ name: 'cut', asked: { cable: name }, causes: ['cut'] });
    for (const place of bothPlaces(cable)) fault.actAt(place, { cut: true }, { cable: name });
    await this.#apply(fault);
    await this.#inEffect([], [], [name], DEFAULT_TIMEOUT);
    return fault.receipt();
  }

  /** Undoes all cuts of a cable. @returns their receipts @throws Failure if it is not cut */
  async splice(name: string, timeout = DEFAULT_TIMEOUT): Promise<Receipt[]> {
    cableNamed(this.bench.topology, name);
    const cuts = this.#active().filter((fault) => fault.name === 'cut' && fault.plan.asked.cable === name);
    if (cuts.length === 0) throw new Failure(`${name} is not cut`);
    return this.#heal(cuts, timeout);
  }

  /** Sets what is named, and leaves the rest as it is. @throws Failure */
  async impair(request: ImpairRequest): Promise<Receipt> {
    const { cable: name, from } = readRequest(impairRequest, request);
    const cable = cableNamed(this.bench.topology, name);
    const values = impairmentValues(request);
    const fault = this.#plan({ name: 'impair', asked: request, causes: causesOf(values) });
    const places = placesOf(cable, from);
    for (const place of places) checkImpairment(place.at, this.#ends.effective(place).impairment, values);
    for (const place of places) fault.actAt(place, { values }, { impairment: values });
    await this.#apply(fault);
    return fault.receipt();
  }

  /** Silently drops what passes between the groups. @throws Failure */
  async partition(request: PartitionRequest): Promise<Receipt> {
    const { groups, oneWay } = readRequest(partitionRequest, request);
    checkPartition(this.bench, groups);
    const fault = this.#plan({ name: 'partition', asked: request, causes: ['partition'] });
    this.#partitions.begin(fault, { groups, oneWay });
    await this.#apply(fault);
    return fault.receipt();
  }

  /** Silently drops what a filter finds. @throws Failure */
  async blackhole(request: BlackholeRequest): Promise<Receipt> {
    const read = readRequest(blackholeRequest, request);
    const fault = this.#plan({ name: 'blackhole', asked: request, causes: ['filter'] });
    for (const [device, rules] of blackholeRules(this.bench.topology, read)) {
      fault.rules.push(new DeviceRule(this.bench, device, fault.id, { rules }));
    }
    await this.#apply(fault);
    return fault.receipt();
  }

  /** Makes a server do its work badly. @throws Failure */
  async misbehave(request: MisbehaveRequest): Promise<Receipt> {
    const read = readRequest(misbehaveRequest, request);
    const misbehaviour = misbehaviourOf(deviceNamed(this.bench.topology, read.device), read);
    const fault = this.#plan({ name: 'misbehave', asked: request, causes: ['service'] });
    fault.rules.push(new DeviceRule(this.bench, read.device, fault.id, { misbehaviour }));
    await this.#apply(fault);
    return fault.receipt();
  }

  /** Makes a device forget a table. The receipt is over when it returns. @throws Failure */
  async flush(request: FlushRequest): Promise<Receipt> {
    const { device: name, table } = readRequest(flushRequest, request);
    const spec = deviceNamed(this.bench.topology, name);
    checkTable(spec, table);
    this.#refuseOff(name, 'flush');
    this.#refuseFrozen([name], `the ${table} table is as it was`);
    const entries = readFlushed(await this.bench.device(name).ask('flush', { table }, CONFIRM_TIMEOUT));
    const fault = this.#plan({ name: 'flush', asked: request, causes: ['flush'] });
    fault.actOn(name, { table, entries }, true);
    fault.tally.seen = entries;
    fault.tally.add('flush', entries);
    fault.from = fault.until = this.#shop.now();
    this.#faults.push(fault);
    this.#tell('made', fault);
    this.#tell('over', fault);
    return fault.receipt();
  }

  /**
   * Undoes faults, the newest first, and resolves when that is in effect, carriers included; others stay in
   * force. What can't be undone now (a device that was frozen by somebody else) stays active.
   * @param ids all that are active, if absent
   * @returns the final receipts, in the order in which they were undone
   * @throws Failure
   */
  async heal(ids?: readonly string[], timeout = DEFAULT_TIMEOUT): Promise<Receipt[]> {
    return this.#heal(ids === undefined ? this.#active() : this.#withIds(ids), timeout);
  }

  /** The receipts of all faults that were made, the oldest first, those of active ones with their counts of now. */
  async faults(): Promise<Receipt[]> {
    await Promise.all(this.#active().map((fault) => fault.count(COUNT_TIMEOUT)));
    return this.#faults.filter(({ from }) => from !== undefined).map((fault) => fault.receipt());
  }

  #inForce(): Fault[] {
    return this.#faults.filter((fault) => fault.inForce);
  }

  #active(): Fault[] {
    return this.#faults.filter((fault) => fault.active);
  }

  #plan(plan: FaultPlan): Fault {
    return new Fault(this.#shop, `f${++this.#made}`, plan);
  }

  #withIds(ids: readonly string[]): Fault[] {
    const wanted = ids.map((id) => {
      const fault = this.#faults.find((each) => each.id === id);
      const known = this.#active().map((each) => each.id);
      if (!fault)
        throw new Failure(`no fault "${id}"; active: ${known.join(', ') || 'none'}; see: tincan faults`);
      if (!fault.active) throw new Failure(`${id} (${fault.name}) is over already; see: tincan faults`);
      return fault;
    });
    return this.#faults.filter((fault) => wanted.includes(fault));
  }

  /** Puts a fault everywhere, or nowhere. */
  async #apply(fault: Fault): Promise<void> {
    await this.#oneAtATime(async () => {
      const asleep = fault.devices.filter((device) => this.bench.device(device).frozen);
      if (!fault.oneEndIsEnough || asleep.length === fault.devices.length)
        this.#refuseFrozen(asleep, 'nothing was changed');
      this.#faults.push(fault);
      const steps = fault.steps();
      const results = await Promise.allSettled(steps.map((step) => step.put(this.#patience(step.device))));
      fault.from = this.#shop.now();
      const failed = steps.flatMap(({ at }, index) => {
        const result = results[index];
        return result?.status === 'rejected' ? [`${at} did not confirm it: ${messageOf(result.reason)}`] : [];
      });
      if (failed.length > 0) throw new Failure(await this.#rollBack(fault, failed));
      this.#tell('made', fault);
    });
  }

  /** Undoes what was done of a fault that could not be made. @returns what to tell of it */
  async #rollBack(fault: Fault, failed: readonly string[]): Promise<string> {
    this.#faults.splice(this.#faults.indexOf(fault), 1);
    fault.until = this.#shop.now();
    const steps = fault.steps();
    const results = await Promise.allSettled(steps.map((step) => step.lift(this.#patience(step.device))));
    const isUndone = (result: PromiseSettledResult<boolean> | undefined) =>
      result?.status === 'fulfilled' && result.value;
    const at = (done: boolean) =>
      steps.filter((_, index) => isUndone(results[index]) === done).map((step) => step.at);
    const [undone, left] = [at(true), at(false)];
    return [
      `${fault.name} is not in effect: ${failed.join('; ')}`,
      undone.length > 0 ? `undone at ${undone.join(', ')}` : 'nothing was undone',
      ...(left.length > 0
        ? [`what became of it at ${left.join(', ')} is not known: thaw or restart what hangs`]
        : []),
    ].join('; ');
  }

  async #heal(faults: readonly Fault[], timeout: number): Promise<Receipt[]> {
    const order = [...faults].reverse();
    const started: string[] = [];
    const spliced: string[] = [];
    const problems: string[] = [];
    for (const fault of order) {
      fault.healing ??= this.#undo(fault, started, spliced, timeout).finally(() => {
        fault.healing = undefined;
      });
      await fault.healing.catch((error: unknown) => problems.push(`${fault.id}: ${messageOf(error)}`));
    }
    if (problems.length > 0) throw new Failure(`not healed: ${problems.join('; ')}`);
    await this.#inEffect([...new Set([...started, ...spliced])], started, [], timeout);
    return order.map((fault) => fault.receipt());
  }

  async #undo(fault: Fault, started: string[], spliced: string[], timeout: number): Promise<void> {
    if (!fault.active) return;
    const { power } = fault;
    if (power?.as === 'off') {
      if (this.bench.device(power.device).run === undefined)
        await this.bench.start([power.device], timeout, 'serving');
      started.push(power.device);
      await this.#endPower('off', [power.device]);
    } else if (power?.as === 'frozen') await this.#undoFreeze(fault, power.device);
    else await this.#oneAtATime(() => this.#lift(fault));
    if (fault.name === 'cut') spliced.push(...fault.places.map(({ device }) => device));
  }

  /** The device goes on unless another fault holds it. */
  async #undoFreeze(fault: Fault, device: string): Promise<void> {
    const others = this.#active().filter((each) => each !== fault && each.power?.device === device);
    await fault.count(COUNT_TIMEOUT);
    if (!others.some(({ power }) => power?.as === 'frozen'))
      await this.bench.signal(device, 'thaw', CONFIRM_TIMEOUT);
    this.#close(fault);
    this.#devicesChanged();
    await this.#catchUp();
  }

  async #lift(fault: Fault): Promise<void> {
    this.#refuseFrozen(fault.confirmedBy, `${fault.id} is still in force`);
    fault.lifting = true;
    const results = await Promise.allSettled(
      fault.steps().map((step) => step.lift(this.#patience(step.device))),
    );
    const failed = results.flatMap((result) =>
      result.status === 'rejected' ? [messageOf(result.reason)] : [],
    );
    if (failed.length > 0) {
      // Still in force somewhere: then it stays in force everywhere, and can be healed again.
      fault.lifting = false;
      await Promise.allSettled(fault.steps().map((step) => step.put(this.#patience(step.device))));
      throw new Failure(`${fault.id} is still in force: ${failed.join('; ')}`);
    }
    fault.until = this.#shop.now();
    this.#tell('over', fault);
  }

  async #powerOff(how: 'kill' | 'stop', devices: readonly string[]): Promise<Receipt[]> {
    const names = this.#deviceNames(devices);
    return (await this.#turnOff(how, names)).map((fault) => fault.receipt());
  }

  #turnOff(name: 'kill' | 'stop' | 'restart', devices: readonly string[]): Promise<Fault[]> {
    return this.#oneAtATime(() => this.#turnOffNow(name, devices));
  }

  async #turnOffNow(name: 'kill' | 'stop' | 'restart', devices: readonly string[]): Promise<Fault[]> {
    for (const device of devices)
      if (this.bench.device(device).run === undefined && name === 'kill')
        throw new Failure(`${device} is not running`);
    const faults = devices.map((device) => {
      const fault = this.#plan({ name, asked: { device }, causes: ['kill'] });
      fault.power = { device, as: 'off', run: this.bench.device(device).run };
      fault.actOn(device, name === 'kill' ? { signal: 'SIGKILL' } : {}, true);
      fault.countAround(device, 'kill');
      return fault;
    });
    await Promise.all(devices.map((device) => this.#countOn(device)));
    for (const fault of faults) await this.#beginCounting(fault);
    try {
      await this.bench.end(name === 'kill' ? 'kill' : 'stop', devices);
    } finally {
      for (const fault of faults) this.#tell('made', fault);
      this.#devicesChanged();
    }
    return faults;
  }

  /** What was counted up to now is not its doing. Neighbours that do not answer count nothing. */
  async #beginCounting(fault: Fault): Promise<void> {
    this.#faults.push(fault);
    fault.from = this.#shop.now();
    const awake = fault.steps().filter(({ device }) => !this.bench.device(device).frozen);
    await Promise.allSettled(awake.map((step) => step.put(COUNT_TIMEOUT)));
  }

  /** Reads what the faults on a device have met, before it is gone or can't tell. */
  async #countOn(device: string): Promise<void> {
    const faults = this.#active().filter((fault) => fault.devices.includes(device));
    await Promise.all(faults.map((fault) => fault.count(COUNT_TIMEOUT)));
  }

  async #endPower(as: 'off' | 'frozen', devices: readonly string[]): Promise<Fault[]> {
    const over = this.#active().filter(
      ({ power }) => power !== undefined && power.as === as && devices.includes(power.device),
    );
    await Promise.all(over.map((fault) => fault.count(COUNT_TIMEOUT)));
    for (const fault of over) this.#close(fault);
    return over;
  }

  /** Over, with the counts that were read last. */
  #close(fault: Fault): void {
    if (!fault.active) return;
    fault.until = this.#shop.now();
    this.#ends.release(fault.places);
    this.#tell('over', fault);
  }

  #tell(change: 'made' | 'over', fault: Fault): void {
    for (const watcher of this.#watchers) watcher(change, fault.receipt());
  }

  /** A frozen process that is gone is frozen no more, who has another address is found by it, who wakes is told. */
  #devicesChanged(): void {
    for (const fault of this.#active())
      if (fault.power?.as === 'frozen' && this.bench.device(fault.power.device).run !== fault.power.run)
        this.#close(fault);
    for (const fault of this.#partitions.outdated())
      void this.#oneAtATime(() => this.#partitions.renew(fault, CONFIRM_TIMEOUT)).catch(() => {});
    // Thawed by somebody else.
    void this.#catchUp();
  }

  /** Has devices that were frozen, or too slow, take up what they have not confirmed. */
  async #catchUp(): Promise<void> {
    if (this.#behind().length === 0) return;
    await this.#oneAtATime(async () => {
      const behind = this.#behind();
      await Promise.allSettled(behind.map((place) => this.#ends.settle(place, CONFIRM_TIMEOUT)));
      const known = behind.map(({ at }) => at);
      const steps = this.#inForce().flatMap((fault) => fault.steps().filter(({ at }) => known.includes(at)));
      await Promise.allSettled(steps.map((step) => step.put(CONFIRM_TIMEOUT)));
    });
  }

  #behind(): CablePlace[] {
    if (this.#made === 0) return [];
    return this.#ends.behind().filter(({ device }) => {
      const { frozen, booted } = this.bench.device(device);
      return booted && !frozen;
    });
  }

  async #inEffect(
    cabled: readonly string[],
    ready: readonly string[],
    dark: readonly string[],
    timeout: number,
  ): Promise<void> {
    const alone = this.#active().length === 0;
    await this.bench.inEffect({ cabled, ready: alone ? ready : [], dark }, timeout);
  }

  #patience(device: string): number {
    return this.bench.device(device).booted ? CONFIRM_TIMEOUT : BOOT_TIMEOUT;
  }

  #deviceNames(devices: readonly string[]): string[] {
    const names = [...new Set(devices)];
    if (names.length === 0) throw new WrongUsage('names no device');
    for (const name of names) deviceNamed(this.bench.topology, name);
    return names;
  }

  #refuseOff(name: string, verb: string): void {
    if (this.bench.device(name).run === undefined)
      throw new Failure(`can't ${verb} ${name}: it is not running; start it with: tincan start ${name}`);
  }

  #refuseFrozen(devices: readonly string[], outcome: string): void {
    const frozen = devices.filter((name) => this.bench.device(name).frozen);
    if (frozen.length > 0)
      throw new Failure(
        `${frozen.join(' and ')} ${frozen.length > 1 ? 'are' : 'is'} frozen and can't confirm it; ${outcome}; thaw first: tincan thaw ${frozen.join(' ')}`,
      );
  }

  #oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => {});
    return done;
  }
}
