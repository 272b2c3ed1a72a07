// A running net: what the orchestrator holds, from the claim of its name until nothing of it is left.

import { randomBytes } from 'node:crypto';
import type { DeviceServer } from '../shared/cable/device-server.ts';
import { startDeviceServer } from '../shared/cable/device-server.ts';
import type { ControlHandler } from '../shared/control/peer.ts';
import { serveControl } from '../shared/control/server.ts';
import { silentLog } from '../shared/core/event-log.ts';
import type { DeviceConfig } from '../shared/topology/device-config.ts';
import { portsOf } from '../shared/topology/ports.ts';
import type { Topology } from '../shared/topology/types.ts';
import { Guardian } from './guardian.ts';
import type { NetStatus } from './net-status.ts';
import { claimRun, controlSocket, newRunId, prepareRun, registryFolder } from './registry.ts';
import type { RecordedDevice, RunRecord } from './run-record.ts';
import { writeRecord } from './run-record.ts';
import { formatEnd, Supervisor } from './supervisor.ts';

/** ms that devices have for their orderly end when the net ends. */
const SHUTDOWN_GRACE = 1000;

export interface NetOptions {
  readonly topology: Topology;
  readonly logLevel: DeviceConfig['logLevel'];
  /** The built program of a kind. */
  readonly program: (kind: string) => string;
}

/** What the methods of /control that act on devices take. */
export interface DevicesParams {
  readonly devices: readonly string[];
  /** ms until it must be in effect. */
  readonly timeout: number;
}

export interface Net {
  readonly rundir: string;
  readonly record: RunRecord;
  /** What is not ready yet, for people. */
  missing(): string[];
  /** Calls back whenever something may have changed, until the returned function is called. */
  onChange(watcher: () => void): () => void;
  /** Starts all devices, and resolves when they and their cables are ready. @throws Failure */
  boot(timeout: number): Promise<void>;
  status(): Promise<NetStatus>;
  /** Ends everything, frozen devices too. A second call leaves no time for order. */
  end(): Promise<void>;
  /** Resolves when nothing is left of the net. */
  readonly ended: Promise<void>;
}

/**
 * Takes the net's name and makes ready to start it. The guardian stands first: from here on nothing
 * outlives this process.
 * @throws Failure if a net of that name is running, or there is no place for it
 */
export async function openNet(options: NetOptions): Promise<Net> {
  const base = registryFolder();
  const id = newRunId();
  const socket = controlSocket(base, id);
  const guardian = new Guardian(prepareRun(base, id), socket);
  const token = randomBytes(24).toString('base64url');
  const handlers = new Map<string, ControlHandler>();
  let server: DeviceServer | undefined;
  try {
    server = await startDeviceServer({
      listen: { path: socket },
      token,
      cables: new Map(),
      control: (connection) => serveControl(connection, handlers, silentLog),
      log: silentLog,
    });
    const rundir = await claimRun(base, options.topology.name, id);
    guardian.movedTo(rundir);
    const net = new OpenNet(
      options,
      { id, rundir, token, control: `${server.url}/control` },
      guardian,
      server,
    );
    for (const [name, handler] of Object.entries(methodsOf(net))) handlers.set(name, handler);
    return net;
  } catch (error) {
    await server?.close();
    await guardian.close();
    throw error;
  }
}

class OpenNet implements Net {
  readonly supervisor: Supervisor;
  readonly ended: Promise<void>;
  #markEnded: () => void = () => {};
  #ending = false;
  #written = '';
  readonly #clockOffset = unixClockOffset();

  constructor(
    private readonly options: NetOptions,
    private readonly run: Pick<RunRecord, 'id' | 'rundir' | 'token' | 'control'>,
    private readonly guardian: Guardian,
    private readonly server: DeviceServer,
  ) {
    this.ended = new Promise((resolve) => {
      this.#markEnded = resolve;
    });
    const { rundir, token } = run;
    this.supervisor = new Supervisor({
      ...options,
      rundir,
      token,
      clockOffset: this.#clockOffset,
      guardian,
    });
    this.supervisor.onChange(() => this.#writeRecord());
    this.#writeRecord();
  }

  get rundir(): string {
    return this.run.rundir;
  }

  get record(): RunRecord {
    const { topology } = this.options;
    return {
      net: topology.name,
      pid: process.pid,
      ...this.run,
      clockOffset: this.#clockOffset,
      devices: Object.fromEntries(topology.devices.map((spec) => [spec.name, this.#recordDevice(spec.name)])),
      cables: topology.cables.map(({ name, ends: [a, b] }) => ({ name, ends: [formatEnd(a), formatEnd(b)] })),
    };
  }

  missing(): string[] {
    return this.supervisor.missing();
  }

  onChange(watcher: () => void): () => void {
    return this.supervisor.onChange(watcher);
  }

  boot(timeout: number): Promise<void> {
    return this.supervisor.start([...this.supervisor.machines.keys()], timeout);
  }

  status(): Promise<NetStatus> {
    return this.supervisor.status();
  }

  async end(): Promise<void> {
    const grace = this.#ending ? 0 : SHUTDOWN_GRACE;
    const first = !this.#ending;
    this.#ending = true;
    await this.supervisor.shutDown(grace);
    if (!first) return this.ended;
    await this.server.close();
    await this.guardian.close();
    this.#markEnded();
  }

  #recordDevice(name: string): RecordedDevice {
    const machine = this.supervisor.machines.get(name);
    if (!machine) throw new Error(`no device ${name}`);
    const { running } = machine;
    return {
      kind: machine.spec.kind,
      ...(running && { pid: running.pid }),
      ...(running?.url !== undefined && { url: running.url }),
      ports: portsOf(this.options.topology, machine.spec).map((port) => ({
        name: port.name,
        mtu: port.mtu,
        ...(port.cable && { cable: port.cable.name }),
      })),
    };
  }

  /** Only when a process or an address is another: devices report far more often. */
  #writeRecord(): void {
    if (this.#ending) return;
    const { record } = this;
    const text = JSON.stringify(record);
    if (text === this.#written) return;
    this.#written = text;
    writeRecord(record);
  }
}

/** The methods of the orchestrator's /control. */
function methodsOf(net: OpenNet): Record<string, ControlHandler> {
  const { supervisor } = net;
  return {
    status: () => net.status(),
    start: (call) => supervisor.start(devicesOf(call.params), timeoutOf(call.params)),
    restart: (call) => supervisor.restart(devicesOf(call.params), timeoutOf(call.params)),
    stop: (call) => supervisor.end('stop', devicesOf(call.params)),
    kill: (call) => supervisor.end('kill', devicesOf(call.params)),
    down: () => {
      // Answered first: the end of the connection is what the caller waits for then.
      setImmediate(() => net.end().catch(() => {}));
    },
  };
}

function devicesOf(params: unknown): readonly string[] {
  const devices = (params as Partial<DevicesParams> | null)?.devices;
  if (Array.isArray(devices) && devices.every((name) => typeof name === 'string')) return devices;
  throw new Error('takes { devices: [name, …], timeout: ms }');
}

function timeoutOf(params: unknown): number {
  const timeout = (params as Partial<DevicesParams> | null)?.timeout;
  if (typeof timeout === 'number') return timeout;
  throw new Error('takes { devices: [name, …], timeout: ms }');
}

/** ms from the monotonic clock, which all processes of a machine share, to Unix time. */
function unixClockOffset(): number {
  return performance.timeOrigin + performance.now() - Number(process.hrtime.bigint()) / 1e6;
}
