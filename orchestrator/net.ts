// A running net: what the orchestrator holds, from the claim of its name until nothing of it is left.

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { DeviceServer } from '../shared/cable/device-server.ts';
import { startDeviceServer } from '../shared/cable/device-server.ts';
import type { ControlHandler } from '../shared/control/peer.ts';
import { serveControl } from '../shared/control/server.ts';
import { silentLog } from '../shared/core/event-log.ts';
import type { DeviceConfig } from '../shared/topology/device-config.ts';
import { portsOf } from '../shared/topology/ports.ts';
import type { Topology } from '../shared/topology/types.ts';
import type { CrashReport } from './crash-report.ts';
import { messageOf } from './failure.ts';
import { faultMethods } from './faults/control.ts';
import { FaultManager } from './faults/manager.ts';
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
  /** A device ended without being asked to. */
  readonly crashed?: (report: CrashReport) => void;
  /** Nobody gave it its name: commands do not mean it unless told, and its run directory goes with it, logs included. */
  readonly unnamed?: boolean;
  /** Told, for people, what went wrong and is of no matter to what runs. */
  readonly complain?: (line: string) => void;
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
  /** The devices' processes. */
  readonly supervisor: Supervisor;
  readonly faults: FaultManager;
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
  const guardian = new Guardian(
    prepareRun(base, id),
    socket,
    options.unnamed ? join(base, options.topology.name) : '',
  );
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
  readonly faults: FaultManager;
  readonly ended: Promise<void>;
  #markEnded: () => void = () => {};
  #ending = false;
  /** The processes and addresses that the record tells of; undefined until there is one. */
  #written: string | undefined;
  #complaint = '';
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
      configure: (config) => this.faults.configure(config),
      isCut: (cable) => this.faults.isCut(cable),
      crashed: (report) => options.crashed?.(report),
    });
    this.faults = new FaultManager(this.supervisor);
    this.supervisor.onChange(() => this.#tryToWriteRecord());
    this.#writeRecord();
  }

  get rundir(): string {
    return this.run.rundir;
  }

  get record(): RunRecord {
    const { topology, unnamed } = this.options;
    return {
      net: topology.name,
      ...(unnamed && { unnamed }),
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
    const changing = [...this.supervisor.machines.values()]
      .map(({ running }) => `${running?.pid} ${running?.url}`)
      .join('\n');
    if (changing === this.#written) return;
    writeRecord(this.record);
    this.#written = changing;
  }

  /** A full disk or a folder that someone took away must not end what runs: the next change tries again. */
  #tryToWriteRecord(): void {
    try {
      this.#writeRecord();
    } catch (error) {
      const complaint = `can't write ${this.rundir}/net.json: ${messageOf(error)}`;
      if (complaint !== this.#complaint) this.options.complain?.(complaint);
      this.#complaint = complaint;
    }
  }
}

/** The methods of the orchestrator's /control. */
function methodsOf(net: OpenNet): Record<string, ControlHandler> {
  return {
    status: () => net.status(),
    ...faultMethods(net.faults),
    down: () => {
      // Answered first: the end of the connection is what the caller waits for then.
      setImmediate(() => net.end().catch(() => {}));
    },
  };
}

/** ms from the monotonic clock, which all processes of a machine share, to Unix time. */
function unixClockOffset(): number {
  return performance.timeOrigin + performance.now() - Number(process.hrtime.bigint()) / 1e6;
}
