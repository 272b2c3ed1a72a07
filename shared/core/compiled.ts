// Runs a built program with the code that V8 has compiled of it before: a device starts in half the time beyond
// that of Node itself. The code lies beside the program and belongs to one version of Node; where it does not
// fit, or there is none, V8 compiles as ever.

import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createRequire, wrap } from 'node:module';
import { dirname } from 'node:path';
import { Script } from 'node:vm';

/**
 * Whether a program that ends leaves its code for those to come: the build has them do so. V8 takes no code back
 * that was made under other flags.
 */
export const leavesCode = process.env.TINCAN_CODE_CACHE === 'write';

/** @param file absolute, a CommonJS bundle */
export function runCompiled(file: string): void {
  const script = new Script(wrap(readFileSync(file, 'utf8')), {
    filename: file,
    cachedData: leavesCode ? undefined : readCode(file),
  });
  if (leavesCode) process.once('exit', () => writeCode(file, script));
  const module = { exports: {} };
  const main = script.runInThisContext() as (...globals: unknown[]) => void;
  main.call(module.exports, module.exports, createRequire(file), module, file, dirname(file));
}

function cacheOf(file: string): string {
  return `${file}.cache`;
}

/**
 * What is older than its program is of another: V8 itself compares no more of the two than the length of the source,
 * and would run functions from where they stood in the old one.
 */
function readCode(program: string): Buffer | undefined {
  const file = cacheOf(program);
  try {
    return statSync(file).mtimeMs < statSync(program).mtimeMs ? undefined : readFileSync(file);
  } catch {
    return undefined;
  }
}

/** In one step, as several may end at once. */
function writeCode(file: string, script: Script): void {
  const unfinished = `${cacheOf(file)}.${process.pid}`;
  writeFileSync(unfinished, script.createCachedData());
  renameSync(unfinished, cacheOf(file));
}
