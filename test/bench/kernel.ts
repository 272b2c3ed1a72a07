// The default net as Linux itself would do it: namespaces joined by veth, with forwarding and NAT of the
// kernel. Nothing is copied between them, and segments of 64 KiB pass whole.

import type { Namespace } from '../support/namespace.ts';
import type { Figure } from './figure.ts';
import { downloadAgainst, type Ends, lackOf, namespace } from './namespaces.ts';
import { WEB } from './nets.ts';
import type { Teardown } from './teardown.ts';

const MASQUERADE =
  'add table ip nat; ' +
  'add chain ip nat out { type nat hook postrouting priority srcnat; }; ' +
  'add rule ip nat out oifname wan masquerade';

/** An interface of a namespace, and its address. */
type End = readonly [namespace: Namespace, device: string, cidr: string];

async function cable(...ends: readonly [End, End]): Promise<void> {
  const [[near, device], [far, peer]] = ends;
  await near.ok('ip', 'link', 'add', device, 'type', 'veth', 'peer', 'name', peer, 'netns', far.name);
  for (const [namespace, name, cidr] of ends) {
    await namespace.address(name, cidr);
    await namespace.ok('ip', 'link', 'set', name, 'up');
  }
}

async function homeOfKernels(teardown: Teardown): Promise<Ends> {
  const client = await namespace(teardown);
  const router = await namespace(teardown);
  const isp = await namespace(teardown);
  const server = await namespace(teardown);
  await cable([client, 'eth0', '192.168.0.10/24'], [router, 'lan', '192.168.0.1/24']);
  await cable([router, 'wan', '51.0.0.20/24'], [isp, 'home', '51.0.0.1/24']);
  await cable([isp, 'web', '93.184.216.1/24'], [server, 'eth0', `${WEB}/24`]);
  for (const [host, gateway] of [
    [client, '192.168.0.1'],
    [router, '51.0.0.1'],
    [server, '93.184.216.1'],
  ] as const)
    await host.ok('ip', 'route', 'add', 'default', 'via', gateway);
  for (const forwarder of [router, isp]) await forwarder.ok('sysctl', '-qw', 'net.ipv4.ip_forward=1');
  await router.ok('nft', MASQUERADE);
  return { client, server };
}

export const kernel: Figure = {
  name: 'kernel',
  title: 'goodput of one download through NAT',
  against: 'network namespaces of Linux',
  unit: 'bit/s',
  missing: async () => lackOf({ nft: 'nftables', iperf3: 'iperf3' }),
  open: downloadAgainst(homeOfKernels),
};
