// A net out of a topology file in one process, on virtual time: the devices' own planes and services, on
// cables in memory. Every frame on every cable is checked.

import { HttpCache } from '../../shared/apps/http/cache.ts';
import { Counters } from '../../shared/core/counters.ts';
import type { FramePort } from '../../shared/core/frame-port.ts';
import type { Device, DeviceService } from '../../shared/device/device.ts';
import { bridgePlane, ipPlane, type PlaneOptions } from '../../shared/device/plane.ts';
import { portsOf } from '../../shared/topology/ports.ts';
import type { DeviceSpec, Topology } from '../../shared/topology/types.ts';
import { NO_TABLES, type Outcome, startCommand } from './command-bench.ts';
import { FrameChecker } from './frame-checker.ts';
import { SERVICES } from './kinds.ts';
import { type Fate, type MemoryCable, memoryCable } from './memory-cable.ts';
import { RecordedLog } from './recorded-log.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface VirtualDevice {
  readonly device: Device;
  readonly log: RecordedLog;
  readonly services: readonly DeviceService[];
}

export interface VirtualNetOptions {
  /** What cables do to frames; those that are not named are perfect. */
  readonly fates?: Readonly<Record<string, Fate>>;
  /** Cables on which no private address may show, be it in a quote. */
  readonly publicCables?: readonly string[];
}

export class VirtualNet {
  readonly clock = new VirtualClock();
  readonly cables = new Map<string, MemoryCable>();
  readonly checkers: FrameChecker[] = [];
  readonly #devices = new Map<string, VirtualDevice>();
  readonly #ports = new Map<string, FramePort>();

  constructor(
    private readonly topology: Topology,
    options: VirtualNetOptions = {},
  ) {
    for (const { name, mtu, ends } of topology.cables) {
      const checker = new FrameChecker({ name, mtu, public: options.publicCables?.includes(name) ?? false });
      const fate = options.fates?.[name];
      const cable = memoryCable(this.clock, { mtu, fate, tap: (frame) => checker.check(frame) });
      this.checkers.push(checker);
      this.cables.set(name, cable);
      this.#ports.set(`${ends[0].device}:${ends[0].interface}`, cable.a);
      this.#ports.set(`${ends[1].device}:${ends[1].interface}`, cable.b);
    }
    for (const spec of topology.devices) this.#start(spec);
  }

  /** All that was wrong with frames so far. */
  get faults(): string[] {
    return this.checkers.flatMap(({ faults }) => faults);
  }

  device(name: string): VirtualDevice {
    const found = this.#devices.get(name);
    if (!found) throw new Error(`no device ${name} with a stack`);
    return found;
  }

  cable(name: string): MemoryCable {
    const found = this.cables.get(name);
    if (!found) throw new Error(`no cable ${name}`);
    return found;
  }

  /** Runs a console command to its end. */
  async exec(name: string, line: string): Promise<Outcome> {
    const { device } = this.device(name);
    const running = startCommand(line, {
      device: name,
      sockets: device.sockets,
      tables: NO_TABLES,
      nameServers: () => [...device.known.nameServers.values()].flat(),
      httpCache: new HttpCache(this.clock),
    });
    let outcome: Outcome | undefined;
    void running.done.then((value) => {
      outcome = value;
    });
    await this.clock.runUntilAsync(() => outcome !== undefined, 3_600_000);
    if (!outcome) throw new Error(`the command does not end; it said: ${running.printed()}`);
    return outcome;
  }

  async close(): Promise<void> {
    for (const { services, device } of this.#devices.values()) {
      await Promise.all(services.map(async (service) => service.close()));
      device.stack.close();
    }
  }

  #start(spec: DeviceSpec): void {
    const log = new RecordedLog();
    const options: PlaneOptions = {
      config: this.#configOf(spec),
      clock: this.clock,
      log,
      counters: new Counters(),
      ports: this.#portsOf(spec),
      changed: () => {},
    };
    if (spec.kind === 'tap') throw new Error('a tap is part of the machine, which has no virtual time');
    if (spec.kind === 'switch') {
      bridgePlane(options);
      return;
    }
    const device = ipPlane(options, spec.kind === 'router' || spec.kind === 'isp-router');
    const services = SERVICES[spec.kind].map((start) => start(device));
    this.#devices.set(spec.name, { device, log, services });
  }

  #configOf(spec: DeviceSpec): PlaneOptions['config'] {
    const { name: net, seed, timing } = this.topology;
    const nowhere = { token: '', listen: { path: '' }, logFile: '', clockOffset: 0, ports: [] };
    return { net, spec, seed, incarnation: 0, timing, logLevel: 'info', ...nowhere };
  }

  /** Those without a cable have no carrier. */
  #portsOf(spec: DeviceSpec): PlaneOptions['ports'] {
    return new Map(
      portsOf(this.topology, spec).map(({ name, mtu }) => [
        name,
        { top: this.#ports.get(`${spec.name}:${name}`) ?? this.#unplugged(mtu) },
      ]),
    );
  }

  #unplugged(mtu: number): FramePort {
    const cable = memoryCable(this.clock, { mtu });
    cable.setCarrier(false);
    return cable.a;
  }
}
