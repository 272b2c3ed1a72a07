// A net of devices that exist only in their answers to control calls, for tests of faults.

import type { DeviceAddress, FaultBench, FaultyDevice, UpTo } from '../../orchestrator/faults/bench.ts';
import { DeviceOff } from '../../orchestrator/faults/bench.ts';
import type { PortCounts, RuleCounts } from '../../shared/topology/faults.ts';
import type { Impairment, Topology } from '../../shared/topology/types.ts';

interface FakePort {
  impairment: Impairment;
  cut: boolean;
  seen: number;
  readonly affected: Record<string, number>;
}

export class FakeDevice implements FaultyDevice {
  run: number | undefined = 0;
  frozen = false;
  addresses: readonly DeviceAddress[] = [];
  readonly ports = new Map<string, FakePort>();
  /** What stands under each id: rules, or a misbehaviour. */
  readonly standing = new Map<string, unknown>();
  readonly counts = new Map<string, RuleCounts>();
  readonly calls: string[] = [];
  /** Methods that it refuses. */
  readonly refuses = new Set<string>();
  /** Methods that it answers only then. */
  readonly answers = new Map<string, Promise<void>>();

  /** While it hangs: what it has been asked, and will do when it goes on. */
  #unheard: (() => unknown)[] | undefined;
  #freezes = false;

  constructor(readonly name: string) {}

  /** It answers nobody in time, and is frozen once it is asked, if told so. */
  hang(freezes = false): void {
    this.#unheard = [];
    this.#freezes = freezes;
  }

  /** It does what it was asked meanwhile. */
  goOn(): void {
    for (const answer of this.#unheard ?? []) answer();
    this.#unheard = undefined;
    this.frozen = false;
  }

  get booted(): boolean {
    return this.run !== undefined;
  }

  port(name: string): FakePort {
    const known = this.ports.get(name);
    if (known) return known;
    const port = { impairment: {}, cut: false, seen: 0, affected: {} };
    this.ports.set(name, port);
    return port;
  }

  /** Frames that a port has sent, and what befell them. */
  send(name: string, frames: number, affected: Record<string, number> = {}): void {
    const port = this.port(name);
    port.seen += frames;
    for (const [cause, count] of Object.entries(affected))
      port.affected[cause] = (port.affected[cause] ?? 0) + count;
  }

  async ask(method: string, params: unknown): Promise<unknown> {
    if (this.run === undefined) throw new DeviceOff(`${this.name} is not running`);
    if (this.refuses.has(method)) throw new Error(`${this.name} refuses ${method}`);
    await this.answers.get(method);
    const fields = params as Record<string, unknown>;
    this.calls.push(`${method} ${String(fields.interface ?? fields.id ?? fields.table)}`);
    if (this.#unheard === undefined) return this.#answer(method, fields);
    this.#unheard.push(() => this.#answer(method, fields));
    this.frozen ||= this.#freezes;
    throw Object.assign(new Error('no answer within 3000 ms'), { code: 'ETIMEDOUT' });
  }

  #answer(method: string, fields: Record<string, unknown>): unknown {
    if (method === 'flush') return { entries: 7 };
    return fields.interface === undefined
      ? this.#rule(method, fields)
      : this.#port(method, String(fields.interface), fields);
  }

  #port(method: string, name: string, fields: Record<string, unknown>): PortCounts {
    const port = this.port(name);
    const { seen, affected } = port;
    const counts = { seen, affected: { ...affected } };
    if (method === 'impair') port.impairment = fields.impairment as Impairment;
    if (method === 'cut') port.cut = true;
    if (method === 'splice') port.cut = false;
    return counts;
  }

  #rule(method: string, fields: Record<string, unknown>): RuleCounts {
    const id = String(fields.id);
    if (method === 'filter' || method === 'misbehave')
      this.standing.set(id, fields.rules ?? fields.misbehaviour);
    if (method === 'unfilter' || method === 'behave') this.standing.delete(id);
    return this.counts.get(id) ?? { seen: 0, affected: 0 };
  }
}

export class FakeBench implements FaultBench {
  readonly devices: ReadonlyMap<string, FakeDevice>;
  /** What the last start waits for, now. */
  upTo: () => UpTo = () => 'ready';
  readonly #watchers = new Set<() => void>();

  constructor(readonly topology: Topology) {
    this.devices = new Map(topology.devices.map(({ name }) => [name, new FakeDevice(name)]));
  }

  device(name: string): FakeDevice {
    const device = this.devices.get(name);
    if (!device) throw new Error(`no device ${name}`);
    return device;
  }

  /** A device starts with empty ports, as a new process does. */
  async start(devices: readonly string[], _: number, upTo: () => UpTo): Promise<void> {
    this.upTo = upTo;
    for (const name of devices) {
      const device = this.device(name);
      device.run = this.#nextRun++;
      device.ports.clear();
    }
    this.changed();
  }

  async end(_: 'kill' | 'stop', devices: readonly string[]): Promise<void> {
    for (const name of devices) this.device(name).run = undefined;
    this.changed();
  }

  async signal(name: string, how: 'freeze' | 'thaw'): Promise<void> {
    this.device(name).frozen = how === 'freeze';
    this.changed();
  }

  async inEffect(): Promise<void> {}

  onChange(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  changed(): void {
    for (const watcher of this.#watchers) watcher();
  }

  #nextRun = 1;
}
