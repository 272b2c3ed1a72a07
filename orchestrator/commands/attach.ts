// tincan attach: how an outside program sits at a free interface.

import { suggest } from '../../shared/topology/suggest.ts';
import { Failure, WrongUsage } from '../failure.ts';
import { deviceNamed, findNet, urlOfDevice } from '../net-client.ts';
import type { CommonOptions } from '../options.ts';
import type { RunRecord } from '../run-record.ts';

export async function attach(end: string, options: CommonOptions): Promise<void> {
  const match = /^([^:]+):([^:]+)$/.exec(end);
  if (!match?.[1] || !match[2])
    throw new WrongUsage(`${end} is no end; it should be DEVICE:INTERFACE, such as router:lan3`);
  const [, device, name] = match;
  const record = await findNet(options.net);
  const mtu = mtuOfFreePort(record, device, name);
  const answer = { url: `${urlOfDevice(record, device)}/cable/${name}`, token: record.token, mtu };
  const lines = Object.entries(answer).map(([key, value]) => `${key.padEnd(6)} ${value}\n`);
  process.stdout.write(options.json ? `${JSON.stringify(answer)}\n` : lines.join(''));
}

function mtuOfFreePort(record: RunRecord, device: string, name: string): number {
  const { ports } = deviceNamed(record, device);
  const port = ports.find((candidate) => candidate.name === name);
  const names = ports.map((candidate) => candidate.name);
  if (!port) throw new Failure(`no interface "${name}" on ${device}; ${suggest(name, names)}`);
  if (port.cable === undefined) return port.mtu;
  const free = ports.filter((candidate) => candidate.cable === undefined).map((candidate) => candidate.name);
  throw new Failure(
    `${device}:${name} has the cable ${port.cable}; free on ${device}: ${free.join(', ') || 'none'}`,
  );
}
