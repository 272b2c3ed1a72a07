// How long it takes from the command to the first page, and how much memory a device at rest holds.

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { execa } from 'execa';
import { type Figure, median } from './figure.ts';
import { home, PAGE } from './nets.ts';

const TINCAN = 'dist/tincan.cjs';
/** What goes wrong with it is in the error. */
const SILENT = { stdin: 'ignore', stdout: 'ignore' } as const;

/**
 * ms from `tincan up` of the default net to the end of `use`, which begins when the net is ready.
 * @throws Error with what `up` said if it ends before
 */
export async function startToUse(use: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  const net = execa(process.execPath, [TINCAN, 'up', 'topology.json'], {
    stdin: 'ignore',
    buffer: { stdout: false, stderr: true },
    reject: false,
  });
  const ended = net.then(({ stderr, exitCode, signal }) => {
    const said = stderr.trim().split('\n').at(-1) || (signal ?? `exit code ${exitCode}`);
    throw new Error(`tincan up ended before its net was ready: ${said}`);
  });
  ended.catch(() => {});
  try {
    await Promise.race([once(net.stdout, 'data'), ended]);
    await use();
    return performance.now() - begun;
  } finally {
    net.kill('SIGINT');
    await net;
  }
}

/** ms until a curl on the laptop has ended, a command of its own. */
function untilFirstPage(): Promise<number> {
  return startToUse(() => execa(process.execPath, [TINCAN, 'exec', 'laptop', 'curl', '-sf', PAGE], SILENT));
}

/** ms that seven Node processes take which do nothing: an orchestrator, and then six devices side by side. */
async function sevenBareProcesses(): Promise<number> {
  const bare = () => execa(process.execPath, ['-e', '0'], SILENT);
  const begun = performance.now();
  await bare();
  await Promise.all(Array.from({ length: 6 }, bare));
  return performance.now() - begun;
}

export const startUp: Figure = {
  name: 'start-up',
  title: 'up to the first page, six devices',
  against: 'seven bare Node processes',
  unit: 'ms',
  goal: { at: 'most', ratio: 2.5 },
  open: async () => ({ ours: untilFirstPage, against: sevenBareProcesses, close: async () => {} }),
};

/** ms after which a process that has nothing to do has come to rest. */
const REST = 2000;

/** Bytes of resident memory. */
async function residentMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

export const memory: Figure = {
  name: 'memory',
  title: 'resident memory of a device at rest',
  against: 'a bare Node process',
  unit: 'bytes',
  goal: { at: 'most', ratio: 1.35 },
  async open() {
    const net = await home();
    const idle = ['-e', 'process.stdin.resume()'];
    const bare = execa(process.execPath, idle, { stdin: 'pipe', reject: false });
    await new Promise((resolve) => setTimeout(resolve, REST));
    return {
      ours: async () => {
        const { devices } = await net.status();
        return median(await Promise.all(devices.map(({ pid }) => residentMemory(pid!))));
      },
      against: () => residentMemory(bare.pid!),
      close: async () => {
        bare.stdin.end();
        await bare;
        await net.close();
      },
    };
  },
};
