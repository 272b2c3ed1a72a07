// However a net ends, none of its processes and sockets outlives it, and the next one starts as if nothing
// had been.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isAlive, Lab, type PsReport } from '../support/lab.ts';

const NET = 'leaves';
let lab: Lab;

beforeEach(async () => {
  lab = await Lab.create(NET);
});
afterEach(() => lab.close());

/** Pids of the net: every process whose environment or arguments say that it runs in this lab's folder. */
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
  return entries.filter((entry) => entry.isSocket()).map(({ name, parentPath }) => join(parentPath, name));
}

/** Waits until nothing is left, at most the two seconds that are promised and a breath for a busy machine. */
async function nothingIsLeft(): Promise<void> {
  const patience = Date.now() + 2000 + 3000;
  let left: unknown[] = [];
  do left = [...(await processesOfLab()), ...(await socketFiles())];
  while (left.length > 0 && Date.now() < patience);
  expect(left).toEqual([]);
}

async function orchestratorPid(report: PsReport): Promise<number> {
  const record = JSON.parse(await readFile(join(report.rundir, 'net.json'), 'utf8')) as { pid: number };
  return record.pid;
}

describe.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('%s of the orchestrator', (signal) => {
  test('leaves nothing, a frozen device included', async () => {
    await lab.up();
    process.kill(await lab.pid('isp'), 'SIGSTOP');
    process.kill(await orchestratorPid(await lab.ps()), signal);
    await nothingIsLeft();
    await lab.up();
    expect((await lab.exec('laptop', 'ping', '-c', '1', '8.8.8.8')).exitCode).toBe(0);
  });

  test.each([1, 2, 4, 6])('leaves nothing when %d devices have been started', async (count) => {
    const up = lab.spawn(['up', '--net', NET], { stdin: 'ignore' });
    // The orchestrator itself and its guardian come first.
    while ((await processesOfLab()).length < count + 2 && up.exitCode === null);
    process.kill(up.pid!, signal);
    await up;
    await nothingIsLeft();
  });
});

test('down takes a net with a frozen device', async () => {
  await lab.up();
  process.kill(await lab.pid('web'), 'SIGSTOP');
  expect((await lab.ps()).devices.find(({ device }) => device === 'web')?.state).toBe('frozen');
  await lab.ok('down', '--net', NET);
  await nothingIsLeft();
});

test('a name that runs is refused, and what runs goes on', async () => {
  await lab.up();
  const { exitCode, stderr } = await lab.run('up', '--net', NET, '-d');
  expect(exitCode).toBe(1);
  expect(stderr).toContain(NET);
  expect((await lab.ps()).devices.every(({ state }) => state === 'ready')).toBe(true);
});
