// From the file's form to the one that everything else uses: quantities as numbers, defaults filled in.

import { resolve } from 'node:path';
import { formatMac, mac } from '../core/address.ts';
import { parseDuration, parsePercentage, parseRate } from '../core/units.ts';
import { DEFAULT_MTU } from './default-mtu.ts';
import { parseGilbertElliott } from './gilbert-elliott.ts';
import { deriveMac } from './mac-address.ts';
import type { CableEntry, DeviceEntry, ImpairmentEntry, InterfaceEntry, TopologyFile } from './schema.ts';
import type {
  CableEnd,
  CableSpec,
  DeviceSpec,
  DnsRecords,
  Impairment,
  InterfaceSpec,
  SiteSpec,
  Topology,
} from './types.ts';

const HOUR = 3_600_000;

/** Takes a file without faults. @param folder that relative paths start from */
export function normalise(file: TopologyFile, folder: string): Topology {
  const mtus = mtuByEnd(file);
  return {
    name: file.name,
    seed: file.seed ?? 1,
    timing: file.timing ?? 'fast',
    transport: file.transport ?? 'tcp',
    devices: Object.entries(file.devices).map(([name, entry]) => deviceSpec(name, entry, folder, mtus)),
    cables: Object.entries(file.cables ?? {}).map(([name, entry]) => cableSpec(name, entry)),
  };
}

function deviceSpec(
  name: string,
  entry: DeviceEntry,
  folder: string,
  mtus: ReadonlyMap<string, number>,
): DeviceSpec {
  const { kind, nat, dhcp, dns, http, tap } = entry;
  const faces = Object.entries(entry.interfaces);
  const cabledMtu = (ports: readonly string[]) =>
    smallest(ports.flatMap((port) => mtus.get(`${name}:${port}`) ?? []));
  // Who attaches to a free port of a switch takes the frames that go about there.
  const freeMtu = (kind === 'switch' ? cabledMtu(faces.map(([face]) => face)) : undefined) ?? DEFAULT_MTU;
  return {
    name,
    kind,
    hostname: entry.hostname ?? name,
    interfaces: faces.map(([face, given]) =>
      interfaceSpec(name, face, given, cabledMtu(given.bridge ?? [face]) ?? freeMtu),
    ),
    routes: entry.routes ?? [],
    ...(nat && { nat: { outside: nat.outside, forwards: nat.forwards ?? [] } }),
    ...(dhcp && {
      dhcp: { ...dhcp, lease: duration(dhcp.lease) ?? HOUR, dns: dhcp.dns ?? [] },
    }),
    ...(dns && {
      dns: { zones: zones(dns.zones ?? {}), forwarders: dns.forwarders ?? [], roots: dns.roots ?? {} },
    }),
    ...(http && { http: { port: http.port ?? 80, sites: sites(http.sites, folder) } }),
    ...(tap && { tap }),
    restart: entry.restart ?? 'never',
  };
}

/** @param mtu what all cables at the interface carry */
function interfaceSpec(device: string, name: string, entry: InterfaceEntry, mtu: number): InterfaceSpec {
  const { bridge, ...rest } = entry;
  return {
    ...rest,
    name,
    mac: formatMac(mac(entry.mac ?? deriveMac(device, name))),
    ...(bridge && { bridge: bridge.map((port) => ({ name: port, mac: deriveMac(device, port) })) }),
    mtu,
  };
}

function smallest(numbers: readonly number[]): number | undefined {
  return numbers.length > 0 ? Math.min(...numbers) : undefined;
}

function mtuByEnd(file: TopologyFile): Map<string, number> {
  return new Map(
    Object.values(file.cables ?? {}).flatMap(({ ends, mtu = DEFAULT_MTU }) => ends.map((end) => [end, mtu])),
  );
}

function zones(given: Record<string, Record<string, object>>) {
  return mapValues(given, (owners) =>
    mapValues(
      owners,
      (records: { ttl?: string }): DnsRecords => ({
        ...records,
        ttl: duration(records.ttl) ?? HOUR,
      }),
    ),
  );
}

function sites(given: Record<string, SiteSpec>, folder: string): Record<string, SiteSpec> {
  return mapValues(given, (site) => (site.root === undefined ? site : { root: resolve(folder, site.root) }));
}

function cableSpec(name: string, entry: CableEntry): CableSpec {
  const ends = [cableEnd(entry.ends[0]), cableEnd(entry.ends[1])] as const;
  const impairment = (index: 0 | 1) =>
    impairmentOf(over(over(entry, entry.from?.[ends[index].device]), entry.from?.[entry.ends[index]]));
  return {
    name,
    ends,
    mtu: entry.mtu ?? DEFAULT_MTU,
    impairments: [impairment(0), impairment(1)],
  };
}

function cableEnd(text: string): CableEnd {
  const [device = '', name = ''] = text.split(':');
  return { device, interface: name };
}

/** One kind of loss replaces the other. */
function over(whole: ImpairmentEntry, given: ImpairmentEntry = {}): ImpairmentEntry {
  return {
    ...whole,
    ...(given.loss !== undefined && { gemodel: undefined }),
    ...(given.gemodel !== undefined && { loss: undefined }),
    ...given,
  };
}

/** Quantities as numbers. Leaves out what is absent, so that a perfect cable has an empty impairment. */
export function impairmentOf(entry: ImpairmentEntry): Impairment {
  const share = (text: string | undefined) => (text === undefined ? undefined : parsePercentage(text));
  const values: Impairment = {
    delay: duration(entry.delay),
    jitter: duration(entry.jitter),
    distribution: entry.distribution,
    loss: share(entry.loss),
    gemodel: entry.gemodel === undefined ? undefined : parseGilbertElliott(entry.gemodel),
    duplicate: share(entry.duplicate),
    corrupt: share(entry.corrupt),
    reorder: share(entry.reorder),
    rate: entry.rate === undefined ? undefined : parseRate(entry.rate),
    limit: entry.limit,
  };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function duration(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseDuration(text);
}

function mapValues<V, W>(given: Record<string, V>, map: (value: V) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(given).map(([key, value]) => [key, map(value)]));
}
