// Whether a process runs, is stopped by a signal, or is gone: asked of the system, since nobody tells.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { codeOf } from './failure.ts';

export type ProcessState = 'running' | 'frozen' | 'gone';

export function processState(pid: number): ProcessState {
  const letter = process.platform === 'linux' ? letterFromProc(pid) : letterFromPs(pid);
  if (letter === 'T') return 'frozen';
  // A zombie has ended, and only waits for its parent to notice.
  return letter === undefined || letter === 'Z' || letter === 'X' ? 'gone' : 'running';
}

/** The state's letter stands behind the name, which is in parentheses and may hold some (proc(5)). */
function letterFromProc(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat[stat.lastIndexOf(')') + 2];
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH') return undefined;
    throw error;
  }
}

function letterFromPs(pid: number): string | undefined {
  try {
    const stdio = ['ignore', 'pipe', 'ignore'] as const;
    return execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], {
      encoding: 'latin1',
      stdio: [...stdio],
    }).trim()[0];
  } catch {
    return undefined;
  }
}

/** Resolves to whether the process was gone within `timeout` ms. */
export function processGone(pid: number, timeout: number): Promise<boolean> {
  return within(timeout, () => processState(pid) === 'gone');
}

/** As `processGone`, and its parent has noticed, so that no list of processes shows it any more. */
export function processReaped(pid: number, timeout: number): Promise<boolean> {
  return within(timeout, () => !exists(pid));
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}

async function within(timeout: number, holds: () => boolean): Promise<boolean> {
  const end = performance.now() + timeout;
  while (!holds()) {
    if (performance.now() >= end) return false;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return true;
}
