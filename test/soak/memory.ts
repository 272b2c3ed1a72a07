// Memory before and after. A process that was started anew since then has no more than one that was not.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Net } from '../../orchestrator/api.ts';

const MIB = 1024 * 1024;

/**
 * RSS may grow to so many times what it was, and so much more: what the allocator keeps, and the buffers of
 * connections (1 MiB each) whose other end is gone and that their timers have not ended yet.
 */
const GROWTH = 1.5;
const MORE = 64 * MIB;

/** Bytes of live objects that the orchestrator may have more: receipts are kept, a few KiB each. */
const MORE_HEAP = 8 * MIB;
const HEAP_OF_FAULT = 16 * 1024;

export interface Memory {
  /** RSS in bytes by process: each device, and `orchestrator`. */
  readonly rss: ReadonlyMap<string, number>;
  /** Live bytes of the orchestrator. */
  readonly heap: number;
}

export async function measureMemory(net: Net): Promise<Memory> {
  const { devices } = await net.status();
  collectGarbage();
  const { rss, heapUsed } = process.memoryUsage();
  return {
    rss: new Map([
      ...devices.map(({ device, rss: ofDevice }) => [device, ofDevice] as const),
      ['orchestrator', rss],
    ]),
    heap: heapUsed,
  };
}

export function memoryGrown(before: Memory, now: Memory, faults: number): string[] {
  const mib = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`;
  const grown = [...now.rss].flatMap(([name, bytes]) => {
    const was = before.rss.get(name) ?? 0;
    const bound = was * GROWTH + MORE;
    return bytes <= bound ? [] : [`${name} has grown from ${mib(was)} to ${mib(bytes)}, over ${mib(bound)}`];
  });
  const heapBound = before.heap + MORE_HEAP + faults * HEAP_OF_FAULT;
  const heap =
    now.heap <= heapBound
      ? []
      : [`the orchestrator holds ${mib(now.heap)} instead of ${mib(before.heap)}, over ${mib(heapBound)}`];
  return [...grown, ...heap];
}

export function describeMemory(before: Memory, now: Memory): string {
  const mib = (bytes: number | undefined): string => String(Math.round((bytes ?? 0) / MIB));
  return [...now.rss]
    .map(([name, bytes]) => `${name} ${mib(before.rss.get(name))} → ${mib(bytes)}`)
    .join(', ');
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
