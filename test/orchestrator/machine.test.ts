// A device over its runs: what its restart policy makes of each end, and what is told of it.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { CrashReport } from '../../orchestrator/crash-report.ts';
import type { DeviceProcess } from '../../orchestrator/device-process.ts';
import { Machine } from '../../orchestrator/machine.ts';
import { waitsFor } from '../../orchestrator/readiness.ts';
import type { DeviceSpec } from '../../shared/topology/types.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => vi.useRealTimers());

/** A process that boots at once and ends when it is told to. */
class FakeProcess {
  readonly pid = 4000;
  readonly started = performance.now();
  readonly logFile = '/nowhere';
  readonly frozen = false;
  readonly exited: Promise<string>;
  url: string | undefined;
  status: { ready: boolean; waiting: string[]; interfaces: [] } | undefined;
  ended = false;
  #exit: (reason: string) => void = () => {};

  constructor(
    private readonly bootFails: boolean,
    private readonly changed: () => void,
  ) {
    this.exited = new Promise((resolve) => {
      this.#exit = resolve;
    });
  }

  async boot(): Promise<void> {
    if (this.bootFails) throw new Error('ended while it started');
    this.url = 'ws://127.0.0.1:1';
    this.status = { ready: true, waiting: [], interfaces: [] };
    this.changed();
  }

  end(reason: string): void {
    this.ended = true;
    this.#exit(reason);
  }

  async stop(): Promise<void> {
    this.end('exit code 0');
  }

  async kill(): Promise<void> {
    this.end('SIGKILL');
  }

  async lastWords(): Promise<readonly string[]> {
    return ['its last word'];
  }
}

function machineWith(restart: DeviceSpec['restart']) {
  const runs: FakeProcess[] = [];
  const crashes: CrashReport[] = [];
  const manner = { bootFails: false, noProcess: false };
  const machine = new Machine({
    spec: { name: 'web', kind: 'web-server', restart, interfaces: [] } as unknown as DeviceSpec,
    launch: (_, changed) => {
      if (manner.noProcess) throw new Error('no process could be started');
      const process = new FakeProcess(manner.bootFails, changed);
      runs.push(process);
      return process as unknown as DeviceProcess;
    },
    booted: () => {},
    changed: () => {},
    crashed: (report) => crashes.push(report),
  });
  return { machine, runs, crashes, manner };
}

/** The state after the present run has ended. */
async function endOf(process: FakeProcess | undefined, reason: string): Promise<void> {
  process?.end(reason);
  await vi.advanceTimersByTimeAsync(0);
}

/** How many ms it takes until there is another run. */
async function pauseBefore(runs: readonly FakeProcess[]): Promise<number> {
  const before = runs.length;
  const since = performance.now();
  while (runs.length === before && performance.now() - since < 60_000) await vi.advanceTimersByTimeAsync(10);
  return Math.round(performance.now() - since);
}

const NEVER = 60_000;

test('what waits for others to start is not called off', async () => {
  const { machine, runs } = machineWith('never');
  expect(waitsFor(machine)).toBe('web waits for its turn');
  await machine.start();
  await endOf(runs[0], 'SIGKILL');
  expect(waitsFor(machine)).toBe('web is not running');
});

describe('a device that ended by itself', () => {
  test.each([
    ['never', 'SIGKILL', false],
    ['never', 'exit code 0', false],
    ['on-failure', 'exit code 0', false],
    ['on-failure', 'exit code 70', true],
    ['on-failure', 'SIGKILL', true],
    ['always', 'exit code 0', true],
    ['always', 'SIGSEGV', true],
  ] as const)('of policy %s, by %s: restarted %s', async (policy, reason, restarted) => {
    const { machine, runs, crashes } = machineWith(policy);
    await machine.start();
    expect(machine.report()).toMatchObject({ state: 'ready', pid: 4000, reason: null });
    await endOf(runs[0], reason);
    expect(machine.report()).toMatchObject({ state: 'crashed', pid: null, lastLines: ['its last word'] });
    expect(machine.report().reason).toBe(restarted ? `${reason}; starts again by itself` : reason);
    expect(crashes).toEqual([{ device: 'web', reason, lastLines: ['its last word'] }]);
    await vi.advanceTimersByTimeAsync(NEVER);
    expect(runs).toHaveLength(restarted ? 2 : 1);
    expect(machine.report().state).toBe(restarted ? 'ready' : 'crashed');
  });

  test('is started again after 100 ms, twice as long each time up to 10 s, and 100 ms once it held', async () => {
    const { machine, runs } = machineWith('on-failure');
    await machine.start();
    const pauses: number[] = [];
    for (let crash = 0; crash < 9; crash++) {
      await endOf(runs.at(-1), 'SIGKILL');
      pauses.push(await pauseBefore(runs));
    }
    expect(pauses).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
    await vi.advanceTimersByTimeAsync(10_000);
    await endOf(runs.at(-1), 'SIGKILL');
    expect(await pauseBefore(runs)).toBe(100);
  });

  test('and does not come up is tried again', async () => {
    const { machine, runs, manner } = machineWith('always');
    await machine.start();
    manner.bootFails = true;
    await endOf(runs[0], 'SIGKILL');
    await vi.advanceTimersByTimeAsync(1000);
    expect(runs.length).toBeGreaterThan(2);
    manner.bootFails = false;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(machine.report().state).toBe('ready');
  });

  test('and finds no process to be had is tried again', async () => {
    const { machine, runs, manner } = machineWith('always');
    await machine.start();
    manner.noProcess = true;
    await endOf(runs[0], 'SIGKILL');
    await vi.advanceTimersByTimeAsync(1000);
    manner.noProcess = false;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(runs).toHaveLength(2);
    expect(machine.report().state).toBe('ready');
  });

  test('is not started again once it is stopped meanwhile', async () => {
    const { machine, runs } = machineWith('always');
    await machine.start();
    await endOf(runs[0], 'SIGKILL');
    await machine.stop();
    await vi.advanceTimersByTimeAsync(NEVER);
    expect(runs).toHaveLength(1);
    expect(machine.report()).toMatchObject({ state: 'stopped', reason: 'stopped' });
  });
});

describe('a device that ended on purpose', () => {
  test.each([
    ['kill', 'crashed', 'SIGKILL'],
    ['stop', 'stopped', 'stopped'],
  ] as const)('by %s stays off, and is no crash', async (verb, state, reason) => {
    const { machine, runs, crashes } = machineWith('always');
    await machine.start();
    await machine[verb]();
    await vi.advanceTimersByTimeAsync(NEVER);
    expect(runs).toHaveLength(1);
    expect(machine.report()).toMatchObject({ state, reason, pid: null });
    expect(machine.report().lastLines).toBeUndefined();
    expect(crashes).toEqual([]);
    await machine.start();
    await endOf(runs[1], 'SIGKILL');
    expect(await pauseBefore(runs)).toBe(100);
  });
});
