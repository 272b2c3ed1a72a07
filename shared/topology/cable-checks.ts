// What must agree across devices: where cables end, what they do to frames, who shares a segment.

import { formatMac, parseCidr, parseMac } from '../core/address.ts';
import { parseDuration } from '../core/units.ts';
import type { Draft, DraftDevice, Named } from './draft.ts';
import { deriveMac } from './mac-address.ts';
import type { CableEntry, ImpairmentEntry } from './schema.ts';
import { suggest } from './suggest.ts';
import type { PathPart, Report } from './topology-error.ts';

export function checkCables(draft: Draft, report: Report): void {
  const segments = new Segments();
  const taken = new Map<string, string>();
  for (const cable of draft.cables) {
    const ends = (cable.right.ends ?? []).map((end, index) => {
      const path = [...cable.path, 'ends', index];
      const known = checkEnd(draft, end, path, report);
      const other = taken.get(end);
      if (known && other !== undefined)
        report(path, `${end} has the cable ${other} already`, 'give each cable an interface of its own');
      taken.set(end, cable.name);
      return known ? end : undefined;
    });
    if (ends[0] !== undefined && ends[1] !== undefined) segments.join(ends[0], ends[1]);
    if (cable.entry !== undefined) checkImpairments(cable, cable.entry, report);
  }
  for (const device of draft.devices) joinInside(device, segments);
  checkStations(draft, segments, report);
}

/** Whether a cable can end there; reports why not. */
function checkEnd(draft: Draft, end: string, path: readonly PathPart[], report: Report): boolean {
  const match = /^([^:]+):([^:]+)$/.exec(end);
  if (!match) {
    report(path, `got ${JSON.stringify(end)}`, 'should be device:interface, such as "laptop:eth0"');
    return false;
  }
  const [, deviceName = '', name = ''] = match;
  const device = draft.devices.find((candidate) => candidate.name === deviceName);
  if (device === undefined) {
    report(
      path,
      `no device "${deviceName}"`,
      suggest(
        deviceName,
        draft.devices.map((candidate) => candidate.name),
      ),
    );
    return false;
  }
  const bridge = device.interfaces.find((face) => face.name === name)?.entry?.bridge;
  if (bridge) {
    report(path, `${end} is a bridge`, `a cable ends at one of its ports: ${bridge.join(', ')}`);
    return false;
  }
  if (portNames(device).includes(name)) return true;
  // An interface whose form is wrong may have been a bridge with that port.
  if (device.complete)
    report(path, `no interface "${name}" on ${deviceName}`, suggest(name, portNames(device)));
  return false;
}

function portNames(device: DraftDevice): string[] {
  return device.interfaces.flatMap((face) => face.entry?.bridge ?? [face.name]);
}

function checkImpairments(cable: Named<CableEntry>, entry: CableEntry, report: Report): void {
  checkImpairment(entry, cable.path, report);
  const senders = entry.ends.flatMap((end) => [end.split(':')[0] ?? '', end]);
  for (const [sender, impairment] of Object.entries(entry.from ?? {})) {
    const path = [...cable.path, 'from', sender];
    if (!senders.includes(sender))
      report(path, `${sender} is at neither end of ${cable.name}`, suggest(sender, new Set(senders)));
    else if (sender === senders[0] && sender === senders[2])
      report(path, `${sender} is at both ends`, `should be one of ${entry.ends.join(', ')}`);
    checkImpairment({ ...entry, ...impairment }, path, report, impairment);
  }
}

/** @param given the keys that stand at this path, if not all do */
function checkImpairment(
  whole: ImpairmentEntry,
  path: readonly PathPart[],
  report: Report,
  given: ImpairmentEntry = whole,
): void {
  const delay = parseDuration(whole.delay ?? '0ms') ?? 0;
  if (given.loss !== undefined && given.gemodel !== undefined)
    report([...path, 'gemodel'], 'given beside loss', 'keep one of them: frames are lost in one way');
  const about = (key: 'jitter' | 'reorder') => given[key] !== undefined || given.delay !== undefined;
  if (whole.jitter !== undefined && about('jitter') && (parseDuration(whole.jitter) ?? 0) > delay)
    report(
      [...path, 'jitter'],
      `a jitter of ${whole.jitter} is more than the delay of ${whole.delay ?? '0ms'}`,
      'no frame arrives before it is sent: lower the jitter or raise the delay',
    );
  if (whole.reorder !== undefined && about('reorder') && delay === 0)
    report(
      [...path, 'reorder'],
      'nothing to skip without a delay',
      'add a "delay", which the reordered frames do not wait for',
    );
}

/** Sets of ports that hear each other. */
class Segments {
  readonly #parent = new Map<string, string>();

  find(end: string): string {
    const parent = this.#parent.get(end);
    return parent === undefined ? end : this.find(parent);
  }

  join(a: string, b: string): void {
    const [rootA, rootB] = [this.find(a), this.find(b)];
    if (rootA !== rootB) this.#parent.set(rootA, rootB);
  }
}

function joinInside(device: DraftDevice, segments: Segments): void {
  const groups = device.interfaces.map((face) => [face.name, ...(face.entry?.bridge ?? [])]);
  if (device.entry.kind === 'switch') groups.push(device.interfaces.map((face) => face.name));
  for (const [first, ...others] of groups)
    for (const other of others) segments.join(`${device.name}:${first}`, `${device.name}:${other}`);
}

/** No two stations of a segment share an address. */
function checkStations(draft: Draft, segments: Segments, report: Report): void {
  const macs = new Map<string, string>();
  const addresses = new Map<string, string>();
  for (const device of draft.devices) {
    if (device.entry.kind === 'switch') continue;
    for (const { name, path, entry } of device.interfaces) {
      if (entry === undefined) continue;
      const end = `${device.name}:${name}`;
      const segment = segments.find(end);
      const once = (seen: Map<string, string>, address: string, key: string) => {
        const owner = seen.get(`${segment} ${address}`);
        if (owner !== undefined)
          report([...path, key], `${address} is that of ${owner} on the same LAN`, 'give each its own');
        seen.set(`${segment} ${address}`, end);
      };
      once(macs, formatMac(parseMac(entry.mac ?? deriveMac(device.name, name)) ?? 0), 'mac');
      if (parseCidr(entry.ipv4 ?? '')) once(addresses, entry.ipv4?.split('/')[0] ?? '', 'ipv4');
    }
  }
}
