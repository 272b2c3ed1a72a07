// A net that is made of nothing: it answers as long as nothing is broken, and keeps what was asked of it.

import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FaultAction, MendingAction } from '../../orchestrator/experiment/actions.ts';
import type {
  Answer,
  LogLine,
  NetEvent,
  NetUnderTest,
} from '../../orchestrator/experiment/net-under-test.ts';
import type { Probe } from '../../orchestrator/experiment/probe-schema.ts';
import type { Receipt } from '../../orchestrator/faults/receipt.ts';
import type { NetStatus } from '../../orchestrator/net-status.ts';
import { receipt } from './made-run.ts';

export class FakeNet implements NetUnderTest {
  readonly done: string[] = [];
  readonly broken = new Map<string, Receipt>();
  readonly over: Receipt[] = [];
  logLines: LogLine[] = [];
  /** ms that every device says that it lags. */
  loopLag = 0;
  /** Healing all comes to nothing. */
  unhealable = false;
  #made = 0;
  #listener: (event: NetEvent) => void = () => {};

  private constructor(readonly logFolder: string) {}

  static async create(): Promise<FakeNet> {
    const folder = await mkdtemp(join(tmpdir(), 'fake-net-'));
    await writeFile(join(folder, 'laptop.jsonl'), '{}\n');
    return new FakeNet(folder);
  }

  async ask(probe: Probe, request: string): Promise<Answer> {
    if (this.broken.size > 0) throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    this.logLines.push({
      time: Date.now(),
      device: 'web',
      event: 'http.request',
      role: 'server',
      status: 200,
      url: `/?tincan-request=${request}`,
    });
    return { latency: 1, status: 200, addresses: [probe.target] };
  }

  async break(action: FaultAction): Promise<Receipt> {
    this.done.push(action.do);
    if (action.do === 'flush') throw new Error('nothing to flush');
    const id = `f${++this.#made}`;
    const made = receipt({ cut: 3 }, { id, until: null });
    this.broken.set(id, made);
    this.#listener({ time: performance.timeOrigin + performance.now(), device: 'isp', happened: 'crashed' });
    return made;
  }

  async mend(action: MendingAction, receipts: readonly string[] | undefined): Promise<void> {
    this.done.push(`${action.do} ${receipts?.join(',') ?? 'all'}`);
    if (this.unhealable && receipts === undefined) throw new Error('it would not heal');
    for (const id of receipts ?? [...this.broken.keys()]) {
      const healed = this.broken.get(id);
      if (healed) this.over.push({ ...healed, until: new Date().toISOString() });
      this.broken.delete(id);
    }
  }

  async receipts(): Promise<readonly Receipt[]> {
    return [...this.over, ...this.broken.values()];
  }

  async status(): Promise<NetStatus> {
    const device = {
      device: 'isp',
      kind: 'isp-router',
      state: 'ready' as const,
      reason: null,
      pid: 1,
      uptime: 1,
      rss: 1,
      loopLag: this.loopLag,
      frames: { in: 0, out: 0 },
      drops: 0,
      interfaces: [],
      lastLines: [],
    };
    return { net: 'fake', rundir: '', devices: [device], cables: [] };
  }

  async capture(cable: string, file: string): Promise<() => Promise<void>> {
    await writeFile(file, cable);
    return async () => {
      this.done.push(`captured ${cable}`);
    };
  }

  onEvent(listener: (event: NetEvent) => void): void {
    this.#listener = listener;
  }

  async logs(): Promise<readonly LogLine[]> {
    return this.logLines;
  }

  async close(): Promise<void> {
    this.done.push('closed');
  }
}
