// A home router whose outer address is a lease: without it nothing leaves, and with another it goes on.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { type DhcpServer, startDhcpServer } from '../../shared/apps/dhcp/server.ts';
import { validateTopology } from '../../shared/topology/validate.ts';
import { VirtualNet } from '../support/virtual-net.ts';

const WEB = '93.184.216.34';
const TOPOLOGY = {
  name: 'nat-by-dhcp',
  devices: {
    laptop: { kind: 'host', interfaces: { eth0: { ipv4: '192.168.0.10/24', gateway: '192.168.0.1' } } },
    home: {
      kind: 'router',
      interfaces: { lan: { ipv4: '192.168.0.1/24' }, wan: { ipv4: 'dhcp' } },
      nat: { outside: 'wan' },
    },
    isp: {
      kind: 'router',
      interfaces: { home: { ipv4: '51.0.0.1/24' }, web: { ipv4: '93.184.216.1/24' } },
    },
    web: {
      kind: 'web-server',
      interfaces: { eth0: { ipv4: `${WEB}/24`, gateway: '93.184.216.1' } },
      http: { sites: { 'ifconfig.me': { answer: 'client-address' } } },
    },
  },
  cables: {
    lan: { ends: ['home:lan', 'laptop:eth0'] },
    uplink: { ends: ['isp:home', 'home:wan'] },
    'isp-web': { ends: ['isp:web', 'web:eth0'] },
  },
};

let net: VirtualNet;
let server: DhcpServer;

/** A DHCP server of the provider that has this one address to give. */
function lease(address: string): DhcpServer {
  const { sockets } = net.device('isp').device;
  const port = sockets.interfaces.find(({ name }) => name === 'home');
  const spec = { interface: 'home', range: [address, address] as const, lease: 600_000, dns: [] };
  return startDhcpServer(sockets, spec, { interface: port!, timing: 'fast' });
}

beforeEach(() => {
  const topology = validateTopology(TOPOLOGY, '/topology.json');
  net = new VirtualNet(topology, { publicCables: ['uplink', 'isp-web'] });
  server = lease('51.0.0.50');
});
afterEach(async () => {
  await server.close();
  await net.close();
  expect(net.faults).toEqual([]);
});

const wan = () => net.device('home').device.stack.interface('wan').addresses;
const myAddress = () => net.exec('laptop', `curl -sS -m 5 -H Host:ifconfig.me http://${WEB}/`);

test('NAT-8: without a lease nothing private leaves, and with another address it goes on', async () => {
  await net.clock.runUntilAsync(() => wan().length > 0, 10_000);
  expect((await myAddress()).stdout).toBe('51.0.0.50\n');

  await server.close();
  await net.clock.runUntilAsync(() => wan().length === 0, 700_000);
  expect(wan()).toEqual([]);
  const ping = await net.exec('laptop', `ping -c 1 -W 1 ${WEB}`);
  expect(ping.stdout).toContain('From 192.168.0.1 icmp_seq=1 Destination Net Unreachable');
  expect((await net.exec('laptop', 'ping -c 1 -W 1 51.0.0.1')).code).toBe(1);

  server = lease('51.0.0.60');
  await net.clock.runUntilAsync(() => wan().length > 0, 100_000);
  expect((await myAddress()).stdout).toBe('51.0.0.60\n');
  const table = net.device('home').device.nat?.table() ?? [];
  expect(new Set(table.map(({ outside }) => outside.address))).toEqual(new Set([wan()[0]?.address]));
});

test('NAT-8: a connection that was open with the old address sends nothing with it', async () => {
  await net.clock.runUntilAsync(() => wan().length > 0, 10_000);
  const { sockets } = net.device('laptop').device;
  net
    .device('web')
    .device.sockets.createServer({}, (peer) => peer.resume())
    .listen(7);
  const socket = sockets.connect({ host: WEB, port: 7 });
  const ends: string[] = [];
  socket.on('error', ({ code }: NodeJS.ErrnoException) => ends.push(code ?? ''));
  socket.write('before');
  await net.clock.runUntilAsync(() => false, 1000);
  await server.close();
  await net.clock.runUntilAsync(() => wan().length === 0, 700_000);
  server = lease('51.0.0.60');
  await net.clock.runUntilAsync(() => wan().length > 0, 100_000);
  // It is met in midstream, leaves with the new address, and the far end, which knows nothing of it, resets it.
  socket.write('after');
  await net.clock.runUntilAsync(() => ends.length > 0, 10_000);
  expect(ends).toEqual(['ECONNRESET']);
  socket.destroy();
});
