// The tables of all devices, and what in them nothing explains: an entry belongs to the net as it was at the
// start, or has a timer of its own that will end it.

import type { Net } from '../../orchestrator/api.ts';
import type { ArpRow, LeaseRow, NatRow } from '../../shared/device/command.ts';

/** ms that an ARP entry lives without being used, and that a question is asked for. */
const ARP_LIFE = 600_000;
const ARP_QUESTION = 3500;

const LEASE = 3_600_000;

/** ms that a NAT session lives without traffic (RFC 5508 REQ-2, RFC 4787 REQ-5, RFC 5382 REQ-5). */
const NAT_ICMP = 60_000;
const NAT_UDP = 120_000;
const NAT_TCP_OPEN = 7_440_000;
const NAT_TCP_TRANSITORY = 240_000;

/** ms by which a timer may be late on a machine with other work. */
const LEEWAY = 2000;

export interface Socket {
  /** `tcp ESTAB 10.0.0.1:80 10.0.0.2:50000` */
  readonly name: string;
  /** `on`, `timewait`, …; absent if nothing will happen to it by itself. */
  readonly timer: string | undefined;
}

export interface DeviceTables {
  readonly sockets: readonly Socket[];
  readonly arp: readonly ArpRow[];
  readonly routes: readonly string[];
}

export interface Tables {
  /** ms, of `performance.now()`. */
  readonly at: number;
  readonly devices: ReadonlyMap<string, DeviceTables>;
  readonly nat: readonly NatRow[];
  readonly leases: readonly LeaseRow[];
  /** Of the router: what a DHCP server has forgotten with its power nothing can bring back. */
  readonly router: number | null;
  /** Which MAC has an address. */
  readonly macs: ReadonlyMap<string, string>;
}

export async function readTables(net: Net): Promise<Tables> {
  const { devices } = await net.status();
  const ask = async (device: string, ...argv: string[]): Promise<string> => {
    const { stdout, stderr, exitCode } = await net.device(device).exec(argv);
    if (exitCode !== 0) throw new Error(`${argv.join(' ')} on ${device}: ${stderr}`);
    return stdout;
  };
  const tables = devices.map(async ({ device }): Promise<[string, DeviceTables]> => {
    const [sockets, arp, routes] = await Promise.all([
      ask(device, 'ss', '-Hatuno'),
      ask(device, 'arp', '-j'),
      ask(device, 'ip', 'route'),
    ]);
    return [device, { sockets: readSockets(sockets), arp: JSON.parse(arp), routes: readRoutes(routes) }];
  });
  return {
    devices: new Map(await Promise.all(tables)),
    nat: JSON.parse(await ask('router', 'nat', '-j')) as NatRow[],
    leases: JSON.parse(await ask('router', 'leases', '-j')) as LeaseRow[],
    macs: new Map(
      devices.flatMap(({ interfaces }) =>
        interfaces.flatMap(({ ipv4, mac }) => (ipv4 === null ? [] : [[ipv4.replace(/\/.*/, ''), mac]])),
      ),
    ),
    router: net.device('router').report.pid,
    at: performance.now(),
  };
}

/** Lines of `ss -Hatuno`. */
export function readSockets(text: string): Socket[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [netid, state, , , local, remote, timer] = line.trim().split(/\s+/);
      return {
        name: `${netid} ${state} ${local} ${remote}`,
        timer: /^timer:\((\w+)/.exec(timer ?? '')?.[1],
      };
    });
}

/** Without the source, which a new lease may have changed. */
function readRoutes(text: string): string[] {
  return text
    .trim()
    .split('\n')
    .map((line) => line.replace(/ src \S+/, '').trim());
}

export interface Context {
  readonly baseline: Tables;
  /** When all was healed, of `performance.now()`. */
  readonly healed: number;
}

/** What is in the tables and ought not to be, or the other way round. */
export function unexplained(now: Tables, context: Context): string[] {
  return [
    ...[...now.devices].flatMap(([device, tables]) => {
      const before = context.baseline.devices.get(device);
      return [
        ...socketProblems(device, tables.sockets, before?.sockets ?? []),
        ...arpProblems(device, tables.arp, now, context),
        ...routeProblems(device, tables.routes, before?.routes ?? []),
      ];
    }),
    ...natProblems(now.nat),
    ...leaseProblems(now, context),
  ];
}

