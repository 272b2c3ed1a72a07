// Hostile frames and the net that has to bear them:
//
//   npm run hostile -- [--frames N] [--seed N]        so many frames, in rounds; the last line is the verdict
//   npm run hostile -- --seed N --round N [--frames N]  one round again, as a failure told it
//   npm run hostile -- --frame HEX --at DEVICE:INTERFACE  one frame, and what it did
//
// The storm runs in a thread of its own, so that a device that never comes back is seen too.

import { parseArgs } from 'node:util';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { goldenFrames } from './corpus.ts';
import { memoryInUse } from './memory.ts';
import { Progress } from './progress.ts';
import { tryFrame } from './single-frame.ts';
import { StormFailure, storm } from './storm.ts';

const ROUND = 20_000;
const USAGE = `usage: npm run hostile -- [--frames N] [--seed N] [--round N]
       npm run hostile -- --frame HEX [--at DEVICE:INTERFACE]`;
/** ms without a sign of life after which the storm counts as hanging. */
const PATIENCE = 120_000;
/** Bytes by which memory may differ from round to round: what the engine itself does. */
const MOST_GROWTH = 24 * 1024 * 1024;

interface Task {
  readonly seed: number;
  readonly rounds: readonly { readonly round: number; readonly frames: number }[];
  readonly shared: SharedArrayBuffer;
  readonly fail: boolean;
}

if (isMainThread) await main();
else await runStorm(workerData as Task);

function readArguments() {
  try {
    return parseArgs({
      options: {
        frames: { type: 'string' },
        seed: { type: 'string', default: '1' },
        round: { type: 'string' },
        frame: { type: 'string' },
        at: { type: 'string', default: 'router:lan3' },
        // As if a device had failed: to see what a failure looks like.
        fail: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    return wrongUsage((error as Error).message);
  }
}

function wrongUsage(why: string): never {
  console.error(`hostile: ${why}\n${USAGE}`);
  process.exit(2);
}

async function main(): Promise<void> {
  const values = readArguments();
  if (values.help) return console.log(USAGE);
  if (values.frame !== undefined) return tryFrame(values.frame, values.at);
  const seed = Number(values.seed);
  const frames = Number(values.frames ?? (values.round === undefined ? 10_000 : ROUND));
  if (!Number.isInteger(seed) || !Number.isInteger(frames) || frames < 1) {
    return wrongUsage('--frames takes a whole number from 1, --seed a whole number');
  }
  const rounds =
    values.round === undefined
      ? Array.from({ length: Math.ceil(frames / ROUND) }, (_, round) => ({
          round,
          frames: Math.min(ROUND, frames - round * ROUND),
        }))
      : [{ round: Number(values.round), frames }];
  const progress = new Progress();
  const { fail } = values;
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { seed, rounds, shared: progress.shared, fail } satisfies Task,
  });
  const failure = await new Promise<string | undefined>((resolve) => {
    worker.on('message', (line: string) => console.log(line));
    worker.on('error', (error) => resolve(told(error)));
    worker.on('exit', (code) => resolve(code === 0 ? undefined : 'the storm ended by itself'));
    progress.watch(PATIENCE, () => {
      resolve('no frame was dealt with for two minutes: a device hangs');
      void worker.terminate();
    });
  });
  if (failure === undefined) {
    console.log(`hostile: passed, ${frames} frames of seed ${seed}`);
    process.exit(0);
  }
  const { round, number, frame, entrance } = progress;
  console.log(failure);
  console.log(`frame ${number} of round ${round}, at ${entrance}: ${frame}`);
  console.log(
    `again: npm run hostile -- --seed ${seed} --round ${round} --frames ${Math.min(number + 1, ROUND)}`,
  );
  console.log(`hostile: failed, frame ${round * ROUND + number} of seed ${seed}`);
  process.exit(1);
}

function told(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

async function runStorm({ seed, rounds, shared, fail }: Task): Promise<void> {
  const { parentPort } = await import('node:worker_threads');
  const progress = new Progress(shared);
  // A device's process would end: so does the storm.
  process.on('unhandledRejection', (error) => {
    throw error;
  });
  const golden = goldenFrames();
  let first: number | undefined;
  for (const { round, frames } of rounds) {
    const began = Date.now();
    const report = await storm({
      seed,
      round,
      frames,
      golden,
      before: (number, frame, entrance) => progress.note(round, number, frame, entrance),
      alive: () => progress.beat(),
      prepare: (net) => {
        if (fail) net.device('web').stack.close();
      },
    });
    const memory = await memoryInUse();
    const { sent, work, done, failed, dropped } = report;
    parentPort?.postMessage(
      `round ${round}: ${report.frames} frames in ${((Date.now() - began) / 1000).toFixed(1)} s, ` +
        `at most ${sent} frames and ${work} calls for one; ${done} deeds of users, ${failed} failed; ` +
        `${dropped.size} reasons to drop; ${(memory / 2 ** 20).toFixed(1)} MiB in use`,
    );
    // What the first round loads and compiles stays.
    first ??= memory;
    if (memory > first + MOST_GROWTH)
      throw new StormFailure(`memory grew from ${first} to ${memory} bytes`, frames, new Uint8Array(0), '');
  }
}
