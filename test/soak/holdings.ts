// What processes hold besides memory: sockets, pipes and timers. Under load and faults they come and go; at
// rest there are as many as there were.

import type { Net } from '../../orchestrator/api.ts';
import { openStreams } from './left-behind.ts';

/** How many more may be there: connections that are just being closed, timers of libraries. */
const MORE = 4;

/** By what is counted. */
export type Holdings = ReadonlyMap<string, number>;

export async function holdings(net: Net): Promise<Holdings> {
  const { devices } = await net.status();
  const timers = process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout');
  return new Map([
    ...devices.flatMap(({ device, pid }): [string, number][] =>
      pid === null ? [] : [[`sockets and pipes of ${device}`, openStreams(pid)]],
    ),
    ['sockets and pipes of the orchestrator', openStreams()],
    ['timers of the orchestrator', timers.length],
  ]);
}

export function holdingsGrown(before: Holdings, now: Holdings): string[] {
  return [...now].flatMap(([what, count]) => {
    const was = before.get(what) ?? 0;
    return count <= was + MORE ? [] : [`${count} ${what} instead of ${was}`];
  });
}
