// tincan up: in the foreground this process is the orchestrator; with -d it starts one in the background
// and waits until that is ready.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DeviceConfig } from '../../shared/topology/device-config.ts';
import { NAME, NAME_RULE } from '../../shared/topology/schema.ts';
import type { Topology } from '../../shared/topology/types.ts';
import { loadTopology } from '../../shared/topology/validate.ts';
import { startInBackground, tellForeground } from '../background.ts';
import { Failure, messageOf, WrongUsage } from '../failure.ts';
import type { Net } from '../net.ts';
import { openNet } from '../net.ts';
import type { NetStatus } from '../net-status.ts';
import { deviceProgram, packageRoot } from '../package-root.ts';
import { progressOn } from '../progress.ts';
import type { CommonOptions } from '../tincan.ts';

export interface UpOptions extends CommonOptions {
  readonly detach?: boolean;
  readonly tour?: boolean;
  /** ms. */
  readonly timeout: number;
  readonly logLevel: DeviceConfig['logLevel'];
  /** Set in the process that `up -d` starts. */
  readonly background?: boolean;
}

export async function up(file: string | undefined, options: UpOptions): Promise<void> {
  if (options.net !== undefined && !NAME.test(options.net))
    throw new WrongUsage(`--net ${options.net} should be ${NAME_RULE}`);
  const path = file ?? defaultFile();
  if (options.background) return inBackground(path, options);
  // Read here too, so that its faults are told before anything starts.
  const topology = await topologyOf(path, options);
  if (!options.detach) return inForeground(topology, options);
  const progress = progressOn(process.stderr, topology.name);
  try {
    sayReady(await startInBackground(path, options, (missing) => progress.show(missing)), options);
  } finally {
    progress.done();
  }
}

/** The net of this folder, or the one that comes with the program. */
function defaultFile(): string {
  return existsSync('topology.json') ? 'topology.json' : join(packageRoot, 'topology.json');
}

async function topologyOf(path: string, options: UpOptions): Promise<Topology> {
  const topology = await loadTopology(path);
  return { ...topology, name: options.net ?? topology.name };
}

async function inForeground(topology: Topology, options: UpOptions): Promise<void> {
  const progress = progressOn(process.stderr, topology.name);
  const stop = stopOnSignals();
  const net = await bootNet(topology, options, stop, (missing) => progress.show(missing)).finally(progress.done);
  const { record } = net;
  sayReady(await net.status(), options);
  if (options.tour) {
    const { tellTour } = await import('../tour.ts');
    // The net stays up whatever becomes of the visit.
    tellTour(record).catch((error: unknown) => process.stderr.write(`tincan: ${messageOf(error)}\n`));
  }
  await net.ended;
  // Timers of a tour that was under way must not keep what is over.
  process.exit();
}

async function inBackground(path: string, options: UpOptions): Promise<void> {
  const stop = stopOnSignals();
  const foreground = tellForeground(() => stop.abort(new Failure('the command that started it is gone')));
  try {
    const topology = await topologyOf(path, options);
    const net = await bootNet(topology, options, stop, foreground.progress);
    foreground.ready(await net.status());
    await net.ended;
    process.exit();
  } catch (error) {
    foreground.failed(messageOf(error));
    process.exitCode = 1;
  }
}

/** Starts a net to readiness; whatever comes in between, nothing of it is left. */
async function bootNet(
  topology: Topology,
  options: UpOptions,
  stop: AbortController,
  progress: (missing: readonly string[]) => void,
): Promise<Net> {
  process.title = `tincan ${topology.name}`;
  const net = await openNet({ topology, logLevel: options.logLevel, program: deviceProgram });
  const end = () => {
    net.end().catch(() => {});
  };
  // The first signal ends it; each further one leaves less time for order.
  stop.signal.addEventListener('abort', end, { once: true });
  for (const name of STOP_SIGNALS)
    process.on(name, () => {
      if (stopping(stop)) end();
    });
  if (stop.signal.aborted) end();
  net.onChange(() => progress(net.missing()));
  try {
    await Promise.race([net.boot(options.timeout), net.ended.then(() => interrupted(stop))]);
    return net;
  } catch (error) {
    await net.end();
    throw stop.signal.aborted ? stop.signal.reason : error;
  }
}
