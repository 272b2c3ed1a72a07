// The devices of a net and what holds them together: starts each as a process, tells dialing ends where
// their peers are, and knows when what was asked is in effect.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DeviceConfig } from '../shared/topology/device-config.ts';
import { portsOf } from '../shared/topology/ports.ts';
import { suggest } from '../shared/topology/suggest.ts';
import type { CableEnd, CableSpec, Topology } from '../shared/topology/types.ts';
import type { CrashReport } from './crash-report.ts';
import { DeviceProcess } from './device-process.ts';
import { Failure, messageOf } from './failure.ts';
import type { FaultBench, FaultyDevice, InEffect, UpTo } from './faults/bench.ts';
import type { Guardian } from './guardian.ts';
import { Machine } from './machine.ts';
import type { CableReport, NetStatus } from './net-status.ts';
import { missing, waitsFor } from './readiness.ts';
import { checkedSocketPath } from './registry.ts';

/** ms that a living device has to answer `ps`. */
const STATUS_TIMEOUT = 500;

/** ms after which what nobody tells (a peer was frozen or thawed) is looked at again. */
const RECHECK = 50;

/** Devices that boot at the same time: more would only take the processor from each other. */
const BOOTS_AT_ONCE = 8;

/** ms until the carriers at the neighbours of a dead device must be down. */
const CARRIER_TIMEOUT = 5000;

export interface SupervisorOptions {
  readonly topology: Topology;
  readonly rundir: string;
  readonly token: string;
  readonly logLevel: DeviceConfig['logLevel'];
  /** ms to add to the monotonic clock to have Unix time. */
  readonly clockOffset: number;
  /** The program of a kind. */
  readonly program: (kind: string) => string;
  readonly guardian: Pick<Guardian, 'watch' | 'forget'>;
  /** Adds the active faults to what a device starts with. */
  readonly configure: (config: DeviceConfig) => DeviceConfig;
  /** A device ended without being asked to. */
  readonly crashed: (report: CrashReport) => void;
  /** Whether a fault keeps the carrier of a cable down. */
  readonly isCut: (cable: CableSpec) => boolean;
}

export class Supervisor implements FaultBench {
  readonly machines: ReadonlyMap<string, Machine>;
  readonly #watchers = new Set<() => void>();
  #changes = false;

