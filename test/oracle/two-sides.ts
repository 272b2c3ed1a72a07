// One cable to impair, and on each side of it a device of ours and a Linux kernel:
//
//   web (10.0.0.1, ours)     ─ near ── wire ── far ─ host (10.0.0.3, ours)
//   linux-near (10.0.0.2)    ─┘                 └─ linux-far (10.0.0.4)

import { join } from 'node:path';
import { type Net, type TopologyFile, up } from '../../orchestrator/api.ts';
import { Namespace } from '../support/namespace.ts';
import { TAP, takeDown } from './home.ts';
import { startLinuxWebServer } from './linux-web-server.ts';

export const OURS = '10.0.0.1';
export const LINUX = '10.0.0.2';

const SITE = join(import.meta.dirname, '../../devices/sites/www.example.com');

export interface TwoSides {
  readonly net: Net;
  /** Has a web server. */
  readonly near: Namespace;
  /** Of that web server. */
  readonly congestionControl: string;
  readonly far: Namespace;
  close(): Promise<void>;
}

/**
 * @param longest the most bytes that the web server on Linux is asked for
 * @param seed of the cable: frame n of a direction meets the same fate with the same one
 */
export async function startTwoSides(longest: number, seed = 1): Promise<TwoSides> {
  const kernels = await Promise.all([Namespace.create(), Namespace.create()]);
  const [near, far] = kernels;
  let net: Net | undefined;
  try {
    net = await up(topology(near.name, far.name), { seed });
    await near.address(TAP, `${LINUX}/24`);
    await far.address(TAP, '10.0.0.4/24');
    const congestionControl = await startLinuxWebServer(near, longest);
    return { net, near, far, congestionControl, close: () => takeDown(net, kernels) };
  } catch (error) {
    await takeDown(net, kernels);
    throw error;
  }
}

function topology(near: string, far: string): TopologyFile {
  const tap = (netns: string): TopologyFile['devices'][string] => ({
    kind: 'tap',
    tap: { name: TAP, netns },
    interfaces: { eth0: {} },
  });
  const ports = { p1: {}, p2: {}, p3: {} };
  return {
    name: 'two-sides',
    devices: {
      web: {
        kind: 'web-server',
        interfaces: { eth0: { ipv4: `${OURS}/24` } },
        http: { sites: { [OURS]: { root: SITE } } },
      },
      'linux-near': tap(near),
      near: { kind: 'switch', interfaces: ports },
      far: { kind: 'switch', interfaces: ports },
      host: { kind: 'host', interfaces: { eth0: { ipv4: '10.0.0.3/24' } } },
      'linux-far': tap(far),
    },
    cables: {
      'web-near': { ends: ['web:eth0', 'near:p1'] },
      'linux-near': { ends: ['linux-near:eth0', 'near:p2'] },
      wire: { ends: ['near:p3', 'far:p3'] },
      'host-far': { ends: ['host:eth0', 'far:p1'] },
      'linux-far': { ends: ['linux-far:eth0', 'far:p2'] },
    },
  };
}
