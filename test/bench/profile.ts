// CPU profiles of the devices that a download crosses, and what took the most time in each.

import { mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { FULL } from './figure.ts';
import { download, home } from './nets.ts';

/** Functions that are named for each device. */
const LISTED = 12;

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
}

/** Leaves `DEVICE.cpuprofile` files in `folder`, for the tools of Chrome or an editor. */
export async function profileDownload(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  process.env.BENCH_PROFILES = resolve(folder);
  process.env.NODE_OPTIONS = `--import=${resolve('test/bench/programs/profile.js')}`;
  const net = await home();
  const { devices } = await net.status();
  const bits = await download(net, FULL.bytes, 1);
  await net.close();
  console.log(`${Math.round(bits / 1e6)} Mbit/s, under the profiler`);
  for (const { device, pid } of devices) {
    const file = join(folder, `${device}.cpuprofile`);
    renameSync(join(folder, `${pid}.cpuprofile`), file);
    console.log(`\n${device} (${file})`);
    console.log(hottest(JSON.parse(readFileSync(file, 'utf8')) as CpuProfile));
  }
}

/** Share of the samples in each function itself. */
function hottest({ nodes, samples }: CpuProfile): string {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, callFrame.functionName || '(anonymous)']));
  const counts = new Map<string, number>();
  for (const sample of samples) {
    const name = names.get(sample) ?? '(unknown)';
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, LISTED)
    .map(([name, count]) => `  ${((count / samples.length) * 100).toFixed(1).padStart(5)}%  ${name}`)
    .join('\n');
}
