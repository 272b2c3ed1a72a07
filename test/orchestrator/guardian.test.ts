import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'rolldown';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Guardian } from '../../orchestrator/guardian.ts';
import { processGone, processState } from '../../orchestrator/process-state.ts';

const PATIENCE = 2000;

let folder: string;
let started: ChildProcess[];

let guardianCode: string;
beforeAll(async () => {
  const input = new URL('../../orchestrator/guardian.ts', import.meta.url).pathname;
  const { output } = await build({ input, platform: 'node', output: { format: 'esm' }, write: false });
  guardianCode = output[0].code.replace(/^export .*$/m, '');
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'guardian-'));
  started = [];
});
afterEach(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** A process that would go on for a minute. */
function sleeper(): ChildProcess & { pid: number } {
  const child = spawn('sleep', ['60'], { stdio: 'ignore', detached: true });
  started.push(child);
  if (child.pid === undefined) throw new Error('sleep cannot be started');
  return Object.assign(child, { pid: child.pid });
}

/** Returns when it is frozen, which a signal alone does not tell. */
function freeze(pid: number): void {
  do process.kill(pid, 'SIGSTOP');
  while (processState(pid) !== 'frozen');
}

function files(): string[] {
  return readdirSync(folder).sort();
}

test('the end of the pipe kills what is watched, frozen or not, and removes the sockets', async () => {
  const [awake, frozen, forgotten] = [sleeper(), sleeper(), sleeper()];
  for (const name of ['web.sock', 'net.json', 'keep.txt', '.own']) writeFileSync(join(folder, name), '');
  const guardian = new Guardian(folder, join(folder, '.own'));
  for (const { pid } of [awake, frozen, forgotten]) guardian.watch(pid);
  process.kill(frozen.pid, 'SIGSTOP');
  guardian.forget(forgotten.pid);
  await guardian.close();
  expect(await processGone(awake.pid, PATIENCE)).toBe(true);
  expect(await processGone(frozen.pid, PATIENCE)).toBe(true);
  expect(processState(forgotten.pid)).toBe('running');
  expect(files()).toEqual(['keep.txt']);
});

test('signals that end others do not end it', async () => {
  const guardian = new Guardian(folder, join(folder, '.own'));
  const pid = guardian.pid ?? 0;
  const { pid: watched } = sleeper();
  guardian.watch(watched);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) process.kill(pid, signal);
  expect(await processGone(pid, 100)).toBe(false);
  await guardian.close();
  expect(await processGone(watched, PATIENCE)).toBe(true);
});

test('one that is killed is replaced by another that knows what is watched', async () => {
  const guardian = new Guardian(folder, join(folder, '.own'));
  const { pid: watched } = sleeper();
  guardian.watch(watched);
  const first = guardian.pid ?? 0;
  process.kill(first, 'SIGKILL');
  await expect.poll(() => guardian.pid, { timeout: PATIENCE }).not.toBe(first);
  await guardian.close();
  expect(await processGone(watched, PATIENCE)).toBe(true);
});

test('one that is frozen is woken, while it watches and at its end', async () => {
  const guardian = new Guardian(folder, join(folder, '.own'));
  const pid = guardian.pid ?? 0;
  const { pid: watched } = sleeper();
  guardian.watch(watched);
  freeze(pid);
  await expect.poll(() => processState(pid), { timeout: PATIENCE }).toBe('running');
  freeze(pid);
  await guardian.close();
  expect(await processGone(watched, PATIENCE)).toBe(true);
});

test('it cleans up where it began, even if the folder was moved and another has its place', async () => {
  const own = join(folder, 'home');
  const moved = join(folder, '.old');
  mkdirSync(own);
  writeFileSync(join(own, 'net.json'), '');
  const guardian = new Guardian(own, join(folder, '.own'));
  renameSync(own, moved);
  mkdirSync(own);
  writeFileSync(join(own, 'net.json'), '');
  await guardian.close();
  expect(existsSync(join(own, 'net.json'))).toBe(true);
  expect(existsSync(join(moved, 'net.json'))).toBe(false);
});

test('a killed orchestrator leaves nothing: kill -9 of the holder', async () => {
  const sleepers = [sleeper(), sleeper()];
  process.kill(sleepers[1]?.pid ?? 0, 'SIGSTOP');
  writeFileSync(join(folder, 'net.json'), '');
  const holder = spawn(process.execPath, ['--input-type=module', '-'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  started.push(holder);
  holder.stdin.end(
    `${guardianCode}
    const guardian = new Guardian(${JSON.stringify(folder)}, ${JSON.stringify(join(folder, '.own'))});
    for (const pid of ${JSON.stringify(sleepers.map(({ pid }) => pid))}) guardian.watch(pid);
    process.stdout.write(String(guardian.pid));
    setInterval(() => {}, 1000);`,
  );
  const [said] = (await once(holder.stdout, 'data')) as [Buffer];
  holder.kill('SIGKILL');
  for (const { pid } of sleepers) expect(await processGone(pid, PATIENCE)).toBe(true);
  expect(await processGone(Number(said.toString()), PATIENCE)).toBe(true);
  expect(files()).toEqual([]);
});
