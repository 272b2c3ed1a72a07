// tincan up: in the foreground this process is the orchestrator; with -d it starts one in the background
// and waits until that is ready.

import { NAME, NAME_RULE } from '../../shared/topology/schema.ts';
import type { Topology } from '../../shared/topology/types.ts';
import { loadTopology } from '../../shared/topology/validate.ts';
import { startInBackground, tellForeground } from '../background.ts';
import { formatCrash } from '../crash-report.ts';
import { Failure, messageOf, WrongUsage } from '../failure.ts';
import type { Net } from '../net.ts';
import { openNet } from '../net.ts';
import type { NetStatus } from '../net-status.ts';
import type { UpOptions } from '../options.ts';
import { defaultTopology, deviceProgram } from '../package-root.ts';
import { progressOn } from '../progress.ts';
import type { RunRecord } from '../run-record.ts';
import { StopRequests } from '../stop-requests.ts';

export async function up(file: string | undefined, options: UpOptions): Promise<void> {
  if (options.net !== undefined && !NAME.test(options.net))
    throw new WrongUsage(`--net ${JSON.stringify(options.net)} should be ${NAME_RULE}`);
  const path = file ?? defaultTopology();
  if (options.background) return inBackground(path, options);
  // Read here too, so that its faults are told before anything starts.
  const topology = await topologyOf(path, options);
  if (!options.detach) return inForeground(topology, options);
  const progress = progressOn(process.stderr, topology.name);
  try {
    sayReady(await startInBackground(path, options, progress.show), topology, options);
  } finally {
    progress.done();
  }
}

async function topologyOf(path: string, options: UpOptions): Promise<Topology> {
  const topology = await loadTopology(path);
  return { ...topology, name: options.net ?? topology.name };
}

async function inForeground(topology: Topology, options: UpOptions): Promise<void> {
  const progress = progressOn(process.stderr, topology.name);
  const stop = stopOnSignals();
  const net = await bootNet(topology, options, stop, progress.show).finally(progress.done);
  const status = await net.status();
  // A net that goes down in the middle of the tour ends the tour too.
  if (options.tour) await Promise.race([showTour(net.record, status), net.ended]);
  sayReady(status, topology, options);
  await net.ended;
  // A visit that was under way must not keep what is over.
  process.exit();
}

/** The net stays up whatever becomes of the visit. */
async function showTour(record: RunRecord, status: NetStatus): Promise<void> {
  const { tellTour } = await import('../tour.ts');
  await tellTour(record, status).catch((error: unknown) => {
    process.stderr.write(`tincan: ${messageOf(error)}\n`);
  });
}

async function inBackground(path: string, options: UpOptions): Promise<void> {
  const stop = stopOnSignals();
  const foreground = tellForeground(() => stop.request(new Failure('the command that started it is gone')));
  try {
    const net = await bootNet(await topologyOf(path, options), options, stop, foreground.progress);
    foreground.ready(await net.status());
    await net.ended;
    process.exit();
  } catch (error) {
    foreground.failed(messageOf(error));
    process.exitCode = 1;
  }
}

/** Starts a net to readiness; if that fails or is not wanted any more, nothing of it is left. */
async function bootNet(
  topology: Topology,
  options: UpOptions,
  stop: StopRequests,
  progress: (missing: readonly string[]) => void,
): Promise<Net> {
  process.title = `tincan ${topology.name}`;
  const net = await openNet({
    topology,
    logLevel: options.logLevel,
    program: deviceProgram,
    complain: (line) => process.stderr.write(`tincan: ${line}\n`),
    crashed: (report) => process.stderr.write(`tincan: ${formatCrash(report)}`),
  });
  stop.listen(() => {
    net.end().catch(() => {});
  });
  const stopWatching = net.onChange(() => progress(net.missing()));
  const over = net.ended.then(() => {
    throw new Failure('it was taken down while it started');
  });
  try {
    await Promise.race([net.boot(options.timeout), over]);
    return net;
  } catch (error) {
    if (stop.reason === undefined) await net.end();
    await net.ended;
    throw stop.reason ?? error;
  } finally {
    over.catch(() => {});
    stopWatching();
  }
}

function stopOnSignals(): StopRequests {
  const stop = new StopRequests();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => stop.request(new Failure(`stopped by ${name} while it started`)));
  return stop;
}

function sayReady(status: NetStatus, topology: Topology, options: UpOptions): void {
  if (options.json) {
    process.stdout.write(`${JSON.stringify(status)}\n`);
    return;
  }
  const { net, devices, cables } = status;
  const host = devices.find((device) => device.kind === 'host')?.device;
  const [site] = topology.devices.flatMap(({ http }) => Object.keys(http?.sites ?? {}));
  const hints = [
    'npx tincan ps',
    ...(host && site ? [`npx tincan exec ${host} curl http://${site}/`] : []),
    ...(host && site ? [`npx tincan exec ${host} traceroute ${site}`] : []),
    ...(host ? [`npx tincan exec ${host} ip addr`] : []),
    'npx tincan logs -f',
    options.detach ? 'npx tincan down' : 'Ctrl-C to end it',
  ];
  const lines = hints.map((hint) => `  ${hint}\n`).join('');
  process.stdout.write(`${net} is up: ${devices.length} devices, ${cables.length} cables. Try:\n${lines}`);
}
