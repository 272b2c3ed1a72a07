// What every device process does: take its configuration, open its ports, serve its socket, run its plane
// and services, and end in order. Read a file of devices/ first: this is what runs it.

import { startDeviceServer } from '../cable/device-server.ts';
import { FrameFilters } from '../cable/filter.ts';
import { serveControl } from '../control/server.ts';
import { systemClock } from '../core/clock.ts';
import { Counters } from '../core/counters.ts';
import type { EventLog } from '../core/event-log.ts';
import { createDeviceLog } from '../log.ts';
import type { DeviceReady } from '../topology/device-config.ts';
import { ETHERNET_HEADER_LENGTH } from '../wire/ethernet.ts';
import { checkIpv4, ipv4PacketAt } from '../wire/ipv4.ts';
import { Captures } from './captures.ts';
import type { CommandContext, StacklessContext } from './command.ts';
import { controlMethods } from './control-methods.ts';
import type { Device, DeviceService, StartService } from './device.ts';
import { type Launch, readLaunch } from './launch.ts';
import { watchLoopLag } from './loop-lag.ts';
import { bridgePlane, ipPlane, type PlaneOptions } from './plane.ts';
import { openPorts, type Port } from './ports.ts';
import { deviceStatus } from './status.ts';
import { counterRows, tablesOf } from './tables.ts';
import { setV8Flags } from './v8-flags.ts';

/** What a kind of device is: a plane, and services on it. */
export type DeviceDescription =
  | { readonly plane: 'bridge' | OpenPlane }
  | { readonly plane: 'host' | 'router'; readonly services: readonly StartService[] };

/** A plane of a kind's own, without a stack; rejects with one line if it can't be. */
export type OpenPlane = (options: PlaneOptions) => Promise<void>;

/** ms that services have to say goodbye in, such as FINs and a DHCP RELEASE. */
const GOODBYE = 200;

/** Runs this process as a device, until it is stopped or whoever started it is gone. */
export async function runDevice(description: DeviceDescription): Promise<void> {
  process.title = 'tincan (starting)';
  // Ctrl-C on a terminal is the orchestrator's to hear.
  process.on('SIGINT', () => {});
  try {
    await new RunningDevice(await readLaunch(), description).start();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  }
}

/** Whether a frame that comes in is for an inside host, though it is addressed to the device. */
function translates(device: Device | undefined, frame: Uint8Array): boolean {
  if (!device?.nat || checkIpv4(frame, ETHERNET_HEADER_LENGTH)) return false;
  return device.nat.isForInside(ipv4PacketAt(frame, ETHERNET_HEADER_LENGTH));
}

class RunningDevice {
  readonly #launch: Launch;
  readonly #log: EventLog;
  readonly #counters = new Counters();
  readonly #filters = new FrameFilters((frame) => translates(this.#device, frame));
  readonly #ports: ReadonlyMap<string, Port>;
  readonly #watchers = new Set<() => void>();
  readonly #lag = watchLoopLag();
  readonly #device: Device | undefined;
  readonly #startServices: readonly StartService[];
  readonly #openPlane: () => Promise<void>;
  readonly #captures: Captures;
  #services: DeviceService[] = [];
  #serving = false;
  #closeServer: () => Promise<void> = async () => {};
  #changeTold = true;

