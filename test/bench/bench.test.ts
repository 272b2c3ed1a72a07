import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { execa, type ResultPromise } from 'execa';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { up } from '../../orchestrator/api.ts';
import { boundOf, holds } from './figure.ts';
import { startToUse } from './start-up.ts';

/** A user's run directories and temporary files. */
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tb-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function bench(env: Record<string, string>, ...args: string[]): ResultPromise<{ reject: false }> {
  return execa(process.execPath, ['test/support/run.js', 'test/bench/bench.ts', ...args], {
    env: { XDG_RUNTIME_DIR: folder, TMPDIR: folder, ...env },
    reject: false,
  });
}

test.for([
  [['-w', '/no/such/folder/file'], "'-w, --write <file>' argument '/no/such/folder/file' is invalid"],
  [['--figure', 'speed'], 'There are goodput, goodput-8,'],
  [['--profile', '--short'], "'--profile [folder]' cannot be used with option '--short'"],
] as const)('wrong usage is one line, before anything is measured: %s', async ([args, told]) => {
  const { exitCode, stdout, stderr } = await bench({}, ...args);
  expect(stderr).toContain(told);
  expect(stderr.split('\n')).toHaveLength(1);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
});

test('the help names the figures', async () => {
  const { stdout } = await bench({}, '--help');
  expect(stdout).toMatch(/^ {2}round-trip +round trip, ping laptop to web, against bare relay chain$/m);
});

test('Ctrl-C ends it in quiet, and leaves nothing behind; its nets are not the user’s', async () => {
  const running = bench({}, '--short', '--figure', 'memory');
  for await (const line of createInterface({ input: running.stderr }))
    if (line.startsWith('resident memory')) break;
  expect(readdirSync(folder).join()).toMatch(/^tincan-bench-\w+$/);
  expect(running.kill('SIGINT')).toBe(true);
  const { exitCode, stdout, stderr } = await running;
  expect(stderr.split('\n').slice(1)).toEqual(['interrupted by SIGINT']);
  expect(stdout).toMatch(/^NAME +FIGURE .* FLOOR$/);
  expect(exitCode).toBe(130);
  expect(readdirSync(folder)).toEqual([]);
});

test('a figure that fails is told in one line, and what was measured is printed and written', async () => {
  // Too long for the sockets of a net.
  const long = join(folder, 'x'.repeat(100));
  mkdirSync(long);
  const file = join(folder, 'figures.json');
  const run = bench({ TMPDIR: long }, '--short', '--figure', 'memory', 'flows', '-w', file);
  const { exitCode, stdout, stderr } = await run;
  expect(stdout).toMatch(/^NAME +FIGURE .* FLOOR$/);
  expect(stderr.split('\n').slice(1)).toEqual([expect.stringMatching(/^memory failed: the socket path /)]);
  expect(exitCode).toBe(1);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
    short: true,
    figures: [],
    ended: expect.stringMatching(/^memory failed: /),
  });
});

test('what a net that does not start says is told', async () => {
  vi.stubEnv('XDG_RUNTIME_DIR', folder);
  const net = await up('topology.json', { name: 'home' });
  try {
    await expect(startToUse(async () => {})).rejects.toThrow('a net home is running already');
  } finally {
    await net.close();
  }
});

test('a short run is held to floors, a long one to goals', () => {
  const least = { at: 'least', ratio: 0.6 } as const;
  const most = { at: 'most', ratio: 1.3 } as const;
  expect(boundOf({ ...least, gross: 0.2 }, { short: false })).toEqual(least);
  expect(boundOf({ ...least, gross: 0.2 }, { short: true })).toEqual({ at: 'least', ratio: 0.2 });
  expect(boundOf(least, { short: true })).toEqual({ at: 'least', ratio: 0.3 });
  expect(boundOf(most, { short: true })).toEqual({ at: 'most', ratio: 2.6 });
  expect(holds({ bound: least, ratio: 0.6 })).toBe(true);
  expect(holds({ bound: least, ratio: 0.5 })).toBe(false);
  expect(holds({ bound: most, ratio: 1.4 })).toBe(false);
  expect(holds({ ratio: 0 })).toBe(true);
});
