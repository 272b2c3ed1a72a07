// Messages to a name server that are small to send and long to read.

import { expect, test } from 'vitest';
import { MessageSplitter } from '../../shared/apps/dns/framing.ts';
import { startDnsServer } from '../../shared/apps/dns/server.ts';
import { fromHex } from '../../shared/core/bytes.ts';
import { Malformed } from '../../shared/core/errors.ts';
import { decodeDns, dnsQuery, encodeDns } from '../../shared/wire/dns/message.ts';
import { decodeName } from '../../shared/wire/dns/name.ts';
import { twoHosts } from '../support/two-hosts.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

/** A header that counts `questions`, then `bytes`. */
function message(questions: number, bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([
    ...fromHex('0001 0100'),
    questions >> 8,
    questions & 255,
    0,
    0,
    0,
    0,
    0,
    0,
    ...bytes,
  ]);
}

test('a chain of pointers is followed for 127 and no more', () => {
  const chain = (pointers: number): Uint8Array => {
    const bytes = new Uint8Array(13 + 2 * pointers);
    bytes[12] = 0;
    for (let index = 0; index < pointers; index++) {
      const target = index === 0 ? 12 : 13 + 2 * (index - 1);
      bytes.set([0xc0 | (target >> 8), target & 255], 13 + 2 * index);
    }
    return bytes;
  };
  expect(decodeName(chain(127), 13 + 2 * 126)).toMatchObject({ name: '.', steps: 127 });
  expect(decodeName(chain(128), 13 + 2 * 127)).toBeInstanceOf(Malformed);
});

test('thousands of pointers to one long name are not all written out', () => {
  const name = Uint8Array.from([...Array.from({ length: 120 }, () => [1, 97]).flat(), 0]);
  const question = (at: number) => [0xc0 | (at >> 8), at & 255, 0, 1, 0, 1];
  const many = (count: number): Uint8Array =>
    message(
      1 + count,
      Uint8Array.from([...name, 0, 1, 0, 1, ...Array.from({ length: count }, () => question(12)).flat()]),
    );
  expect(decodeDns(many(500))).toMatchObject({ id: 1 });
  expect(decodeDns(many(8000))).toMatchObject({ reason: 'names-too-long' });
});

test('a message in sixty thousand segments is put together once', () => {
  const splitter = new MessageSplitter();
  const { set } = Uint8Array.prototype;
  let copied = 0;
  Uint8Array.prototype.set = function (this: Uint8Array, source: ArrayLike<number>, offset?: number) {
    copied += source.length;
    set.call(this, source, offset);
  };
  try {
    const whole = new Uint8Array(60_002).fill(7);
    whole.set([60_000 >> 8, 60_000 & 255]);
    const messages = Array.from(whole, (_, index) => splitter.push(whole.subarray(index, index + 1))).flat();
    expect(messages.map(({ length }) => length)).toEqual([60_000]);
    expect(splitter.push(fromHex('0000 0001 ff 0002 0102 0003'))).toEqual([
      fromHex(''),
      fromHex('ff'),
      fromHex('0102'),
    ]);
  } finally {
    Uint8Array.prototype.set = set;
  }
  expect(copied).toBeLessThan(2 * 60_002 + 100);
});

test('ten thousand questions at once for what a dead forwarder knows: so many wait, the others are refused, and zones are answered', async () => {
  const clock = new VirtualClock();
  const hosts = twoHosts(clock);
  const zones = { 'example.com': { www: { A: ['93.184.216.34'], ttl: 60_000 } } };
  const server = startDnsServer(hosts.b.sockets, { zones, forwarders: ['10.0.0.9'], roots: {} });
  const answers = new Map<number, number>();
  const socket = hosts.a.sockets.createUdpSocket();
  socket.on('message', (bytes: Uint8Array) => {
    const answer = decodeDns(bytes);
    if (!(answer instanceof Malformed)) answers.set(answer.id, answer.rcode);
  });
  const ask = (id: number, name: string) =>
    socket.send(encodeDns(dnsQuery({ id, name, type: 'A' })), 53, '10.0.0.2');
  ask(0, 'www.example.com');
  await clock.runUntilAsync(() => answers.size === 1, 1000);
  for (let id = 1; id <= 10_000; id++) {
    ask(id, `n${id % 3000}.example.org`);
    if (id % 100 === 0) await clock.runUntilAsync(() => true, 0);
  }
  ask(10_001, 'www.example.com');
  await clock.runUntilAsync(() => answers.has(10_001), 1000);
  expect(answers.get(10_001)).toBe(0);
  expect(hosts.b.counters.get('dns.too-many-clients')).toBe(9500);
  // No more than its questions that wait have sockets: one client's share.
  expect(hosts.b.stack.udp.endpoints().length).toBeLessThanOrEqual(501);
  await clock.runUntilAsync(() => answers.size === 10_002, 60_000);
  expect(answers.size).toBe(10_002);
  expect(hosts.b.stack.udp.endpoints()).toHaveLength(1);
  await server.close();
  hosts.close();
});
