// The layouts and JSON field names of iproute2, trailing blanks included.

import { broadcastOf, formatIpv4, ipv4 } from '../../core/address.ts';
import type { LearnedMtu } from '../../stack/path-mtu.ts';
import type { ArpRow, LinkRow, RouteRow } from '../command.ts';
import type { FoundRoute } from './route-lookup.ts';

export interface NumberedLink {
  readonly index: number;
  readonly link: LinkRow;
}

/** Interface indexes: the order in the table, loopback first. */
export function numberLinks(links: readonly LinkRow[]): NumberedLink[] {
  return [...links]
    .sort((a, b) => Number(b.loopback) - Number(a.loopback))
    .map((row, at) => ({ index: at + 1, link: row }));
}

/** What iproute2 prints for a time without end. */
const FOREVER = 2 ** 32 - 1;
const TRANSMIT_QUEUE_LENGTH = 1000;
/** Frames go to the cable at once; what waits, waits there. */
const QUEUE_DISCIPLINE = 'noqueue';

function flagsOf({ loopback, carrier }: LinkRow): string[] {
  if (loopback) return ['LOOPBACK', 'UP', 'LOWER_UP'];
  return carrier
    ? ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP']
    : ['NO-CARRIER', 'BROADCAST', 'MULTICAST', 'UP'];
}

function stateOf({ loopback, carrier }: LinkRow): string {
  if (loopback) return 'UNKNOWN';
  return carrier ? 'UP' : 'DOWN';
}

function hardware(row: LinkRow): { type: string; address: string; broadcast: string } {
  return row.loopback
    ? { type: 'loopback', address: '00:00:00:00:00:00', broadcast: '00:00:00:00:00:00' }
    : { type: 'ether', address: row.mac, broadcast: 'ff:ff:ff:ff:ff:ff' };
}

function firstLine({ index, link: row }: NumberedLink, mode: string): string {
  const { type, address: mac, broadcast } = hardware(row);
  const master = row.master === undefined ? '' : `master ${row.master} `;
  return (
    `${index}: ${row.name}: <${flagsOf(row).join(',')}> mtu ${row.mtu} qdisc ${QUEUE_DISCIPLINE} ${master}` +
    `state ${stateOf(row)} ${mode}group default qlen ${TRANSMIT_QUEUE_LENGTH}\n` +
    `    link/${type} ${mac} brd ${broadcast}\n`
  );
}

type Ipv4Row = LinkRow['ipv4'][number];

function lifetime({ validFor }: Ipv4Row): number {
  return validFor === undefined ? FOREVER : Math.max(Math.floor(validFor / 1000), 0);
}

function broadcastAddress(row: LinkRow, own: Ipv4Row): string | undefined {
  if (row.loopback) return undefined;
  const broadcast = broadcastOf({ address: ipv4(own.address), prefixLength: own.prefixLength });
  return broadcast === undefined ? undefined : formatIpv4(broadcast);
}

function scope(row: LinkRow): string {
  return row.loopback ? 'host' : 'global';
}

function inetLine(row: LinkRow, own: Ipv4Row): string {
  const broadcast = broadcastAddress(row, own);
  return (
    `inet ${own.address}/${own.prefixLength}${broadcast === undefined ? '' : ` brd ${broadcast}`} ` +
    `scope ${scope(row)} ${own.validFor === undefined ? '' : 'dynamic '}${row.name}`
  );
}

function lifetimeLine(own: Ipv4Row): string {
  const seconds = lifetime(own);
  const text = seconds === FOREVER ? 'forever' : `${seconds}sec`;
  return `       valid_lft ${text} preferred_lft ${text}`;
}

/** An interface and its addresses, as `ip addr` shows it. */
export function address(numbered: NumberedLink): string {
  const { link: row } = numbered;
  const lines = row.ipv4.map((own) => `    ${inetLine(row, own)}\n${lifetimeLine(own)}\n`);
  return `${firstLine(numbered, '')}${lines.join('')}`;
}

export function oneLineAddress({ index, link: row }: NumberedLink): string {
  return row.ipv4
    .map((own) => `${index}: ${row.name}    ${inetLine(row, own)}\\${lifetimeLine(own)}\n`)
    .join('');
}

export function briefAddress({ link: row }: NumberedLink): string {
  const addresses = row.ipv4.map((own) => `${own.address}/${own.prefixLength} `).join('');
  return `${row.name.padEnd(16)} ${stateOf(row).padEnd(14)} ${addresses}\n`;
}

