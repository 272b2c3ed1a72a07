// The faults of a net: makes them, keeps them in force while devices come and go, and undoes them.

import type { DeviceConfig } from '../../shared/topology/device-config.ts';
import type { CableSpec } from '../../shared/topology/types.ts';
import { Failure, messageOf } from '../failure.ts';
import type { FaultBench } from './bench.ts';
import { blackholeRules } from './blackhole-rules.ts';
import { readFlushed } from './counts.ts';
import { DeviceRule } from './device-rule.ts';
import { causesOf } from './effective-impairment.ts';
import { Enforcement } from './enforcement.ts';
import type { Fault } from './fault.ts';
import { FaultList, type FaultWatcher } from './fault-list.ts';
import { checkImpairment, impairmentValues } from './impair-values.ts';
import { misbehaviourOf } from './misbehaviour.ts';
import { checkPartition, Partitions } from './partitions.ts';
import { bothPlaces, cableNamed, deviceNamed, placesOf } from './places.ts';
import { PowerFaults } from './power.ts';
import type { Receipt } from './receipt.ts';
import { refuseFrozen, refuseOff } from './refusals.ts';
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
import { CONFIRM_TIMEOUT, DEFAULT_TIMEOUT } from './timeouts.ts';

export class FaultManager {
  readonly #list: FaultList;
  readonly #enforcement: Enforcement;
  readonly #power: PowerFaults;
  readonly #partitions: Partitions;

