// A device over all its runs: on or off, why it is off, and when it is started again by itself.

import type { DeviceStatus, InterfaceStatus } from '../shared/control/device-status.ts';
import type { DeviceSpec } from '../shared/topology/types.ts';
import { type CrashReport, lastLogLines } from './crash-report.ts';
import type { DeviceProcess } from './device-process.ts';
import { Failure } from './failure.ts';
import { type DeviceAddress, DeviceOff } from './faults/bench.ts';
import type { DeviceReport, DeviceState } from './net-status.ts';

/** ms a device has for its orderly end. */
const STOP_GRACE = 2000;

/** ms between the end of a device and its restart: the first time, and at most; doubled each time. */
const FIRST_RESTART_PAUSE = 100;
const LONGEST_RESTART_PAUSE = 10_000;

/** A device that ran for so many ms is restarted as if it had never ended before. */
const HEALTHY_RUN = 10_000;

export interface MachineOptions {
  readonly spec: DeviceSpec;
  /** Starts a process for the run of that number. */
  readonly launch: (incarnation: number, changed: () => void) => DeviceProcess;
  /** Its socket serves: its neighbours and its own dialing ends can be told. */
  readonly booted: (machine: Machine) => void;
  readonly changed: () => void;
  /** It ended without being asked to. */
  readonly crashed: (report: CrashReport) => void;
}

export class Machine {
  process: DeviceProcess | undefined;
  /** Why it is off. */
  #off: { state: 'stopped' | 'crashed'; reason: string } = { state: 'stopped', reason: 'not started yet' };
  #lastLines: readonly string[] = [];
  #wasReady = false;
  #incarnation = 0;
  #lastStatus: DeviceStatus | undefined;
  #restart: NodeJS.Timeout | undefined;
  #restartPause = FIRST_RESTART_PAUSE;
  /** What ended on purpose is not started again by itself. */
  #ending: 'stopped' | 'crashed' | undefined;
  #closed = false;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: MachineOptions) {}

  get spec(): DeviceSpec {
    return this.options.spec;
  }

  get name(): string {
    return this.options.spec.name;
  }

  /** The process while it runs. */
  get running(): DeviceProcess | undefined {
    return this.process?.ended === false ? this.process : undefined;
  }

  /** Whether it was started once: of many that start, most wait for others first. */
  get hasRun(): boolean {
    return this.#incarnation > 0;
  }

  get ready(): boolean {
    return this.running?.status?.ready ?? false;
  }

  /** Whether a cable that ends there can come up. */
  get answers(): boolean {
    return this.running?.url !== undefined && !this.running.frozen;
  }

  /** The number of the present run; undefined while it is off. */
  get run(): number | undefined {
    return this.running ? this.#incarnation - 1 : undefined;
  }

  /** As they are or, while it says nothing, as they were. */
  get addresses(): DeviceAddress[] {
    const { interfaces } = this.running?.status ?? this.#lastStatus ?? this.spec;
    return interfaces.flatMap(({ name, ipv4 }) =>
      ipv4 && ipv4 !== 'dhcp' ? [{ interface: name, ipv4 }] : [],
    );
  }

  /** @throws DeviceOff if it is off, or ends meanwhile; Error ETIMEDOUT */
  async ask(method: string, params: unknown, timeout: number): Promise<unknown> {
    const { running } = this;
    if (!running) throw new DeviceOff(`${this.name} is not running`);
    try {
      return await running.ask(method, params, timeout);
    } catch (error) {
      throw running.ended ? new DeviceOff(`${this.name} ended`) : error;
    }
  }

  hasCarrier(name: string): boolean {
    const status = this.running?.status;
    return status?.interfaces.some((face) => face.name === name && face.carrier) ?? false;
  }

  /** Resolves when its socket serves. @throws Failure if it runs already or ends at once */
  start(): Promise<void> {
    return this.#oneAtATime(() => this.#start());
  }

  stop(): Promise<void> {
    return this.#end('stopped', (running) => running.stop(STOP_GRACE));
  }

  /** Power cut. */
  kill(): Promise<void> {
    return this.#end('crashed', (running) => running.kill());
  }

  /** Ends it for good, within `grace` ms. */
  async shutDown(grace: number): Promise<void> {
    this.#closed = true;
    this.#ending = 'stopped';
    this.#cancelRestart();
    // Who has not come up yet has nothing to put in order.
    if (this.ready) await this.running?.stop(grace);
    else await this.running?.kill();
  }

