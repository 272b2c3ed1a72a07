// What the services of a device need: the right kind, interfaces that are there, addresses that fit.

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { formatIpv4, inNetwork, ipv4, parseCidr } from '../core/address.ts';
import { parseDuration } from '../core/units.ts';
import type { DraftDevice } from './draft.ts';
import { networkText, whyNoHost } from './interface-checks.ts';
import { type DnsEntry, type DnsRecordsEntry, HOSTNAME, HOSTNAME_RULE } from './schema.ts';
import { suggest } from './suggest.ts';
import type { PathPart, Report } from './topology-error.ts';
import type { DeviceKind } from './types.ts';

/** Services that only one kind offers. */
const OFFERED_BY = {
  nat: 'router',
  dhcp: 'router',
  dns: 'dns-server',
  http: 'web-server',
  tap: 'tap',
} as const;

/** What a kind is nothing without. */
const NEEDED: Partial<Record<DeviceKind, { key: keyof typeof OFFERED_BY; mend: string }>> = {
  'dns-server': { key: 'dns', mend: 'add "dns": { "zones": { … } }' },
  'web-server': { key: 'http', mend: 'add "http": { "sites": { … } }' },
  tap: { key: 'tap', mend: 'add "tap": { "name": "tap0" }' },
};

/** @param folder that relative paths start from */
export function checkServices(device: DraftDevice, folder: string, report: Report): void {
  checkKind(device, report);
  checkStackless(device, report);
  checkTap(device, report);
  checkNat(device, report);
  checkDhcp(device, report);
  checkDns(device, report);
  checkHttp(device, folder, report);
}

function checkKind({ path, entry }: DraftDevice, report: Report): void {
  if (entry.kind === undefined) return;
  for (const key of ['nat', 'dhcp', 'dns', 'http', 'tap'] as const)
    if (entry[key] !== undefined && entry.kind !== OFFERED_BY[key])
      report(
        [...path, key],
        `a ${entry.kind} has no "${key}"`,
        `remove it, or make the device a ${OFFERED_BY[key]}`,
      );
  const needed = NEEDED[entry.kind];
  if (needed && !Object.hasOwn(entry, needed.key))
    report([...path, needed.key], `missing: a ${entry.kind} needs it`, needed.mend);
}

/** Why a kind has no addresses and no routes, and what to do. */
const STACKLESS: Partial<Record<DeviceKind, { why: string; mend: string }>> = {
  switch: {
    why: 'a switch has ports only: it joins all its interfaces and has no addresses',
    mend: 'remove it, or make the device a router',
  },
  tap: {
    why: 'a tap is a plug only: addresses and routes are those of its Linux interface',
    mend: 'remove it, and set it in Linux, with `ip address` or `ip route`',
  },
};

function checkStackless({ path, entry, interfaces }: DraftDevice, report: Report): void {
  const { why, mend } = (entry.kind && STACKLESS[entry.kind]) ?? {};
  if (why === undefined || mend === undefined) return;
  if (entry.routes !== undefined) report([...path, 'routes'], why, mend);
  for (const face of interfaces)
    for (const key of ['ipv4', 'gateway', 'dns', 'bridge'] as const)
      if (face.entry?.[key] !== undefined) report([...face.path, key], why, mend);
}

function checkTap({ path, entry, interfaces, complete }: DraftDevice, report: Report): void {
  if (entry.kind === 'tap' && complete && interfaces.length !== 1)
    report([...path, 'interfaces'], `${interfaces.length} interfaces`, 'a tap has one: { "eth0": {} }');
}

/** An interface that a service stands on; reports it if there is none of that name. */
function interfaceNamed(device: DraftDevice, name: string, path: readonly PathPart[], report: Report) {
  const found = device.interfaces.find((face) => face.name === name);
  if (found) return found.entry;
  const bridge = device.interfaces.find((face) => face.entry?.bridge?.includes(name));
  if (bridge) report(path, `${name} is a port of the bridge ${bridge.name}`, `should be "${bridge.name}"`);
  else
    report(
      path,
      `no interface "${name}" on ${device.name}`,
      suggest(
        name,
        device.interfaces.map((face) => face.name),
      ),
    );
  return undefined;
}

function checkNat(device: DraftDevice, report: Report): void {
  const { nat } = device.entry;
  if (nat === undefined || device.entry.kind !== 'router') return;
  const path = [...device.path, 'nat'];
  const outside = interfaceNamed(device, nat.outside, [...path, 'outside'], report);
  if (outside !== undefined && outside.ipv4 === undefined)
    report([...path, 'outside'], `${nat.outside} has no address to translate to`, 'give it an "ipv4"');
  const seen = new Set<string>();
  for (const [index, { proto, port }] of (nat.forwards ?? []).entries()) {
    const forward = `${proto} port ${port}`;
    if (seen.has(forward))
      report([...path, 'forwards', index], `${forward} leads somewhere already`, 'give each outer port once');
    seen.add(forward);
  }
}