export function link(numbered: NumberedLink): string {
  return firstLine(numbered, 'mode DEFAULT ');
}

export function briefLink({ link: row }: NumberedLink): string {
  const mac = hardware(row).address;
  return `${row.name.padEnd(16)} ${stateOf(row).padEnd(14)} ${mac} <${flagsOf(row).join(',')}> \n`;
}

function commonJson({ index, link: row }: NumberedLink, extra: object): object {
  const { type, address: mac, broadcast } = hardware(row);
  return {
    ifindex: index,
    ifname: row.name,
    flags: flagsOf(row),
    mtu: row.mtu,
    qdisc: QUEUE_DISCIPLINE,
    ...(row.master !== undefined && { master: row.master }),
    operstate: stateOf(row),
    ...extra,
    group: 'default',
    txqlen: TRANSMIT_QUEUE_LENGTH,
    link_type: type,
    address: mac,
    broadcast,
  };
}

export function linkJson(numbered: NumberedLink): object {
  return commonJson(numbered, { linkmode: 'DEFAULT' });
}

export function addressJson(numbered: NumberedLink): object {
  const { link: row } = numbered;
  return {
    ...commonJson(numbered, {}),
    addr_info: row.ipv4.map((own) => {
      const broadcast = broadcastAddress(row, own);
      return {
        family: 'inet',
        local: own.address,
        prefixlen: own.prefixLength,
        ...(broadcast !== undefined && { broadcast }),
        scope: scope(row),
        ...(own.validFor !== undefined && { dynamic: true }),
        label: row.name,
        valid_life_time: lifetime(own),
        preferred_life_time: lifetime(own),
      };
    }),
  };
}

export function route(row: RouteRow): string {
  const via = row.via === undefined ? '' : `via ${row.via} `;
  const protocol = row.protocol === 'boot' ? '' : `proto ${row.protocol} `;
  const onLink = row.via === undefined ? 'scope link ' : '';
  const source = row.source === undefined ? '' : `src ${row.source} `;
  return `${row.destination} ${via}dev ${row.interface} ${protocol}${onLink}${source}\n`;
}

export function routeJson(row: RouteRow): object {
  return {
    dst: row.destination,
    ...(row.via !== undefined && { gateway: row.via }),
    dev: row.interface,
    ...(row.protocol !== 'boot' && { protocol: row.protocol }),
    ...(row.via === undefined && { scope: 'link' }),
    ...(row.source !== undefined && { prefsrc: row.source }),
    flags: [],
  };
}

export function foundRoute(target: string, found: FoundRoute): string {
  const kind = found.kind === 'unicast' ? '' : `${found.kind} `;
  const via = found.via === undefined ? '' : `via ${found.via} `;
  const source = found.source === undefined ? '' : `src ${found.source} `;
  const cache = found.kind === 'unicast' ? '' : `<${found.kind === 'local' ? 'local' : 'local,brd'}> `;
  const learned = found.learned ? `expires ${expiry(found.learned)}sec mtu ${found.learned.mtu} ` : '';
  return `${kind}${target} ${via}dev ${found.interface} ${source}uid 0 \n    cache ${cache}${learned}\n`;
}

export function foundRouteJson(target: string, found: FoundRoute): object {
  const { kind } = found;
  return {
    ...(kind !== 'unicast' && { type: kind }),
    dst: target,
    ...(found.via !== undefined && { gateway: found.via }),
    dev: found.interface,
    ...(found.source !== undefined && { prefsrc: found.source }),
    flags: [],
    uid: 0,
    cache: kind === 'unicast' ? [] : kind === 'local' ? ['local'] : ['local', 'brd'],
    ...(found.learned && { expires: expiry(found.learned), metrics: [{ mtu: found.learned.mtu }] }),
  };
}

/** Whole seconds. */
function expiry({ expiresIn }: LearnedMtu): number {
  return Math.floor(expiresIn / 1000);
}

export function neighbor(row: ArpRow, withDevice: boolean): string {
  const device = withDevice ? `dev ${row.interface} ` : '';
  const mac = row.mac === undefined ? '' : `lladdr ${row.mac} `;
  return `${row.address} ${device}${mac}${row.state.toUpperCase()} \n`;
}

export function neighborJson(row: ArpRow): object {
  return {
    dst: row.address,
    dev: row.interface,
    ...(row.mac !== undefined && { lladdr: row.mac }),
    state: [row.state.toUpperCase()],
  };
}
