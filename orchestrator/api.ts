// The package as a program imports it: nets and faults in code, for vitest, node:test or anything else.
//
//   import { up } from 'tincan';
//   await using net = await up('topology.json');
//   await using cut = await net.cut('uplink');

import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { DeviceConfig } from '../shared/topology/device-config.ts';
import { NAME, NAME_RULE, type TopologyFile } from '../shared/topology/schema.ts';
import type { Topology } from '../shared/topology/types.ts';
import { loadTopology, validateTopology } from '../shared/topology/validate.ts';
import { Net } from './api/net.ts';
import { type Duration, readDuration } from './api/units.ts';
import { WrongUsage } from './failure.ts';
import { openNet } from './net.ts';
import { defaultTopology, deviceProgram } from './package-root.ts';

export type {
  PingError,
  PingReply,
  ResolvedRecord,
} from '../shared/control/device-calls.ts';
export type { InterfaceStatus } from '../shared/control/device-status.ts';
export type { TopologyFile } from '../shared/topology/schema.ts';
export { type Fault as TopologyFault, TopologyError } from '../shared/topology/topology-error.ts';
export type { CapturedFrame, CaptureOptions, FileCapture, FrameCapture } from './api/capture.ts';
export type {
  ConnectOptions,
  Device,
  ExecOptions,
  ExecResult,
  PingOptions,
  PingSummary,
  ResolvedData,
  ResolveOptions,
} from './api/device.ts';
export type { DeviceEvent, LogEvent } from './api/events.ts';
export type {
  BlackholeOptions,
  Direction,
  FaultEvent,
  FaultReceipt,
  ImpairOptions,
  MisbehaveOptions,
  PartitionOptions,
} from './api/faults.ts';
export type { Net, NetEvents, Wait } from './api/net.ts';
export type { TcpConnection } from './api/tcp-connection.ts';
export type { Duration, Percentage, Rate } from './api/units.ts';
export type { Attachment } from './attachment.ts';
export { Failure, WrongUsage } from './failure.ts';
export type { Application, Cause, FaultName, Receipt } from './faults/receipt.ts';
export type { CableReport, DeviceReport, DeviceState, NetStatus } from './net-status.ts';

const DEFAULT_TIMEOUT: Duration = '30s';

/** Characters of the topology's name that a generated one keeps. */
const KEPT_OF_NAME = 18;

export interface UpOptions {
  /**
   * Name of the net, under which the commands find it. Without one it gets a name that no other has, commands
   * mean it only where they name it, and it leaves nothing behind; a net whose name is given leaves its logs in
   * its run directory.
   */
  readonly name?: string;
  /** Seed of all randomness, instead of the topology's. */
  readonly seed?: number;
  /** How long it may take until the net is ready, `'30s'` unless told. */
  readonly timeout?: Duration;
  /** What devices log, `'info'` unless told. */
  readonly logLevel?: DeviceConfig['logLevel'];
}

/**
 * Starts a net. Resolves when it is ready: every device runs, every DHCP client has its lease, every cable has
 * its carrier. Any number of nets can run at once, in one process or in several.
 * @param source a topology file, or what would stand in one (its relative paths start at the current folder);
 *   without one ./topology.json, or else the net that comes with the package
 * @throws TopologyError with all that is wrong with the topology
 * @throws Failure if a net of that name is running, or this one does not become ready; nothing is left of it
 */
export async function up(source?: string | URL | TopologyFile, options: UpOptions = {}): Promise<Net> {
  const { logLevel = 'info', timeout = DEFAULT_TIMEOUT } = options;
  const limit = readDuration('timeout', timeout);
  const topology = named(await topologyOf(source), options);
  const unnamed = options.name === undefined;
  const net = await openNet({ topology, logLevel, program: deviceProgram, unnamed });
  try {
    await net.boot(limit);
    return new Net(net);
  } catch (error) {
    await net.end();
    throw error;
  }
}

function topologyOf(source: string | URL | TopologyFile | undefined): Promise<Topology> | Topology {
  if (source === undefined) return loadTopology(defaultTopology());
  if (typeof source === 'string') return loadTopology(source);
  if (source instanceof URL) return loadTopology(fileURLToPath(source));
  return validateTopology(source, 'topology');
}

function named(topology: Topology, { name, seed }: UpOptions): Topology {
  if (name !== undefined && !NAME.test(name))
    throw new WrongUsage(`name ${JSON.stringify(name)} should be ${NAME_RULE}`);
  if (seed !== undefined && (!Number.isSafeInteger(seed) || seed < 0))
    throw new WrongUsage(`seed ${seed} should be a whole number from 0`);
  return {
    ...topology,
    name: name ?? `${topology.name.slice(0, KEPT_OF_NAME)}-${randomBytes(5).toString('hex')}`,
    seed: seed ?? topology.seed,
  };
}
