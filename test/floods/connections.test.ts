// Many connections that want nothing done, as a slow-loris attack makes them: a bound, and room for who
// wants something.

import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { exchange } from '../../shared/apps/dns/exchange.ts';
import { startDnsServer } from '../../shared/apps/dns/server.ts';
import { fetchUrl } from '../../shared/apps/http/client.ts';
import { startHttpServer } from '../../shared/apps/http/server.ts';
import type { Service, TcpSocket } from '../../shared/socket/sockets.ts';
import { dnsQuery } from '../../shared/wire/dns/message.ts';
import { type TwoHosts, twoHosts } from '../support/two-hosts.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const clock = new VirtualClock();
let hosts: TwoHosts;
let service: Service;

afterEach(async () => {
  await service.close();
  hosts.close();
});

function startWeb(): void {
  hosts = twoHosts(clock, undefined, { fate: () => [0.1] });
  const sites = { '10.0.0.2': { answer: 'client-address' as const } };
  service = startHttpServer(hosts.b.sockets, { port: 80, sites }, { seed: 1 });
}

/** Lets time pass until `work` is done. */
async function done<T>(work: Promise<T>, limit = 600_000): Promise<T> {
  let over = false;
  const end = () => {
    over = true;
  };
  work.then(end, end);
  if (!(await clock.runUntilAsync(() => over, limit))) throw new Error('it never ended');
  return work;
}

/** Opens connections, in order, that say `words` and then nothing more. */
async function crowd(port: number, count: number, words: string): Promise<TcpSocket[]> {
  // So that ARP is done: of all packets that wait for it some would have to come again later.
  hosts.a.sockets.connect({ host: '10.0.0.2', port: 9 }).on('error', () => {});
  await clock.runUntilAsync(() => false, 10);
  const sockets = Array.from({ length: count }, () => {
    const socket = hosts.a.sockets.connect({ host: '10.0.0.2', port });
    socket.on('error', () => {});
    socket.write(words);
    return socket;
  });
  await clock.runUntilAsync(() => false, 5000);
  return sockets;
}

const connectionsOf = ({ stack }: TwoHosts['b']) =>
  stack.tcp.sockets().filter(({ state }) => state === 'ESTABLISHED').length;

describe('the web server', () => {
  test('keeps 1,024 connections; beyond, the one that got nothing done for longest makes room', async () => {
    startWeb();
    const page = async () => text((await fetchUrl(hosts.a.sockets, 'http://10.0.0.2/')).body);
    const half = 'GET / HTTP/1.1\r\nHost: 10.0.0.2\r\nX-Slow:';
    const first = await crowd(80, 1024, half);
    expect(hosts.b.counters.get('http.too-many-connections')).toBe(0);
    expect(connectionsOf(hosts.b)).toBe(1024);
    // One of them goes on after all: it is not the idlest any more.
    const patient = first[0]!;
    patient.write(' no\r\n\r\n');
    await clock.runUntilAsync(() => patient.bytesRead > 0, 1000);

    await crowd(80, 500, half);
    expect(hosts.b.counters.get('http.too-many-connections')).toBe(500);
    expect(connectionsOf(hosts.b)).toBeLessThanOrEqual(1024);
    expect(await done(page())).toBe('10.0.0.1\n');
    expect([patient.destroyed, first[1]!.destroyed]).toEqual([false, true]);
  });

  test('ends a request that stops in its midst, and an answer that nobody takes, after two minutes of silence', async () => {
    startWeb();
    const [half] = await crowd(
      80,
      1,
      'POST /bytes HTTP/1.1\r\nHost: 10.0.0.2\r\nContent-Length: 10\r\n\r\n123',
    );
    const unread = hosts.a.sockets.connect({ host: '10.0.0.2', port: 80 });
    unread.on('error', () => {});
    unread.write('GET /bytes/10000000 HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n');
    await clock.runUntilAsync(() => false, 110_000);
    expect([half!.destroyed, connectionsOf(hosts.b)]).toEqual([false, 2]);
    await clock.runUntilAsync(() => false, 15_000);
    expect(half!.destroyed).toBe(true);
    // Of the answer some was taken at first: that begins the two minutes anew, once.
    await clock.runUntilAsync(() => false, 120_000);
    expect(connectionsOf(hosts.b)).toBe(0);
  });
});

test('the name server keeps 200 TCP connections; beyond, the idlest makes room', async () => {
  hosts = twoHosts(clock);
  const zones = { 'example.com': { www: { A: ['93.184.216.34'], ttl: 60_000 } } };
  service = startDnsServer(hosts.b.sockets, { zones, forwarders: [], roots: {} });
  // Half a message each: its length, and the rest never.
  const crowded = await crowd(53, 300, '\u0001');
  expect(hosts.b.counters.get('dns.too-many-connections')).toBe(100);
  expect(connectionsOf(hosts.b)).toBe(200);
  const query = dnsQuery({ id: 1, name: 'www.example.com', type: 'A' });
  const asked = exchange(hosts.a.sockets, { server: '10.0.0.2', query, transport: 'tcp', timeout: 5000 });
  expect((await done(asked)).answers).toHaveLength(1);
  expect([crowded[100]!.destroyed, crowded[299]!.destroyed]).toEqual([true, false]);
});
