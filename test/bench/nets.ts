// Nets that are measured, and what is done on them.

import { type Net, type TopologyFile, up } from '../../orchestrator/api.ts';

export const PAGE = 'http://www.example.com/';
export const WEB = '93.184.216.34';
export const ROUTER_MAC = '02:00:00:00:00:0a';

/** The default net. */
export function home(): Promise<Net> {
  return up('topology.json', { logLevel: 'info' });
}

/** A home router alone, whose LAN port and outside are free for others to sit at. */
export function routerAlone(): Promise<Net> {
  const topology: TopologyFile = {
    name: 'forwarding',
    devices: {
      router: {
        kind: 'router',
        interfaces: {
          lan: { bridge: ['lan1'], ipv4: '192.168.0.1/24', mac: ROUTER_MAC },
          wan: { ipv4: '51.0.0.20/24', gateway: '51.0.0.1' },
        },
        nat: { outside: 'wan' },
      },
    },
    cables: {},
  };
  return up(topology);
}

/** Downloads `bytes` on the laptop by so many connections at once; bits of payload a second. */
export async function download(net: Net, bytes: number, connections: number): Promise<number> {
  const each = Math.floor(bytes / connections);
  const begun = performance.now();
  await Promise.all(Array.from({ length: connections }, () => curl(net, `${PAGE}bytes/${each}`, each)));
  return (each * connections * 8) / ((performance.now() - begun) / 1000);
}

async function curl(net: Net, url: string, bytes: number): Promise<void> {
  const argv = ['curl', '-sS', '-o', '/dev/null', '-w', '%{size_download}', url];
  const { stdout, stderr } = await net.device('laptop').exec(argv);
  if (stdout !== String(bytes)) throw new Error(`${stdout} of ${bytes} bytes came: ${stderr}`);
}