function socketProblems(device: string, now: readonly Socket[], before: readonly Socket[]): string[] {
  const usual = new Set(before.map(({ name }) => name));
  const here = new Set(now.map(({ name }) => name));
  return [
    ...now.flatMap(({ name, timer }) =>
      usual.has(name) || timer !== undefined || waitsForHttp(device, name)
        ? []
        : [`${device} has a socket that nothing will end: ${name}`],
    ),
    ...[...usual].flatMap((name) => (here.has(name) ? [] : [`${device} has lost its socket ${name}`])),
  ];
}

/** Of a client that is gone: node:http ends such connections after 75 s between requests, 300 s in one. */
function waitsForHttp(device: string, socket: string): boolean {
  return device === 'web' && /^tcp ESTAB [\d.]+:80 /.test(socket);
}

function arpProblems(
  device: string,
  rows: readonly ArpRow[],
  { macs, at }: Tables,
  { healed }: Context,
): string[] {
  return rows.flatMap(({ address, mac, state, age }) => {
    const row = `${device} has ${address} at ${mac ?? 'nowhere'} (${state}, ${Math.round(age / 1000)} s)`;
    if (age > ARP_LIFE + LEEWAY) return [`${row}: it should have been forgotten`];
    if (state === 'incomplete' && age > ARP_QUESTION + LEEWAY) return [`${row}: still asked for`];
    // What a corrupt frame has told is believed, until it is asked again.
    const learnedWell = age < at - healed - LEEWAY;
    if (mac !== undefined && learnedWell && macs.get(address) !== mac)
      return [`${row}: it is at ${macs.get(address) ?? 'nowhere'}`];
    return [];
  });
}

function routeProblems(device: string, now: readonly string[], before: readonly string[]): string[] {
  return [
    ...now.flatMap((route) => (before.includes(route) ? [] : [`${device} has a route ${route}`])),
    ...before.flatMap((route) => (now.includes(route) ? [] : [`${device} has lost the route ${route}`])),
  ];
}

function natLife({ protocol, state }: NatRow): number {
  if (protocol === 'icmp') return NAT_ICMP;
  if (protocol === 'udp') return NAT_UDP;
  return state === 'established' || state === 'half-closed' ? NAT_TCP_OPEN : NAT_TCP_TRANSITORY;
}

function natProblems(rows: readonly NatRow[]): string[] {
  /** By protocol and outer port: whose it is. */
  const owners = new Map<string, string>();
  return rows.flatMap((row) => {
    const text = `the router translates ${row.protocol} ${row.inside} to ${row.outside} (${row.state})`;
    const outer = `${row.protocol} ${row.outside}`;
    const owner = owners.get(outer) ?? row.inside;
    owners.set(outer, owner);
    const life = natLife(row);
    if (row.expiresIn <= 0 || row.expiresIn > life)
      return [`${text}, which ends in ${row.expiresIn} ms of at most ${life}`];
    return owner === row.inside ? [] : [`${text}, and ${owner} too`];
  });
}

function leaseProblems({ leases, router }: Tables, { baseline }: Context): string[] {
  const bound = leases.filter(({ state }) => state === 'bound');
  const clients = baseline.leases.map(({ mac }) => mac);
  return [
    ...leases.flatMap(({ mac, address, state, expiresIn }) =>
      expiresIn > 0 && expiresIn <= LEASE
        ? []
        : [`the lease of ${address} to ${mac} (${state}) ends in ${expiresIn} ms`],
    ),
    ...bound.flatMap(({ mac, address }) =>
      clients.includes(mac) ? [] : [`${address} is leased to ${mac}, and nobody has that MAC`],
    ),
    ...bound.flatMap(({ mac, address }, index) =>
      bound.findIndex((other) => other.mac === mac) === index
        ? []
        : [`${mac} has a second lease, ${address}`],
    ),
    ...clients.flatMap((client) =>
      router !== baseline.router || bound.some(({ mac }) => mac === client)
        ? []
        : [`${client} has no lease any more`],
    ),
  ];
}

/**
 * Entries whose timers have run out between two looks, and that are there all the same. Nobody has used them
 * meanwhile: connections in mid-air are left out.
 */
export function overstayed(before: Tables, now: Tables): string[] {
  const elapsed = now.at - before.at - LEEWAY;
  const stayed = (row: NatRow): boolean =>
    now.nat.some(({ protocol, inside, destination, age }) =>
      protocol === row.protocol && inside === row.inside && destination === row.destination
        ? age >= elapsed
        : false,
    );
  return before.nat.flatMap((row) =>
    row.protocol !== 'tcp' && row.expiresIn < elapsed && stayed(row)
      ? [
          `the router still translates ${row.protocol} ${row.inside}, ${Math.round(elapsed)} ms after ${Math.round(row.expiresIn)} ms were left`,
        ]
      : [],
  );
}
