// A soak from the start of a net to the end of it: load, faults, healing, and a look at everything that
// could have stayed behind.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Net, up } from '../../orchestrator/api.ts';
import { type CarriedOut, carryOut } from './carry-out.ts';
import { type FaultsInForce, faultsInForce, faultsLeft } from './faults-left.ts';
import { FrameWatch } from './frames.ts';
import { type Holdings, holdings, holdingsGrown } from './holdings.ts';
import { children, filesIn, leftBehind, openStreams } from './left-behind.ts';
import { Load } from './load.ts';
import { logProblems } from './logs.ts';
import { type Memory, measureMemory, memoryGrown } from './memory.ts';
import { plan } from './plan.ts';
import { ReceiptWatch, receiptProblems } from './receipts.ts';
import { recovered, worksAgain } from './recovery.ts';
import { SoakNet } from './soak-net.ts';
import { summary } from './summary.ts';
import { type Context, overstayed, readTables, type Tables, unexplained } from './tables.ts';

/** ms of load before anything is measured, and after the last fault was healed. */
const WARM_UP = 4000;
const COOL_DOWN = 1500;

/** ms in which programs that have ended let go of their sockets. */
const LETTING_GO = 10_000;

export interface SoakOptions {
  /** How many. */
  readonly faults: number;
  /** Of the faults, the net and the load. */
  readonly seed: number;
  /** ms to wait at the end and see that timers run out. */
  readonly settle: number;
  /** Is told how it goes, a line at a time. */
  readonly say: (line: string) => void;
}

/** @returns what was wrong; nothing if the net came through */
export async function soak(options: SoakOptions): Promise<string[]> {
  const runtime = process.env.XDG_RUNTIME_DIR;
  const folder = mkdtempSync(join(tmpdir(), 'soak-'));
  process.env.XDG_RUNTIME_DIR = folder;
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  try {
    return await soakIn(folder, options);
  } finally {
    if (runtime === undefined) delete process.env.XDG_RUNTIME_DIR;
    else process.env.XDG_RUNTIME_DIR = runtime;
    process.off('exit', remove);
    remove();
  }
}

async function soakIn(folder: string, options: SoakOptions): Promise<string[]> {
  const { seed, say } = options;
  const soakNet = new SoakNet(seed);
  const streams = openStreams();
  const pids = new Set<number>();
  const net = await up(soakNet.topology, { seed });
  net.on('device', ({ pid }) => pid !== null && pids.add(pid));
  const problems: string[] = [];
  try {
    for (const pid of children().keys()) pids.add(pid);
    const before = await lookBefore(net, seed);
    problems.push(...before.problems);
    const during = await faultsUnderLoad(net, soakNet, options);
    problems.push(...during.problems, ...(await lookAfter(net, before, during, options)));
    // A guardian that had to be replaced has another pid.
    for (const pid of children().keys()) pids.add(pid);
  } finally {
    await net.close();
  }
  const empty = [join(folder, 'tincan')];
  const left = await leftBehind(pids, folder, empty);
  const leaked = openStreams() - streams;
  say(`down: ${pids.size} processes are gone, ${filesIn(folder).length - empty.length} files are left`);
  return [...problems, ...left, ...(leaked > 0 ? [`${leaked} sockets or pipes are still open here`] : [])];
}

interface Before {
  readonly problems: readonly string[];
  readonly tables: Tables;
  readonly faults: FaultsInForce;
  readonly memory: Memory;
  readonly holdings: Holdings;
  /** How many. */
  readonly processes: number;
}

/** Tables of a net that has done nothing yet; memory of one that has worked. */
async function lookBefore(net: Net, seed: number): Promise<Before> {
  const tables = await readTables(net);
  const faults = await faultsInForce(net);
  const load = new Load(net, seed);
  await sleep(WARM_UP);
  await load.stop();
  const [memory, held] = [await measureMemory(net), await holdings(net)];
  return { problems: load.problems, tables, faults, memory, holdings: held, processes: children().size };
}

interface During {
  readonly problems: readonly string[];
  readonly load: Load;
  readonly carriedOut: CarriedOut;
  /** Frames that were looked at. */
  readonly frames: number;
}

/** Ends with all healed, and all programs too. */
async function faultsUnderLoad(net: Net, soakNet: SoakNet, options: SoakOptions): Promise<During> {
  const { faults, seed, say } = options;
  const frames = await FrameWatch.start(net);
  const receipts = new ReceiptWatch(net);
  const load = new Load(net, seed);
  const carriedOut = await carryOut(net, soakNet, plan(soakNet, seed, faults), say);
  const problems = [...carriedOut.problems];
  await net.heal().catch((error: Error) => problems.push(`not all was healed: ${error.message}`));
  await sleep(COOL_DOWN);
  await load.stop();
  problems.push(...load.problems, ...(await receipts.stop()), ...(await frames.stop()));
  return { problems, load, carriedOut, frames: frames.frames };
}

async function lookAfter(net: Net, before: Before, during: During, options: SoakOptions): Promise<string[]> {
  const { faults, seed, settle, say } = options;
  const problems = await recovered(net);
  const context: Context = { baseline: before.tables, healed: performance.now() };
  problems.push(...(await worksAgain(net, seed)));
  const first = await quietTables(net, context);
  if (settle > 0) say(`healed; waits ${settle / 1000} s to see timers run out`);
  await sleep(settle);
  const tables = await readTables(net);
  problems.push(...unexplained(tables, context), ...overstayed(first, tables));
  problems.push(...faultsLeft(before.faults, await faultsInForce(net)));
  const memory = await measureMemory(net);
  problems.push(...memoryGrown(before.memory, memory, faults));
  problems.push(...(await quietHoldings(net, before.holdings)));
  const running = children();
  if (running.size !== before.processes)
    problems.push(
      `${running.size} processes instead of ${before.processes}: ${[...running.values()].join(', ')}`,
    );
  const [receipts, logs] = [await net.faults(), await net.logs()];
  problems.push(...receiptProblems(receipts), ...logProblems(logs));
  for (const line of summary({ ...during, receipts, logs, memory: [before.memory, memory] })) say(line);
  return problems;
}

/** Connections that have ended may still be closing. */
async function quietHoldings(net: Net, before: Holdings): Promise<string[]> {
  const end = performance.now() + LETTING_GO;
  for (;;) {
    const grown = holdingsGrown(before, await holdings(net));
    if (grown.length === 0 || performance.now() > end) return grown;
    await sleep(250);
  }
}

/** Programs that have ended may still be letting go. */
async function quietTables(net: Net, context: Context): Promise<Tables> {
  const end = performance.now() + LETTING_GO;
  for (;;) {
    const tables = await readTables(net);
    if (unexplained(tables, context).length === 0 || performance.now() > end) return tables;
    await sleep(250);
  }
}