function checkDhcp(device: DraftDevice, report: Report): void {
  const { dhcp } = device.entry;
  if (dhcp === undefined || device.entry.kind !== 'router') return;
  const path = [...device.path, 'dhcp'];
  checkSeconds(dhcp.lease, [...path, 'lease'], 1, report);
  const face = interfaceNamed(device, dhcp.interface, [...path, 'interface'], report);
  if (face === undefined) return;
  const own = parseCidr(face.ipv4 ?? '');
  if (own === undefined)
    return report(
      [...path, 'interface'],
      `${dhcp.interface} has no address of its own`,
      'give it an "ipv4" such as "192.168.0.1/24"',
    );
  const [first, last] = [ipv4(dhcp.range[0]), ipv4(dhcp.range[1])];
  for (const [index, address] of [first, last].entries()) {
    const why = inNetwork(address, own) ? whyNoHost(address, own) : `is outside ${networkText(own)}`;
    if (why)
      report(
        [...path, 'range', index],
        `${formatIpv4(address)} ${why}`,
        `should be an address in the network of ${dhcp.interface}`,
      );
  }
  if (first > last)
    report([...path, 'range'], `${dhcp.range[0]} is after ${dhcp.range[1]}`, 'put the lower address first');
  if (first <= own.address && own.address <= last)
    report(
      [...path, 'range'],
      `it takes in ${formatIpv4(own.address)}, which is the router`,
      'should leave that address out',
    );
}

/** Quantities that go over the wire in whole seconds, in 32 bits. */
function checkSeconds(
  text: string | undefined,
  path: readonly PathPart[],
  least: number,
  report: Report,
): void {
  if (text === undefined) return;
  const seconds = (parseDuration(text) ?? 0) / 1000;
  if (!Number.isInteger(seconds) || seconds < least || seconds >= 2 ** 31)
    report(path, `got "${text}"`, `should be whole seconds, ${least} or more and under 68 years`);
}

function checkDns(device: DraftDevice, report: Report): void {
  const { dns } = device.entry;
  if (dns === undefined) return;
  const path = [...device.path, 'dns'];
  for (const [zone, owners] of Object.entries(dns.zones ?? {})) {
    if (zone !== '.') checkHostname(zone, [...path, 'zones', zone], report);
    for (const [owner, records] of Object.entries(owners))
      checkRecords(owner, records, [...path, 'zones', zone, owner], report);
  }
  checkRecursion(dns, path, report);
}

function checkRecords(
  owner: string,
  records: DnsRecordsEntry,
  place: readonly PathPart[],
  report: Report,
): void {
  if (owner !== '@' && !HOSTNAME.test(owner.replace(/^\*\./, '').replace(/^\*$/, 'any')))
    report(place, 'not a name in a zone', 'should be a name relative to the zone, such as "www", or "@"');
  const others = Object.keys(records).filter((key) => key !== 'CNAME' && key !== 'ttl');
  if (records.CNAME !== undefined && others.length > 0)
    report(place, `CNAME beside ${others.join(', ')}`, 'a CNAME stands alone: remove it or the others');
  if (records.CNAME === undefined && others.length === 0)
    report(place, 'no records', 'give it some, such as "A": ["93.184.216.34"]');
  if (records.CNAME !== undefined && owner === '@')
    report([...place, 'CNAME'], 'a zone itself cannot be an alias', 'give it an "A" instead');
  checkSeconds(records.ttl, [...place, 'ttl'], 0, report);
}

/** Recursion begins at the root servers, and they are there for nothing else. */
function checkRecursion(dns: DnsEntry, path: readonly PathPart[], report: Report): void {
  const roots = Object.keys(dns.roots ?? {});
  for (const name of roots) checkHostname(name, [...path, 'roots', name], report);
  if (dns.recursion && roots.length === 0)
    report(
      [...path, 'roots'],
      'missing: recursion begins at the root servers',
      'add "roots": { "a.root-servers.net": "198.41.0.4" }, with an address of this net',
    );
  if (!dns.recursion && dns.roots !== undefined)
    report(
      [...path, 'roots'],
      'nothing asks root servers without recursion',
      'add "recursion": true, or remove it',
    );
}

function checkHostname(name: string, path: readonly PathPart[], report: Report): void {
  if (!HOSTNAME.test(name)) report(path, 'not a DNS name', `should be ${HOSTNAME_RULE}`);
}

function checkHttp(device: DraftDevice, folder: string, report: Report): void {
  const { http } = device.entry;
  if (http === undefined) return;
  const path = [...device.path, 'http', 'sites'];
  if (Object.keys(http.sites).length === 0) report(path, 'no sites', 'give it one or more');
  for (const [name, site] of Object.entries(http.sites)) {
    const place = [...path, name];
    checkHostname(name, place, report);
    if ((site.root === undefined) === (site.answer === undefined))
      report(
        place,
        site.root === undefined ? 'neither a root nor an answer' : 'both a root and an answer',
        'should have one of { "root": "folder" } and { "answer": "client-address" }',
      );
    if (site.root !== undefined && !isFolder(resolve(folder, site.root)))
      report(
        [...place, 'root'],
        `no folder ${resolve(folder, site.root)}`,
        'should be a folder, relative to this file',
      );
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    return false;
  }
}