  constructor(launch: Launch, description: DeviceDescription) {
    const { config } = launch;
    const { spec, net } = config;
    process.title = `tincan ${net} ${spec.name}`;
    this.#launch = launch;
    const { logFile: file, logLevel: level, clockOffset } = config;
    this.#log = createDeviceLog({ file, level, device: spec.name, clockOffset });
    this.#log.info(
      'device.start',
      { kind: spec.kind, pid: process.pid, incarnation: config.incarnation },
      `${spec.name} starts, of kind ${spec.kind}`,
    );
    for (const { id, rules } of config.faults?.filters ?? []) this.#filters.set(id, rules);
    this.#ports = openPorts(config, systemClock, this.#log, this.#filters, () => this.#changed());
    this.#captures = new Captures(this.#ports, systemClock, clockOffset);
    const options: PlaneOptions = {
      config,
      clock: systemClock,
      log: this.#log,
      counters: this.#counters,
      ports: this.#ports,
      changed: () => this.#changed(),
    };
    const { plane } = description;
    this.#startServices = 'services' in description ? description.services : [];
    this.#openPlane = async () => (typeof plane === 'function' ? plane(options) : undefined);
    if (plane === 'bridge') bridgePlane(options);
    else if (typeof plane === 'string') this.#device = ipPlane(options, plane === 'router');
  }

  async start(): Promise<void> {
    const { config, orphaned } = this.#launch;
    await this.#openPlane();
    this.#dieWithoutHarm();
    const methods = this.#methods();
    const server = await startDeviceServer({
      listen: config.listen,
      token: config.token,
      cables: new Map([...this.#ports].map(([name, { cable }]) => [name, cable])),
      control: (socket) => serveControl(socket, methods, this.#log),
      capture: (name, query) => this.#captures.open(name, query),
      log: this.#log,
    });
    this.#closeServer = () => server.close();
    void orphaned.then(() => process.exit(1));
    process.on('SIGTERM', () => void this.#stop());
    const ready: DeviceReady = { url: server.url };
    process.stdout.write(`${JSON.stringify(ready)}\n`);
    if (this.#device) for (const start of this.#startServices) this.#services.push(start(this.#device));
    this.#serving = true;
    this.#changed();
    setV8Flags();
  }

  /** A write to a log or a pipe whose reader is gone must not end the device. */
  #dieWithoutHarm(): void {
    process.stdout.on('error', () => {});
    process.stderr.on('error', () => {});
    const report = (error: unknown): void => {
      const { stack, message } = error as Error;
      this.#log.error('device.crash', { error: message, stack }, `Crashed: ${message}`);
      process.stderr.write(`${stack ?? message}\n`);
      process.exit(70);
    };
    process.on('uncaughtException', report);
    process.on('unhandledRejection', report);
  }

  #methods() {
    return controlMethods({
      ports: this.#ports,
      status: () => this.#status(),
      onChange: (callback) => {
        this.#watchers.add(callback);
        return () => this.#watchers.delete(callback);
      },
      device: this.#device,
      filters: this.#filters,
      log: this.#log,
      commandContext: this.#commandContext(),
      stop: () => void this.#stop(),
    });
  }

  #status() {
    const waiting = this.#services.flatMap((service) => service.waiting?.() ?? []);
    if (!this.#serving) waiting.push('its services');
    return deviceStatus({
      config: this.#launch.config,
      waiting,
      loopLag: this.#lag.worst(),
      ports: this.#ports,
      stack: this.#device?.stack,
      counters: this.#counters,
    });
  }

  #commandContext(): CommandContext | StacklessContext {
    const device = this.#device;
    const { name } = this.#launch.config.spec;
    if (!device)
      return { device: name, tables: { counters: () => counterRows(this.#counters, this.#ports) } };
    return {
      device: name,
      sockets: device.sockets.unprivileged,
      tables: tablesOf(device, this.#ports),
      nameServers: () => [...device.known.nameServers.values()].flat(),
      httpCache: device.httpCache,
    };
  }

  /** Tells the watchers, once a turn however much has changed in it. */
  #changed(): void {
    if (!this.#changeTold) return;
    this.#changeTold = false;
    setImmediate(() => {
      this.#changeTold = true;
      for (const tell of this.#watchers) tell();
    });
  }

  async #stop(): Promise<void> {
    const services = this.#services;
    this.#services = [];
    this.#log.info('device.stop', {}, `${this.#launch.config.spec.name} stops`);
    const closing = services.map(async (service) => service.close());
    const patience = new Promise((resolve) => setTimeout(resolve, GOODBYE));
    await Promise.race([Promise.allSettled(closing), patience]);
    // What the goodbyes sent leaves with this turn.
    await new Promise((resolve) => setImmediate(resolve));
    this.#device?.stack.close();
    for (const { cable } of this.#ports.values()) cable.close();
    this.#captures.end();
    await this.#closeServer();
    process.exit(0);
  }
}
