// Faults of whole devices: without power, or hanging.

import { Failure } from '../failure.ts';
import type { FaultBench } from './bench.ts';
import type { Enforcement } from './enforcement.ts';
import type { Fault } from './fault.ts';
import type { FaultList } from './fault-list.ts';
import { devicesNamed } from './places.ts';
import type { Receipt } from './receipt.ts';
import { refuseOff } from './refusals.ts';
import { CONFIRM_TIMEOUT, COUNT_TIMEOUT } from './timeouts.ts';

export class PowerFaults {
  /** @param changed a device may have come, gone, or been let go on */
  constructor(
    private readonly bench: FaultBench,
    private readonly list: FaultList,
    private readonly enforcement: Enforcement,
    private readonly changed: () => void,
  ) {}

  /** @throws Failure if one is to be killed that is not running; then none is */
  async off(how: 'kill' | 'stop' | 'restart', devices: readonly string[]): Promise<Fault[]> {
    const names = devicesNamed(this.bench.topology, devices);
    return this.enforcement.oneAtATime(() => this.#off(how, names));
  }

  /** @returns the faults that this undoes @throws Failure */
  async on(devices: readonly string[], timeout: number): Promise<Fault[]> {
    const names = devicesNamed(this.bench.topology, devices);
    const off = ({ power }: Fault) => power?.as === 'off' && names.includes(power.device);
    // While a fault is active, also one that comes meanwhile, what devices wait for may be out of reach.
    const upTo = () => (this.list.active.every(off) ? 'ready' : 'cabled');
    const over: Fault[] = [];
    try {
      await this.bench.start(names, timeout, upTo);
    } finally {
      // Who runs has power, even if it is not all that it should be.
      const on = names.filter((name) => this.bench.device(name).run !== undefined);
      over.push(...(await this.#restored(on)));
    }
    return over;
  }

  /** @throws Failure */
  async freeze(devices: readonly string[]): Promise<Receipt[]> {
    const names = devicesNamed(this.bench.topology, devices);
    for (const name of names) refuseOff(this.bench, name, 'freeze');
    const faults: Fault[] = [];
    for (const name of names) {
      const { run } = this.bench.device(name);
      await this.#countOn(name);
      await this.bench.signal(name, 'freeze', CONFIRM_TIMEOUT);
      const fault = this.list.plan({ name: 'freeze', asked: { device: name }, causes: ['freeze'] });
      fault.power = { device: name, as: 'frozen', run };
      fault.actOn(name, { signal: 'SIGSTOP' }, true);
      fault.countAround(name, 'freeze');
      await this.#beginCounting(fault);
      this.list.made(fault);
      faults.push(fault);
    }
    return faults.map((fault) => fault.receipt());
  }

  /** @returns the faults that this undoes @throws Failure */
  async thaw(devices: readonly string[], timeout: number): Promise<Fault[]> {
    const names = devicesNamed(this.bench.topology, devices);
    for (const name of names) {
      refuseOff(this.bench, name, 'thaw');
      if (this.#freezesOf(name).length === 0 && !this.bench.device(name).frozen)
        throw new Failure(`${name} is not frozen`);
    }
    const over: Fault[] = [];
    for (const name of names) {
      const faults = this.#freezesOf(name);
      // Counted before it goes on: what comes from now on arrives.
      await Promise.all(faults.map((fault) => fault.count(COUNT_TIMEOUT)));
      await this.bench.signal(name, 'thaw', timeout);
      for (const fault of faults) this.list.close(fault);
      over.push(...faults);
    }
    this.changed();
    await this.enforcement.catchUp();
    return over;
  }

  /** Gives a device its power back, or lets it go on unless another fault holds it. @throws Failure */
  async undo(fault: Fault, { device, as }: NonNullable<Fault['power']>, timeout: number): Promise<void> {
    if (as === 'off') {
      if (this.bench.device(device).run === undefined)
        await this.bench.start([device], timeout, () => 'serving');
      await this.#restored([device]);
      return;
    }
    const others = this.#freezesOf(device).filter((each) => each !== fault);
    await fault.count(COUNT_TIMEOUT);
    if (others.length === 0) await this.bench.signal(device, 'thaw', CONFIRM_TIMEOUT);
    this.list.close(fault);
    this.changed();
    await this.enforcement.catchUp();
  }

  /** A frozen process that is gone is frozen no more. */
  forgetGone(): void {
    for (const fault of this.list.active)
      if (fault.power?.as === 'frozen' && this.bench.device(fault.power.device).run !== fault.power.run)
        this.list.close(fault);
  }

  async #off(name: 'kill' | 'stop' | 'restart', devices: readonly string[]): Promise<Fault[]> {
    for (const device of devices)
      if (this.bench.device(device).run === undefined && name === 'kill')
        throw new Failure(`${device} is not running`);
    const faults = devices.map((device) => {
      const fault = this.list.plan({ name, asked: { device }, causes: ['kill'] });
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
      for (const fault of faults) this.list.made(fault);
      this.changed();
    }
    return faults;
  }

  /** What was counted up to now is not its doing. Neighbours that do not answer count nothing. */
  async #beginCounting(fault: Fault): Promise<void> {
    this.list.add(fault);
    fault.from = this.list.now();
    const awake = fault.steps().filter(({ device }) => !this.bench.device(device).frozen);
    await Promise.allSettled(awake.map((step) => step.put(COUNT_TIMEOUT)));
  }

  /** Reads what the faults on a device have met, before it is gone or can't tell. */
  async #countOn(device: string): Promise<void> {
    const faults = this.list.active.filter((fault) => fault.devices.includes(device));
    await Promise.all(faults.map((fault) => fault.count(COUNT_TIMEOUT)));
  }

  /** These devices have power again. @returns the faults that were theirs */
  async #restored(devices: readonly string[]): Promise<Fault[]> {
    const over = this.list.active.filter(
      ({ power }) => power?.as === 'off' && devices.includes(power.device),
    );
    await Promise.all(over.map((fault) => fault.count(COUNT_TIMEOUT)));
    for (const fault of over) this.list.close(fault);
    return over;
  }

  #freezesOf(device: string): Fault[] {
    return this.list.active.filter(({ power }) => power?.as === 'frozen' && power.device === device);
  }
}
