// Where and how an outside program sits at a free interface of a running net.

import { suggest } from '../shared/topology/suggest.ts';
import { Failure, WrongUsage } from './failure.ts';
import { deviceNamed, urlOfDevice } from './net-client.ts';
import type { RunRecord } from './run-record.ts';

/** What a program needs to speak the cable protocol at a free interface. */
export interface Attachment {
  /** As the library `ws` takes it. */
  readonly url: string;
  /** Sent as `authorization: Bearer TOKEN`. */
  readonly token: string;
  /** Largest payload of a frame in bytes. */
  readonly mtu: number;
}

export interface End {
  readonly device: string;
  readonly interface: string;
}

/** `device:interface`. @throws WrongUsage */
export function parseEnd(text: string): End {
  const [, device, name] = /^([^:]+):([^:]+)$/.exec(text) ?? [];
  if (device === undefined || name === undefined)
    throw new WrongUsage(`${text} is no end; it should be DEVICE:INTERFACE, such as router:lan3`);
  return { device, interface: name };
}

/** @throws Failure if the interface is not free, or its device does not answer */
export function attachmentAt(record: RunRecord, { device, interface: name }: End): Attachment {
  const mtu = mtuOfFreePort(record, device, name);
  return { url: `${urlOfDevice(record, device)}/cable/${name}`, token: record.token, mtu };
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
