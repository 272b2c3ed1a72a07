// The net that a soak runs on: the default one, with names that are soon forgotten, a server that the
// supervisor starts again, and another that answers to its address too.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TopologyFile } from '../../orchestrator/api.ts';
import { packageRoot } from '../../orchestrator/package-root.ts';

export const HOSTS = ['laptop', 'phone'] as const;
export const WEB_NAME = 'www.example.com';
export const WEB_ADDRESS = '93.184.216.34';
export const DNS_ADDRESS = '8.8.8.8';
/** What a name server says that lies: there is a host, and no web server. */
export const WRONG_ADDRESS = DNS_ADDRESS;
/** What a DHCP server offers that lies: an address of the LAN, the same to all. */
export const WRONG_LEASE = '192.168.0.77';

/** Started again by the supervisor when it ends by itself. */
export const REVIVED = 'dns';

export class SoakNet {
  readonly topology: TopologyFile;
  readonly devices: readonly string[];
  /** By cable: its two ends as `device:interface`. */
  readonly cables: ReadonlyMap<string, readonly [string, string]>;

  /** @param seed odd ones have Unix sockets under their cables */
  constructor(seed: number) {
    const text = readFileSync(join(packageRoot, 'topology.json'), 'utf8');
    const sites = `"${packageRoot}/devices/sites/`;
    const topology = JSON.parse(text.replaceAll('"devices/sites/', sites).replaceAll('"5m"', '"1s"'));
    delete topology.$schema;
    topology.name = 'soak';
    topology.transport = seed % 2 === 1 ? 'unix' : 'tcp';
    topology.devices[REVIVED].restart = 'on-failure';
    topology.devices.web.http.sites[WEB_ADDRESS] = { answer: 'client-address' };
    this.topology = topology;
    this.devices = Object.keys(topology.devices);
    this.cables = new Map(
      Object.entries(topology.cables as Record<string, { ends: [string, string] }>).map(
        ([name, { ends }]) => [name, ends],
      ),
    );
  }

  /** The devices at the ends of a cable. */
  endsOf(cable: string): readonly [string, string] {
    const [a, b] = this.cables.get(cable)!;
    return [a.split(':')[0]!, b.split(':')[0]!];
  }
}
