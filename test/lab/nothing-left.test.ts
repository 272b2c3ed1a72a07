// However a net ends, none of its processes and sockets outlives it by more than two seconds, and the next
// one starts as if nothing had been.

import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { processGone, processState } from '../../orchestrator/process-state.ts';
import type { RunRecord } from '../../orchestrator/run-record.ts';
import { isAlive, Lab } from '../support/lab.ts';

const NET = 'leaves';

/** What is promised, and a breath for a busy machine. */
const LIMIT = 2000 + 1000;

/** ms in which the slowest machine has started whatever is waited for. */
const BOOT = 30_000;

let lab: Lab;

beforeAll(async () => {
  lab = await Lab.create(NET);
});
// What one test leaves must not be another's.
afterEach(async () => {
  for (const pid of await processesOfLab()) {
    process.kill(pid, 'SIGKILL');
    await processGone(pid, BOOT);
  }
});
afterAll(() => lab.close());

/** Every process whose environment or arguments say that it runs in this lab's folder. */
async function processesOfLab(): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const ours = await Promise.all(
    pids.map(async (pid) => {
      if (pid === process.pid || !(await isAlive(pid))) return false;
      const of = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
      return `${await of('environ')}${await of('cmdline')}`.includes(lab.folder);
    }),
  );
  return pids.filter((_, index) => ours[index]);
}

async function socketFiles(): Promise<string[]> {
  const entries = await readdir(lab.folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isSocket() || entry.name.startsWith('net.json'))
    .map(({ name, parentPath }) => join(parentPath, name));
}

async function expectNothingLeft(): Promise<void> {
  const left = async () => [...(await processesOfLab()), ...(await socketFiles())];
  await expect.poll(left, { timeout: LIMIT, interval: 20 }).toEqual([]);
}

/** Waits until so many processes of the lab run: `up` itself, its guardian, then the devices. */
async function processesAre(count: number): Promise<void> {
  await expect
    .poll(async () => (await processesOfLab()).length, { interval: 5, timeout: BOOT })
    .toBeGreaterThanOrEqual(count);
}

async function record(): Promise<RunRecord> {
  return JSON.parse(await readFile(join(lab.folder, 'tincan', NET, 'net.json'), 'utf8')) as RunRecord;
}

function pidsOf(net: RunRecord): number[] {
  return Object.values(net.devices).flatMap((device) => device.pid ?? []);
}

/** The first device of a net that starts, as soon as its record tells of one. */
async function firstDevice(): Promise<number> {
  let pid: number | undefined;
  await expect
    .poll(async () => (pid = pidsOf(await record())[0]), { interval: 5, timeout: BOOT })
    .toBeDefined();
  return known(pid);
}

/** Never 0, which would be the test's own group. */
function known(pid: number | undefined): number {
  if (!pid) throw new Error('there is no such process');
  return pid;
}

/** A net that is ready, which is to say that what was before it is no hindrance. */
async function upInForeground() {
  const run = lab.spawn(['up', '--net', NET], { stdin: 'ignore' });
  if (!run.stdout) throw new Error('no pipe');
  await once(run.stdout, 'data');
  const net = await record();
  return { ended: (async () => ({ ...(await run) }))(), net };
}

/** The one child of the orchestrator that is no device. */
async function guardianOf(net: RunRecord): Promise<number | undefined> {
  const text = await readFile(`/proc/${net.pid}/task/${net.pid}/children`, 'utf8');
  const children = text.trim().split(' ').map(Number);
  return children.find((pid) => !pidsOf(net).includes(pid) && processState(pid) !== 'gone');
}

/** Returns when it is frozen, which a signal alone does not tell. */
function freeze(pid: number): void {
  do process.kill(pid, 'SIGSTOP');
  while (processState(pid) !== 'frozen');
}

describe('a net that runs', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)(
    'after %s of the orchestrator, with a device frozen',
    async (signal) => {
      const { ended, net } = await upInForeground();
      process.kill(known(net.devices.isp?.pid), 'SIGSTOP');
      process.kill(net.pid, signal);
      const { exitCode } = await ended;
      await expectNothingLeft();
      if (signal !== 'SIGKILL') expect(exitCode).toBe(0);
    },
  );

  test('after SIGKILL with all devices frozen, and the guardian too', async () => {
    const { net } = await upInForeground();
    for (const pid of pidsOf(net)) process.kill(pid, 'SIGSTOP');
    const guardian = known(await guardianOf(net));
    freeze(guardian);
    await expect.poll(() => processState(guardian), { timeout: BOOT }).toBe('running');
    process.kill(net.pid, 'SIGKILL');
    await expectNothingLeft();
  });

  test('after SIGKILL of the guardian and then of the orchestrator', async () => {
    const { net } = await upInForeground();
    const first = known(await guardianOf(net));
    process.kill(first, 'SIGKILL');
    await expect
      .poll(() => guardianOf(net), { interval: 5, timeout: BOOT })
      .toSatisfy((pid) => pid > 0 && pid !== first);
    process.kill(net.pid, 'SIGKILL');
    await expectNothingLeft();
  });

  test('after SIGTERM with the guardian frozen', async () => {
    const { net, ended } = await upInForeground();
    freeze(known(await guardianOf(net)));
    process.kill(net.pid, 'SIGTERM');
    expect((await ended).exitCode).toBe(0);
    await expectNothingLeft();
  });

  test('after down with a device frozen; a second net of that name was refused before', async () => {
    const { net, ended } = await upInForeground();
    const second = await lab.run('up', '--net', NET, '-d');
    expect(second).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(`tincan down --net ${NET}`),
    });
    expect((await lab.ps()).devices.every(({ state }) => state === 'ready')).toBe(true);
    process.kill(known(net.devices.web?.pid), 'SIGSTOP');
    await lab.ok('down', '--net', NET);
    await ended;
    expect([...(await processesOfLab()), ...(await socketFiles())]).toEqual([]);
  });

  test('after down with the orchestrator frozen', async () => {
    const { net, ended } = await upInForeground();
    process.kill(net.pid, 'SIGSTOP');
    await lab.ok('down', '--net', NET);
    await ended;
    await expectNothingLeft();
  });
});

describe('a net that starts', () => {
  describe.each(['SIGINT', 'SIGKILL'] as const)('after %s', (signal) => {
    // Before anything is there, with the guardian alone, in the middle, and with all devices.
    test.each([1, 2, 4, 8])('with %d processes', async (count) => {
      const run = lab.spawn(['up', '--net', NET], { stdin: 'ignore' });
      await processesAre(count);
      if (count > 2) process.kill(await firstDevice(), 'SIGSTOP');
      run.kill(signal);
      const { exitCode, stderr } = await run;
      await expectNothingLeft();
      if (signal === 'SIGINT' && count > 1)
        expect([exitCode, stderr]).toEqual([1, expect.stringContaining('stopped by SIGINT')]);
    });
  });

  // The second process is the one in the background, which has not begun to listen then.
  test.each([2, 3, 6])('after SIGKILL of up -d with %d processes', async (count) => {
    const run = lab.spawn(['up', '-d', '--net', NET], { stdin: 'ignore' });
    await processesAre(count);
    run.kill('SIGKILL');
    await run;
    await expectNothingLeft();
  });
});