  constructor(private readonly bench: FaultBench) {
    this.#list = new FaultList(bench);
    this.#enforcement = new Enforcement(bench, this.#list);
    this.#power = new PowerFaults(bench, this.#list, this.#enforcement, () => this.#devicesChanged());
    this.#partitions = new Partitions(bench, () => this.#list.inForce);
    bench.onChange(() => this.#devicesChanged());
  }

  /** Calls back for every fault, whoever asked for it, until the returned function is called. */
  onFault(watcher: FaultWatcher): () => void {
    return this.#list.onFault(watcher);
  }

  /** Adds to what a device starts with the faults that are active on it. */
  configure(config: DeviceConfig): DeviceConfig {
    const { name } = config.spec;
    const { impairments, cut } = this.#list.ends.standing(name);
    for (const fault of this.#list.inForce) fault.begunBy(name);
    const rules = this.#list.inForce.flatMap((fault) => fault.rules.filter(({ device }) => device === name));
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
    return bothPlaces(cable).some((place) => this.#list.ends.isCut(place));
  }

  /** Power cuts. @throws Failure if one is not running; then none is killed */
  async kill(devices: readonly string[]): Promise<Receipt[]> {
    return receiptsOf(await this.#power.off('kill', devices));
  }

  /** Orderly ends. @throws Failure */
  async stop(devices: readonly string[]): Promise<Receipt[]> {
    return receiptsOf(await this.#power.off('stop', devices));
  }

  /**
   * Starts devices together, and resolves when they are ready and their cables have carrier. While other
   * faults are active, it does not wait for leases, which may be out of reach.
   * @returns the receipts of the faults that this undoes
   * @throws Failure
   */
  async start(devices: readonly string[], timeout = DEFAULT_TIMEOUT): Promise<Receipt[]> {
    return receiptsOf(await this.#power.on(devices, timeout));
  }

  /** Stops and starts devices. The receipts are over when it returns. @throws Failure */
  async restart(devices: readonly string[], timeout = DEFAULT_TIMEOUT): Promise<Receipt[]> {
    const faults = await this.#power.off('restart', devices);
    await this.#power.on(devices, timeout);
    return receiptsOf(faults);
  }

  /** Stops the processes of devices as a machine hangs: their carriers stay up. @throws Failure */
  freeze(devices: readonly string[]): Promise<Receipt[]> {
    return this.#power.freeze(devices);
  }

  /**
   * Lets frozen devices go on, and resolves when they answer.
   * @returns the receipts of the faults that this undoes
   * @throws Failure
   */
  async thaw(devices: readonly string[], timeout = DEFAULT_TIMEOUT): Promise<Receipt[]> {
    return receiptsOf(await this.#power.thaw(devices, timeout));
  }

  /** Takes the carrier of a cable. @throws Failure */
  async cut(name: string): Promise<Receipt> {
    const cable = cableNamed(this.bench.topology, name);
    const fault = this.#list.plan({ name: 'cut', asked: { cable: name }, causes: ['cut'] });
    for (const place of bothPlaces(cable)) fault.actAt(place, { cut: true }, { cable: name });
    await this.#enforcement.apply(fault);
    await this.bench.inEffect(() => ({ cabled: [], ready: [], dark: [name] }), DEFAULT_TIMEOUT);
    return fault.receipt();
  }

  /** Undoes all cuts of a cable. @returns their receipts @throws Failure if it is not cut */
  async splice(name: string, timeout = DEFAULT_TIMEOUT): Promise<Receipt[]> {
    cableNamed(this.bench.topology, name);
    const cuts = this.#list.active.filter((fault) => fault.name === 'cut' && fault.plan.asked.cable === name);
    if (cuts.length === 0) throw new Failure(`${name} is not cut`);
    return this.#heal(cuts, timeout);
  }

  /** Sets what is named, and leaves the rest as it is. @throws Failure */
  async impair(request: ImpairRequest): Promise<Receipt> {
    const { cable: name, from } = readRequest(impairRequest, request);
    const cable = cableNamed(this.bench.topology, name);
    const values = impairmentValues(request);
    const fault = this.#list.plan({ name: 'impair', asked: request, causes: causesOf(values) });
    const places = placesOf(cable, from);
    for (const place of places)
      checkImpairment(place.at, this.#list.ends.effective(place).impairment, values);
    for (const place of places) fault.actAt(place, { values }, { impairment: values });
    await this.#enforcement.apply(fault);
    return fault.receipt();
  }

  /** Silently drops what passes between the groups. @throws Failure */
  async partition(request: PartitionRequest): Promise<Receipt> {
    const { groups, oneWay } = readRequest(partitionRequest, request);
    checkPartition(this.bench, groups);
    const fault = this.#list.plan({ name: 'partition', asked: request, causes: ['partition'] });
    this.#partitions.begin(fault, { groups, oneWay });
    await this.#enforcement.apply(fault);
    return fault.receipt();
  }

  /** Silently drops what a filter finds. @throws Failure */
  async blackhole(request: BlackholeRequest): Promise<Receipt> {
    const read = readRequest(blackholeRequest, request);
    const fault = this.#list.plan({ name: 'blackhole', asked: request, causes: ['filter'] });
    for (const [device, rules] of blackholeRules(this.bench.topology, read)) {
      fault.rules.push(new DeviceRule(this.bench, device, fault.id, { rules }));
    }
    await this.#enforcement.apply(fault);
    return fault.receipt();
  }

  /** Makes a server do its work badly. @throws Failure */
  async misbehave(request: MisbehaveRequest): Promise<Receipt> {
    const read = readRequest(misbehaveRequest, request);
    const misbehaviour = misbehaviourOf(deviceNamed(this.bench.topology, read.device), read);
    const fault = this.#list.plan({ name: 'misbehave', asked: request, causes: ['service'] });
    fault.rules.push(new DeviceRule(this.bench, read.device, fault.id, { misbehaviour }));
    await this.#enforcement.apply(fault);
    return fault.receipt();
  }

  /** Makes a device forget a table. The receipt is over when it returns. @throws Failure */
  async flush(request: FlushRequest): Promise<Receipt> {
    const { device: name, table } = readRequest(flushRequest, request);
    const spec = deviceNamed(this.bench.topology, name);
    checkTable(spec, table);
    refuseOff(this.bench, name, 'flush');
    refuseFrozen(this.bench, [name], `the ${table} table is as it was`);
    const entries = readFlushed(await this.bench.device(name).ask('flush', { table }, CONFIRM_TIMEOUT));
    const fault = this.#list.plan({ name: 'flush', asked: request, causes: ['flush'] });
    fault.actOn(name, { table, entries }, true);
    fault.tally.seen = entries;
    fault.tally.add('flush', entries);
    this.#list.addDone(fault);
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
    return this.#heal(ids === undefined ? this.#list.active : this.#list.withIds(ids), timeout);
  }

  /** The receipts of all faults that were made, the oldest first, those of active ones with their counts of now. */
  faults(): Promise<Receipt[]> {
    return this.#list.receipts();
  }

  async #heal(faults: readonly Fault[], timeout: number): Promise<Receipt[]> {
    const order = [...faults].reverse();
    const problems: string[] = [];
    for (const fault of order) {
      fault.healing ??= this.#undo(fault, timeout).finally(() => {
        fault.healing = undefined;
      });
      await fault.healing.catch((error: unknown) => problems.push(`${fault.id}: ${messageOf(error)}`));
    }
    if (problems.length > 0) throw new Failure(`not healed: ${problems.join('; ')}`);
    const started = order.flatMap(({ power }) => (power?.as === 'off' ? [power.device] : []));
    const spliced = order.flatMap(({ name, places }) => (name === 'cut' ? places : []));
    const cabled = [...new Set([...started, ...spliced.map(({ device }) => device)])];
    // While a fault is left, or comes, what devices wait for may be out of reach.
    const ready = () => (this.#list.active.length === 0 ? started : []);
    await this.bench.inEffect(() => ({ cabled, ready: ready(), dark: [] }), timeout);
    return receiptsOf(order);
  }

  async #undo(fault: Fault, timeout: number): Promise<void> {
    if (!fault.active) return;
    if (fault.power) await this.#power.undo(fault, fault.power, timeout);
    else await this.#enforcement.lift(fault);
  }

  /** Who has another address is found by it; who was frozen, and is gone or goes on, is told so. */
  #devicesChanged(): void {
    this.#power.forgetGone();
    for (const fault of this.#partitions.outdated()) {
      const renewed = () => this.#partitions.renew(fault, CONFIRM_TIMEOUT);
      void this.#enforcement.oneAtATime(renewed).catch(() => {});
    }
    void this.#enforcement.catchUp();
  }
}

function receiptsOf(faults: readonly Fault[]): Receipt[] {
  return faults.map((fault) => fault.receipt());
}
