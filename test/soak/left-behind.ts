// Processes and files of a net: what there is of them while it runs, and what is left when it is down.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { processReaped } from '../../orchestrator/process-state.ts';

/** ms after the end in which nothing may be left (DESIGN: two seconds), and a breath for a busy machine. */
const LIMIT = 3000;

/** Children of this process that run, by pid: devices and the guardian. */
export function children(): Map<number, string> {
  const tasks = readdirSync('/proc/self/task');
  const pids = tasks.flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
  );
  return new Map(pids.map((pid) => [pid, titleOf(pid)]));
}

function titleOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0]!.trim();
  } catch {
    return 'gone';
  }
}

/** Sockets and pipes that a process holds, this one unless told. */
export function openStreams(pid: number | 'self' = 'self'): number {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return /^(socket|pipe):/.test(readlinkSync(`/proc/${pid}/fd/${fd}`));
    } catch {
      // Closed since it was listed.
      return false;
    }
  }).length;
}

export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
}

/** @param folder where nets keep their run directories @param empty what is there without any @param limit ms */
export async function leftBehind(
  pids: Iterable<number>,
  folder: string,
  empty: readonly string[],
  limit = LIMIT,
): Promise<string[]> {
  const ends = performance.now() + limit;
  const left = await Promise.all(
    [...pids].map(async (pid) =>
      (await processReaped(pid, Math.max(ends - performance.now(), 0)))
        ? []
        : [`process ${pid} (${titleOf(pid)}) is still there`],
    ),
  );
  const files = filesIn(folder).filter((file) => !empty.includes(file));
  return [...left.flat(), ...files.map((file) => `${file} is still there`)];
}