  report(): DeviceReport {
    const { running } = this;
    const status = running?.status;
    return {
      device: this.name,
      kind: this.spec.kind,
      state: this.#state(),
      reason: running ? (this.#wasReady ? null : (status?.waiting.join(', ') ?? null)) : this.#whyOff,
      ...(!running && this.#lastLines.length > 0 && { lastLines: this.#lastLines }),
      pid: running?.pid ?? null,
      uptime: running ? performance.now() - running.started : 0,
      rss: status?.rss ?? 0,
      loopLag: Math.max(status?.loopLag ?? 0, running?.silence ?? 0),
      frames: status?.frames ?? { in: 0, out: 0 },
      drops: status?.drops ?? 0,
      interfaces: status?.interfaces ?? this.#deadInterfaces(),
    };
  }

  get #whyOff(): string {
    return this.#restart ? `${this.#off.reason}; starts again by itself` : this.#off.reason;
  }

  #state(): DeviceState {
    if (!this.running) return this.#off.state;
    if (this.running.frozen) return 'frozen';
    return this.#wasReady ? 'ready' : 'starting';
  }

  #deadInterfaces(): InterfaceStatus[] {
    const known =
      this.#lastStatus?.interfaces ?? this.spec.interfaces.flatMap((face) => [face, ...(face.bridge ?? [])]);
    return known.map((face) => ({
      name: face.name,
      mac: face.mac,
      ipv4: null,
      carrier: false,
      mtu: 'mtu' in face ? face.mtu : 1500,
    }));
  }

  async #start(): Promise<void> {
    if (this.#closed) throw new Failure('the net is going down');
    if (this.running) throw new Failure(`${this.name} is running already`);
    this.#cancelRestart();
    this.#ending = undefined;
    this.#wasReady = false;
    const process = this.options.launch(this.#incarnation++, () => this.#changed());
    this.process = process;
    process.exited.then((reason) => this.#exited(process, reason)).catch(() => {});
    this.#changed();
    try {
      await process.boot();
    } catch (error) {
      await process.kill();
      const words = await process.lastWords();
      // One line is a reason, several are the end of something longer.
      if (words.length === 1) throw new Failure(`${this.name} does not start: ${words[0]}`);
      const below = words.map((line) => `\n  ${line}`).join('');
      throw new Failure(`${this.name} ${(error as Error).message}${below}`);
    }
    this.options.booted(this);
  }

  async #end(as: 'stopped' | 'crashed', end: (running: DeviceProcess) => Promise<void>): Promise<void> {
    this.#cancelRestart();
    const { running } = this;
    if (!running) {
      if (this.#off.state === 'crashed' && as === 'stopped')
        this.#off = { state: 'stopped', reason: 'stopped' };
      return;
    }
    this.#ending = as;
    await end(running);
  }

  #exited(process: DeviceProcess, reason: string): void {
    const deliberate = this.#ending;
    this.#off =
      deliberate === 'stopped' ? { state: 'stopped', reason: 'stopped' } : { state: 'crashed', reason };
    const { restart } = this.spec;
    const again = restart === 'always' || (restart === 'on-failure' && reason !== 'exit code 0');
    if (deliberate === undefined && again) this.#scheduleRestart(performance.now() - process.started);
    this.#lastLines = [];
    if (deliberate === undefined) void this.#tellCrash(process, reason);
    this.options.changed();
  }

  async #tellCrash(process: DeviceProcess, reason: string): Promise<void> {
    this.#lastLines = [...(await process.lastWords()), ...lastLogLines(process.logFile)];
    this.options.crashed({ device: this.name, reason, lastLines: this.#lastLines });
    this.options.changed();
  }

  #scheduleRestart(ran: number): void {
    if (ran >= HEALTHY_RUN) this.#restartPause = FIRST_RESTART_PAUSE;
    this.#restart = setTimeout(() => {
      this.#restart = undefined;
      const last = this.process;
      this.start().catch(() => {
        // No process was to be had: what began and failed has its end told otherwise.
        if (this.process === last && !this.#closed && this.#ending === undefined) this.#scheduleRestart(0);
      });
    }, this.#restartPause);
    this.#restartPause = Math.min(this.#restartPause * 2, LONGEST_RESTART_PAUSE);
  }

  #cancelRestart(): void {
    clearTimeout(this.#restart);
    this.#restart = undefined;
  }

  #changed(): void {
    this.#lastStatus = this.running?.status ?? this.#lastStatus;
    if (this.ready) this.#wasReady = true;
    this.options.changed();
  }

  #oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => {});
    return done;
  }
}