  /** @throws Failure if a kind has no program, or a socket path is too long */
  constructor(private readonly options: SupervisorOptions) {
    const { topology, program } = options;
    for (const { kind } of topology.devices)
      if (!existsSync(program(kind)))
        throw new Failure(`${program(kind)} is missing; build it with: npm run build`);
    this.machines = new Map(
      topology.devices.map((spec) => {
        if (topology.transport === 'unix') checkedSocketPath(this.#socketPath(spec.name));
        const machine = new Machine({
          spec,
          launch: (incarnation, changed) => this.#launch(spec.name, incarnation, changed),
          booted: (booted) => this.#introduce(booted),
          changed: () => this.#changed(),
          crashed: (report) => this.options.crashed(report),
        });
        return [spec.name, machine];
      }),
    );
  }

  /** Calls back whenever something may have changed, until the returned function is called. */
  onChange(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  get topology(): Topology {
    return this.options.topology;
  }

  /** What is not ready yet, for people. */
  missing(): string[] {
    const all = [...this.machines.keys()];
    return this.#missing({ cabled: all, ready: all, dark: [] });
  }

  device(name: string): FaultyDevice {
    const machine = this.#machine(name);
    const { run, running, addresses } = machine;
    return {
      name,
      run,
      booted: running?.url !== undefined,
      frozen: running?.frozen ?? false,
      addresses,
      ask: (method, params, timeout) => machine.ask(method, params, timeout),
    };
  }

  /** Resolves when all that is wanted is so. @throws Failure with what is not after `timeout` ms */
  async inEffect(wanted: () => InEffect, timeout: number): Promise<void> {
    const problem = `${this.topology.name} is not ready`;
    await this.#until(() => this.#missing(wanted()), timeout, problem);
  }

  /** Stops or continues a device's process. @throws Failure */
  async signal(name: string, how: 'freeze' | 'thaw', timeout: number): Promise<void> {
    const { running } = this.#machine(name);
    if (!running) throw new Failure(`${name} is not running`);
    try {
      await (how === 'freeze' ? running.freeze() : running.thaw(timeout));
    } catch (error) {
      throw new Failure(`${name} does not go on: ${messageOf(error)}`);
    }
    this.#changed();
  }

  /** Starts devices together, and resolves when they and their cables are ready. @throws Failure */
  async start(names: readonly string[], timeout: number, upTo: () => UpTo = () => 'ready'): Promise<void> {
    const machines = names.map((name) => this.#machine(name));
    for (const machine of machines)
      if (machine.running) throw new Failure(`${machine.name} is running already`);
    const wanted = (): InEffect => ({
      cabled: upTo() === 'serving' ? [] : names,
      ready: upTo() === 'ready' ? names : [],
      dark: [],
    });
    let serving = false;
    let failure: unknown;
    const begun = startInTurns(machines);
    begun
      .then(() => {
        serving = true;
      })
      .catch((error: unknown) => {
        failure = error;
      })
      .finally(() => this.#changed());
    await this.#until(
      () => {
        if (failure !== undefined) throw failure;
        const ended = serving ? machines.find((machine) => !machine.running) : undefined;
        if (ended) throw new Failure(`${ended.name} ended while it started: ${ended.report().reason}`);
        if (serving) return this.#missing(wanted());
        const late = machines.filter((machine) => !machine.ready);
        return late.length === 0 ? ['devices are starting'] : late.map(waitsFor);
      },
      timeout,
      `${this.options.topology.name} is not ready`,
    );
    await begun;
  }

  /** Resolves when the devices are gone and their neighbours have seen it. @throws Failure */
  async end(how: 'kill' | 'stop', names: readonly string[]): Promise<void> {
    const machines = names.map((name) => this.#machine(name));
    for (const machine of machines)
      if (how === 'kill' && !machine.running) throw new Failure(`${machine.name} is not running`);
    await Promise.all(machines.map((machine) => machine[how]()));
    await this.#until(() => this.#stillLit(new Set(names)), CARRIER_TIMEOUT, 'carriers are still up');
  }

  /** Ends all devices, frozen ones too, within `grace` ms and a moment. */
  async shutDown(grace: number): Promise<void> {
    await Promise.all([...this.machines.values()].map((machine) => machine.shutDown(grace)));
  }

  async status(): Promise<NetStatus> {
    const machines = [...this.machines.values()];
    await Promise.all(
      machines.map((machine) => (machine.answers ? machine.running?.refresh(STATUS_TIMEOUT) : undefined)),
    );
    return {
      net: this.options.topology.name,
      rundir: this.options.rundir,
      devices: machines.map((machine) => machine.report()),
      cables: this.options.topology.cables.map((cable) => this.#cableReport(cable)),
    };
  }

  #cableReport({ name, ends }: CableSpec): CableReport {
    const [a, b] = [formatEnd(ends[0]), formatEnd(ends[1])];
    return { cable: name, ends: [a, b], carrier: ends.every((end) => this.#hasCarrier(end)) };
  }

  #hasCarrier(end: CableEnd): boolean {
    return this.machines.get(end.device)?.hasCarrier(end.interface) ?? false;
  }

  /** Neighbours that could know of a dead device, and still have its carrier. */
  #stillLit(dead: ReadonlySet<string>): string[] {
    return this.options.topology.cables.flatMap(({ ends: [a, b] }) =>
      [
        [a, b],
        [b, a],
      ].flatMap(([gone, near]) =>
        gone &&
        near &&
        dead.has(gone.device) &&
        !this.machines.get(gone.device)?.running &&
        this.machines.get(near.device)?.answers &&
        this.#hasCarrier(near)
          ? [formatEnd(near)]
          : [],
      ),
    );
  }

  #machine(name: string): Machine {
    const machine = this.machines.get(name);
    if (machine) return machine;
    throw new Failure(
      `no device "${name}" in ${this.options.topology.name}; ${suggest(name, this.machines.keys())}`,
    );
  }

  #launch(name: string, incarnation: number, changed: () => void): DeviceProcess {
    const { topology, guardian } = this.options;
    const spec = this.#machine(name).spec;
    const config: DeviceConfig = {
      net: topology.name,
      spec,
      seed: topology.seed,
      incarnation,
      timing: topology.timing,
      token: this.options.token,
      listen:
        topology.transport === 'unix' ? { path: this.#socketPath(name) } : { host: '127.0.0.1', port: 0 },
      logFile: join(this.options.rundir, 'logs', `${name}.jsonl`),
      logLevel: this.options.logLevel,
      clockOffset: this.options.clockOffset,
      ports: portsOf(topology, spec),
    };
    const process = new DeviceProcess({
      config: this.options.configure(config),
      program: this.options.program(spec.kind),
      changed,
    });
    guardian.watch(process.pid);
    process.exited.then(() => guardian.forget(process.pid)).catch(() => {});
    return process;
  }

  #socketPath(device: string): string {
    return join(this.options.rundir, `${device}.sock`);
  }

  /** Tells the dialing ends of all cables of a device where to dial. */
  #introduce(machine: Machine): void {
    for (const { ends } of this.options.topology.cables) {
      const [peer, dialer] = ends;
      if (peer.device !== machine.name && dialer.device !== machine.name) continue;
      const url = this.machines.get(peer.device)?.running?.url;
      const control = this.machines.get(dialer.device)?.running?.control;
      if (url === undefined || control === undefined) continue;
      const params = { interface: dialer.interface, url };
      // Who ends meanwhile is told again when it is back.
      control.request('peer', params).catch(() => {});
    }
  }

  #missing({ cabled, ready, dark }: InEffect): string[] {
    const { cables } = this.topology;
    const whole = cables.filter((cable) => !this.options.isCut(cable));
    // What was spliced meanwhile need not be dark any more.
    const lit = cables
      .filter((cable) => dark.includes(cable.name) && this.options.isCut(cable))
      .flatMap(({ ends }) => ends.filter((end) => this.machines.get(end.device)?.answers))
      .filter((end) => this.#hasCarrier(end));
    return [
      ...missing(this.machines, whole, new Set(cabled), new Set(ready)),
      ...lit.map((end) => `${formatEnd(end)} still has carrier`),
    ];
  }

  /** Watchers are told once of all that is to be read now: while a net starts, everything changes at once. */
  #changed(): void {
    if (this.#changes) return;
    this.#changes = true;
    setImmediate(() => {
      this.#changes = false;
      for (const watcher of [...this.#watchers]) watcher();
    });
  }

  /** Resolves when `left` gives nothing more; rejects when it throws, or after `timeout` ms with what it gives. */
  #until(left: () => readonly string[], timeout: number, problem: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = performance.now() + timeout;
      const settle = (finish: () => void) => {
        clearInterval(timer);
        stop();
        finish();
      };
      const look = () => {
        try {
          const waiting = left();
          if (waiting.length === 0) settle(resolve);
          else if (performance.now() >= end)
            settle(() => reject(new Failure(`${problem} after ${timeout / 1000} s: ${waiting.join('; ')}`)));
        } catch (error) {
          settle(() => reject(error));
        }
      };
      const timer = setInterval(look, RECHECK);
      const stop = this.onChange(look);
      look();
    });
  }
}

async function startInTurns(machines: readonly Machine[]): Promise<void> {
  const waiting = machines.values();
  const startNext = async () => {
    for (const machine of waiting) await machine.start();
  };
  await Promise.all(Array.from({ length: BOOTS_AT_ONCE }, startNext));
}

export function formatEnd(end: CableEnd): string {
  return `${end.device}:${end.interface}`;
}
