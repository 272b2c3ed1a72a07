// examples/recursive-dns.json on virtual time: a resolver, the root, a TLD, and the servers of two zones.

import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { seededRandom } from '../../shared/core/random.ts';
import type { Topology } from '../../shared/topology/types.ts';
import { loadTopology } from '../../shared/topology/validate.ts';
import { lossyFate } from '../support/lossy.ts';
import type { Fate } from '../support/memory-cable.ts';
import { VirtualNet } from '../support/virtual-net.ts';

let topology: Topology;
let net: VirtualNet;

beforeAll(async () => {
  topology = await loadTopology(new URL('../../examples/recursive-dns.json', import.meta.url).pathname);
});
beforeEach(() => {
  net = new VirtualNet(topology);
});
afterEach(async () => {
  await net.close();
  expect(net.faults).toEqual([]);
});

/** Zones of which the resolver was told whom to ask. */
const referrals = () =>
  net
    .device('resolver')
    .log.named('dns.referral')
    .map(({ fields }) => fields.zone);

test('DNS-8: a host`s question goes from the root down, over routers', async () => {
  const { stdout, code } = await net.exec('laptop', 'dig www.example.com');
  expect(code).toBe(0);
  expect(stdout).toMatch(/status: NOERROR.*\n;; flags: qr rd ra;/);
  expect(stdout).toMatch(/^www\.example\.com\.\t+300\tIN\tA\t93\.184\.216\.34$/m);
  expect(referrals()).toEqual(['com', 'example.com']);
});

test('DNS-8: an alias leads on to another zone, whose name servers have no glue', async () => {
  const { stdout } = await net.exec('laptop', 'dig +short www.example.net');
  expect(stdout).toBe('www.example.com.\n93.184.216.34\n');
  expect(referrals()).toEqual(['net', 'example.net', 'com', 'example.com']);
});

test('DNS-8: one of two servers of a zone is off: the other answers', async () => {
  net.cable('isp-ns1').setCarrier(false);
  for (let round = 0; round < 4; round++) {
    const { stdout } = await net.exec('laptop', 'dig +short www.example.com');
    expect(stdout).toBe('93.184.216.34\n');
    net.device('resolver').device.known.flushDnsServer?.();
  }
});

test('DNS-8: all servers of a zone are off: SERVFAIL on the first try of a client', async () => {
  net.cable('isp-ns1').setCarrier(false);
  net.cable('isp-ns2').setCarrier(false);
  const begun = net.clock.now();
  const { stdout, code } = await net.exec('laptop', 'dig www.example.com');
  expect(code).toBe(0);
  expect(stdout).toContain('status: SERVFAIL');
  expect(stdout).not.toContain('timed out');
  expect(net.clock.now() - begun).toBeLessThan(5000);
  expect((await net.exec('laptop', 'curl -sS http://www.example.com/')).code).toBe(6);
});

test('DNS-8: packets are lost on every cable, and answers come all the same', async () => {
  await net.close();
  let lost = 0;
  const fateOf = (name: string): Fate => {
    const fate = lossyFate(seededRandom(name), { loss: 0.03, delay: 1 });
    return (frame, from) => {
      const arrivals = fate(frame, from);
      lost += arrivals.length === 0 ? 1 : 0;
      return arrivals;
    };
  };
  const fates = Object.fromEntries(topology.cables.map(({ name }) => [name, fateOf(name)]));
  net = new VirtualNet(topology, { fates });
  for (let round = 0; round < 20; round++) {
    const { stdout } = await net.exec('laptop', 'dig +short www.example.net');
    expect(stdout).toMatch(/93\.184\.216\.34\n$/);
    net.device('resolver').device.known.flushDnsServer?.();
  }
  expect(lost).toBeGreaterThan(10);
});

test('an address has a name, a name without an IPv6 address is NODATA', async () => {
  const reverse = await net.exec('laptop', 'dig @199.43.135.53 -x 93.184.216.34 +short');
  expect(reverse.stdout).toBe('www.example.com.\n');
  const { stdout } = await net.exec('laptop', 'dig www.example.com AAAA');
  expect(stdout).toMatch(/status: NOERROR.*\n.*ANSWER: 0, AUTHORITY: 1/);
  expect(stdout).toMatch(/^example\.com\.\t+300\tIN\tSOA\t/m);
});

test('dig +trace shows each referral', async () => {
  const { stdout, code } = await net.exec('laptop', 'dig +trace www.example.com');
  expect(code).toBe(0);
  expect(stdout.replaceAll(/in \d+ ms/g, 'in T ms').replaceAll(/Received \d+/g, 'Received N')).toBe(
    '\n; <<>> DiG 9.18-tincan <<>> +trace www.example.com\n' +
      ';; global options: +cmd\n' +
      '.\t\t\t518400\tIN\tNS\ta.root-servers.net.\n' +
      ';; Received N bytes from 9.9.9.9#53(9.9.9.9) in T ms\n\n' +
      'com.\t\t\t172800\tIN\tNS\ta.gtld-servers.net.\n' +
      ';; Received N bytes from 198.41.0.4#53(a.root-servers.net) in T ms\n\n' +
      'example.com.\t\t172800\tIN\tNS\tns1.example.com.\n' +
      'example.com.\t\t172800\tIN\tNS\tns2.example.com.\n' +
      ';; Received N bytes from 192.5.6.30#53(a.gtld-servers.net) in T ms\n\n' +
      'www.example.com.\t300\tIN\tA\t93.184.216.34\n' +
      ';; Received N bytes from 199.43.135.53#53(ns1.example.com) in T ms\n\n',
  );
  const glueless = await net.exec('laptop', 'dig +trace +nocmd nothing.example.net');
  expect(glueless.stdout).toMatch(/^example\.net\.\t+\d+\tIN\tSOA\t/m);
  expect(glueless.stdout).toContain('(ns1.example.com)');
});

test('dig +trace ends where no server of a zone answers', async () => {
  net.cable('isp-tld').setCarrier(false);
  const { stdout, code } = await net.exec('laptop', 'dig +trace +tries=1 www.example.com');
  expect(code).toBe(9);
  expect(stdout).toMatch(/^com\./m);
  expect(stdout).toMatch(/;; no servers could be reached\n$/);
});
