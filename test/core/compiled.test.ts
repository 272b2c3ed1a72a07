// A program that is run with the code that V8 has compiled of it before.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

/** As long as each other, but their functions do not stand at the same places. */
const ONE = 'const answer = () => "one"; function later() { console.log(answer()); } setImmediate(later);';
const TWO = 'function later() { console.log(answer()); } setImmediate(later); const answer = () => "two";';

function place(): string {
  const folder = mkdtempSync(join(tmpdir(), 'compiled-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'program.cjs');
}

function run(program: string, env: NodeJS.ProcessEnv = {}): string {
  const all = { ...process.env, ...env };
  return execFileSync(process.execPath, ['dist/launch.cjs', program], { env: all, encoding: 'utf8' }).trim();
}

test('a program that was changed since is compiled anew, although it is as long', () => {
  expect(TWO).toHaveLength(ONE.length);
  const program = place();
  writeFileSync(program, ONE);
  expect(run(program, { TINCAN_CODE_CACHE: 'write' })).toBe('one');
  expect(existsSync(`${program}.cache`)).toBe(true);
  expect(run(program)).toBe('one');
  const later = new Date(Date.now() + 10_000);
  writeFileSync(program, TWO);
  utimesSync(program, later, later);
  expect(run(program)).toBe('two');
  expect(run(program, { TINCAN_CODE_CACHE: 'write' })).toBe('two');
});
