// How a command finds a running net and speaks with it and its devices.

import { readFileSync } from 'node:fs';
import { connectControl } from '../shared/control/client.ts';
import type { ControlClient } from '../shared/control/peer.ts';
import { suggest } from '../shared/topology/suggest.ts';
import { codeOf, Failure, failureOf, messageOf } from './failure.ts';
import { processState } from './process-state.ts';
import type { KnownNet } from './registry.ts';
import { knownNets, registryFolder } from './registry.ts';
import type { RecordedDevice, RunRecord } from './run-record.ts';

/** The net of that name; without one, of those that were given a name, the only one that runs, or that of ./topology.json. */
export async function findNet(name: string | undefined): Promise<RunRecord> {
  const nets = await knownNets(registryFolder());
  const running = nets.flatMap((known) => known.running ?? []);
  const names = running.map((record) => record.net);
  const lost = nets.find((known) => known.unreachable && known.net === (name ?? known.net));
  if (lost && (name !== undefined || running.length === 0)) throw new Failure(lost.unreachable);
  if (running.length === 0)
    throw new Failure(
      `no net${name === undefined ? '' : ` "${name}"`} is running; start one with: tincan up`,
    );
  if (name !== undefined) {
    const found = running.find((record) => record.net === name);
    if (found) return found;
    throw new Failure(`no net "${name}" is running; ${suggest(name, names)}`);
  }
  const given = running.filter((record) => !record.unnamed);
  const found = given.length === 1 ? given[0] : given.find((record) => record.net === nameInFolder());
  if (found) return found;
  if (given.length === 0) throw onlyOfPrograms(names);
  throw new Failure(
    `several nets are running: ${given.map((record) => record.net).join(', ')}; say which with --net`,
  );
}

/** As `findNet`, nets that have ended included. */
export async function findNetWithLogs(name: string | undefined): Promise<KnownNet> {
  const known = await knownNets(registryFolder());
  if (name !== undefined) {
    const found = known.find((net) => net.net === name);
    if (found) return found;
    throw new Failure(
      `no net "${name}" has run; ${suggest(
        name,
        known.map((net) => net.net),
      )}`,
    );
  }
  const given = known.filter((net) => !net.running?.unnamed);
  const running = given.filter((net) => net.running);
  const here = nameInFolder();
  for (const nets of [running, given]) {
    const found = nets.length === 1 ? nets[0] : nets.find((net) => net.net === here);
    if (found) return found;
  }
  if (known.length === 0) throw new Failure('no net has run; start one with: tincan up');
  if (given.length === 0) throw onlyOfPrograms(known.map((net) => net.net));
  throw new Failure(
    `there are several nets: ${given.map((net) => net.net).join(', ')}; say which with --net`,
  );
}

function onlyOfPrograms(names: readonly string[]): Failure {
  return new Failure(`only nets of programs are running: ${names.join(', ')}; say which with --net`);
}

function nameInFolder(): string | undefined {
  try {
    const { name } = JSON.parse(readFileSync('topology.json', 'utf8')) as { name?: unknown };
    return typeof name === 'string' ? name : undefined;
  } catch {
    return undefined;
  }
}

/** Connects to the orchestrator of a net. */
export async function connectNet(record: RunRecord): Promise<ControlClient> {
  try {
    return await connectControl(record.control, record.token);
  } catch (error) {
    throw new Failure(
      `the net ${record.net} does not answer (${codeOf(error) ?? messageOf(error)}); end it with: tincan down --net ${record.net}`,
    );
  }
}

/** One call of the orchestrator. */
export async function askNet(record: RunRecord, method: string, params: unknown = {}): Promise<unknown> {
  const control = await connectNet(record);
  try {
    return await control.request(method, params);
  } catch (error) {
    if (codeOf(error) === 'ECONNRESET') throw new Failure(`the net ${record.net} went down meanwhile`);
    throw failureOf(error);
  } finally {
    control.close();
  }
}

/** @throws Failure with what there is, if there is none of that name */
export function deviceNamed(record: RunRecord, name: string): RecordedDevice {
  const device = Object.hasOwn(record.devices, name) ? record.devices[name] : undefined;
  if (device) return device;
  throw new Failure(`no device "${name}" in ${record.net}; ${suggest(name, Object.keys(record.devices))}`);
}

/** Base URL of a device that runs and is not frozen. @throws Failure */
export function urlOfDevice(record: RunRecord, name: string): string {
  const { pid, url } = deviceNamed(record, name);
  if (pid === undefined || processState(pid) === 'gone')
    throw new Failure(`${name} is not running; start it with: tincan start ${name}`);
  if (processState(pid) === 'frozen')
    throw new Failure(`${name} is frozen; wake it with: tincan thaw ${name}`);
  if (url === undefined) throw new Failure(`${name} is still starting; see: tincan ps`);
  return url;
}

/** Connects to a device itself. @throws Failure */
export async function connectDevice(record: RunRecord, name: string): Promise<ControlClient> {
  const url = urlOfDevice(record, name);
  try {
    return await connectControl(`${url}/control`, record.token);
  } catch (error) {
    throw new Failure(`${name} does not answer (${codeOf(error) ?? messageOf(error)}); see: tincan ps`);
  }
}
