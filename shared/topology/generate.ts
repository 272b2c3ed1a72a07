// Bigger nets made to measure: homes behind providers, as the Internet's edge is. All homes have the same
// addresses inside, behind a NAT of their own.

import type { TopologyFile } from './schema.ts';

export interface GenerateOptions {
  readonly name: string;
  readonly seed: number;
  /** Homes, each a router with its hosts. */
  readonly homes: number;
  /** Hosts in each home. */
  readonly hosts: number;
  /** Providers, between which the homes are shared out in turn. */
  readonly isps: number;
  /** Folder of the web site www.example.com. */
  readonly site: string;
}

type Devices = TopologyFile['devices'];
type Interfaces = NonNullable<Devices[string]['interfaces']>;

/**
 * Most of each: an octet of an address counts the providers, one the homes of each, one the hosts. A file of so
 * many devices is still one that `tincan up` reads.
 */
export const MOST = { isps: 200, homesPerIsp: 200, hosts: 80, devices: 5000 } as const;

const DNS = '8.8.8.8';
const WEB = '93.184.216.34';

/**
 * The net, as it stands in a file, where who serves others stands before them, and so starts before them:
 *
 * - home H behind provider I: `homeH` (router, 192.168.0.1 inside, 51.I.n.20 outside, n counting the homes of
 *   that provider) and hosts `homeH-host1`, … with leases of it;
 * - provider I: `ispI`, 51.I.n.1 towards its homes, 80.0.I.2 towards the exchange;
 * - `exchange`, which joins the providers (80.0.I.1) with `dns` (8.8.8.8) and `web` (93.184.216.34).
 */
export function generateTopology(options: GenerateOptions): TopologyFile {
  const { name, seed, homes, isps } = options;
  const devices: Devices = {};
  const cables: NonNullable<TopologyFile['cables']> = {};
  devices.exchange = exchange(isps);
  Object.assign(devices, servers(options.site));
  cables['exchange-dns'] = { ends: ['exchange:dns', 'dns:eth0'] };
  cables['exchange-web'] = { ends: ['exchange:web', 'web:eth0'] };
  for (let isp = 1; isp <= isps; isp++) {
    devices[`isp${isp}`] = provider(isp, options);
    cables[`isp${isp}-exchange`] = { ends: [`isp${isp}:exchange`, `exchange:isp${isp}`] };
  }
  for (let home = 1; home <= homes; home++) addHome(home, options, devices, cables);
  return { name, seed, devices, cables };
}

/** Which provider a home is behind, and the how manieth of its homes it is. */
function placeOf(home: number, isps: number): { isp: number; nth: number } {
  return { isp: ((home - 1) % isps) + 1, nth: Math.floor((home - 1) / isps) + 1 };
}

/** How many devices the net has. */
export function devicesOf({ homes, hosts, isps }: Pick<GenerateOptions, 'homes' | 'hosts' | 'isps'>): number {
  return homes * (1 + hosts) + isps + 3;
}

function addHome(
  home: number,
  { hosts, isps }: GenerateOptions,
  devices: Devices,
  cables: NonNullable<TopologyFile['cables']>,
): void {
  const { isp, nth } = placeOf(home, isps);
  const router = `home${home}`;
  const ports = Array.from({ length: hosts }, (_, index) => `lan${index + 1}`);
  devices[router] = {
    kind: 'router',
    interfaces: {
      // One port stays free.
      lan: { bridge: [...ports, `lan${hosts + 1}`], ipv4: '192.168.0.1/24' },
      wan: { ipv4: `51.${isp}.${nth}.20/24`, gateway: `51.${isp}.${nth}.1` },
    },
    nat: { outside: 'wan' },
    dhcp: { interface: 'lan', range: ['192.168.0.10', '192.168.0.99'], lease: '1h', dns: [DNS] },
  };
  cables[`${router}-uplink`] = { ends: [`${router}:wan`, `isp${isp}:${router}`] };
  for (const [index, port] of ports.entries()) {
    const host = `${router}-host${index + 1}`;
    devices[host] = { kind: 'host', interfaces: { eth0: { ipv4: 'dhcp' } } };
    cables[host] = { ends: [`${host}:eth0`, `${router}:${port}`] };
  }
}

function provider(isp: number, { homes, isps }: GenerateOptions): Devices[string] {
  const interfaces: Interfaces = {
    exchange: { ipv4: `80.0.${isp}.2/24`, gateway: `80.0.${isp}.1` },
  };
  for (let home = isp; home <= homes; home += isps) {
    const { nth } = placeOf(home, isps);
    interfaces[`home${home}`] = { ipv4: `51.${isp}.${nth}.1/24` };
  }
  return { kind: 'isp-router', interfaces };
}

function exchange(isps: number): Devices[string] {
  const interfaces: Interfaces = { dns: { ipv4: '8.8.8.1/24' }, web: { ipv4: '93.184.216.1/24' } };
  const routes = [];
  for (let isp = 1; isp <= isps; isp++) {
    interfaces[`isp${isp}`] = { ipv4: `80.0.${isp}.1/24` };
    routes.push({ to: `51.${isp}.0.0/16`, via: `80.0.${isp}.2` });
  }
  return { kind: 'isp-router', interfaces, routes };
}

function servers(site: string): Devices {
  const records = { A: [WEB], ttl: '5m' };
  return {
    dns: {
      kind: 'dns-server',
      interfaces: { eth0: { ipv4: `${DNS}/24`, gateway: '8.8.8.1' } },
      dns: { zones: { 'example.com': { www: records }, 'ifconfig.me': { '@': records } } },
    },
    web: {
      kind: 'web-server',
      interfaces: { eth0: { ipv4: `${WEB}/24`, gateway: '93.184.216.1', dns: [DNS] } },
      http: {
        sites: { 'www.example.com': { root: site }, 'ifconfig.me': { answer: 'client-address' } },
      },
    },
  };
}
