// However the orchestrator ends, nothing of the net outlives it by more than two seconds.

import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { processGone, processState } from '../../orchestrator/process-state.ts';
import type { RunRecord } from '../../orchestrator/run-record.ts';
import { FakePackage } from '../support/fake-package.ts';

const LIMIT = 2000;

let tc: FakePackage;
beforeAll(async () => {
  tc = await FakePackage.make();
});
afterAll(() => tc.remove());

function record(): RunRecord {
  return JSON.parse(readFileSync(join(tc.runtime, 'tincan/net/net.json'), 'utf8')) as RunRecord;
}

function pidsOf(net: RunRecord): number[] {
  return Object.values(net.devices).flatMap((device) => device.pid ?? []);
}

/** Every process whose command line or title names the folder or a net of these tests. */
function processesOf(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
      } catch {
        return false;
      }
    })
    .map(Number);
}

function sockets(): string[] {
  return readdirSync(join(tc.runtime, 'tincan'), { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.sock') || name.endsWith('net.json'),
  );
}

async function expectNothingLeft(pids: readonly number[]): Promise<void> {
  const gone = await Promise.all(pids.map((pid) => processGone(pid, LIMIT)));
  expect(gone).toEqual(pids.map(() => true));
  await expect.poll(() => [processesOf(tc.folder), sockets()], { timeout: LIMIT }).toEqual([[], []]);
}

async function upInForeground() {
  const run = tc.tincan(['up', tc.topology('net', {}, { transport: 'unix' })]);
  await once(run.stdout, 'data');
  const net = record();
  return { run, net, pids: [net.pid, ...pidsOf(net)] };
}

describe.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)('after %s', (signal) => {
  test('with all devices well', async () => {
    const { run, pids } = await upInForeground();
    run.kill(signal);
    const { exitCode } = await run;
    if (signal !== 'SIGKILL') expect(exitCode).toBe(0);
    await expectNothingLeft(pids);
  });

  test('with a device frozen', async () => {
    const { run, net, pids } = await upInForeground();
    process.kill(net.devices.two?.pid ?? 0, 'SIGSTOP');
    run.kill(signal);
    await run;
    await expectNothingLeft(pids);
  });
});

test('after SIGKILL with all devices frozen, the next up works', async () => {
  const { run, net, pids } = await upInForeground();
  for (const pid of pidsOf(net)) process.kill(pid, 'SIGSTOP');
  run.kill('SIGKILL');
  await run;
  const { exitCode } = await tc.tincan(['up', '-d', tc.topology('net')]);
  expect(exitCode).toBe(0);
  for (const pid of pids) expect(processState(pid)).toBe('gone');
  const next = record();
  await tc.tincan(['down']);
  await expectNothingLeft([next.pid, ...pidsOf(next)]);
});

test('after SIGKILL of the guardian and then of the orchestrator', async () => {
  const { run, net, pids } = await upInForeground();
  const children = () =>
    readFileSync(`/proc/${net.pid}/task/${net.pid}/children`, 'utf8').trim().split(' ').map(Number);
  const guardian = children().find((pid) => !pids.includes(pid)) ?? 0;
  process.kill(guardian, 'SIGKILL');
  await expect
    .poll(() => children().filter((pid) => pid !== guardian && !pids.includes(pid)))
    .toHaveLength(1);
  run.kill('SIGKILL');
  await run;
  await expectNothingLeft(pids);
});

test('down ends an orchestrator that is frozen itself', async () => {
  const { run, net, pids } = await upInForeground();
  process.kill(net.pid, 'SIGSTOP');
  const down = await tc.tincan(['down']);
  expect(down.exitCode).toBe(0);
  await run;
  await expectNothingLeft(pids);
});

describe.each(['SIGINT', 'SIGKILL'] as const)('after %s while it starts', (signal) => {
  // Spread over the whole start: before anything is there, in the middle, and when all is nearly up.
  test.each([50, 120, 180, 240, 320, 450])('%d ms in', async (ms) => {
    const run = tc.tincan(['up', tc.topology('net', { three: 'never-ready' }, { transport: 'unix' })]);
    const timer = setTimeout(() => run.kill(signal), ms);
    await run;
    clearTimeout(timer);
    await expectNothingLeft([]);
  });

  test('with the rest already there', async () => {
    const run = tc.tincan(['up', tc.topology('net', { three: 'never-ready' }, { transport: 'unix' })]);
    await expect
      .poll(
        () => {
          try {
            return pidsOf(record()).length;
          } catch {
            return 0;
          }
        },
        { timeout: 10_000 },
      )
      .toBe(3);
    const pids = pidsOf(record());
    process.kill(pids[0] ?? 0, 'SIGSTOP');
    run.kill(signal);
    const { exitCode, stderr } = await run;
    if (signal === 'SIGINT')
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining('stopped by SIGINT')]);
    await expectNothingLeft(pids);
  });
});

test('up -d that is interrupted leaves nothing in the background', async () => {
  const run = tc.tincan(['up', '-d', tc.topology('net', { three: 'never-ready' })]);
  await once(run.stderr, 'data');
  run.kill('SIGKILL');
  await run;
  await expectNothingLeft([]);
});
