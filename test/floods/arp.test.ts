// Floods of ARP, and of packets to where nobody is: the table keeps its bounds, and who is really there is
// found and stays found.

import { expect, test } from 'vitest';
import { ipv4 } from '../../shared/core/address.ts';
import { type Bench, stackBench } from '../support/stack-bench.ts';

const PEER = '10.0.0.2';

/** Entries of neighbours that packets go to, that are asked for, and that only spoke. */
const MOST = 1024 + 512 + 256;

function host(): Bench & { ping(to: number, sequence: number): void } {
  const bench = stackBench({ interfaces: { eth0: { address: '10.0.0.1/8', station: PEER } } });
  const echo = bench.stack.echo.open({ replied: () => {}, failed: () => {} });
  return { ...bench, ping: (to, sequence) => echo.send(to, sequence, new Uint8Array(8)) };
}

const stranger = (index: number) => ({
  address: ipv4('10.9.0.0') + index,
  mac: 0x020000000000 + 0x10000 + index,
});

test('requests of ten thousand strangers are answered; of them 256 are remembered, and a packet finds its way meanwhile', () => {
  const { station, ping, stack, counters } = host();
  const peer = station('eth0');
  const { address } = peer;
  // The peer is slow: 300 strangers speak between question and answer.
  peer.address = undefined;
  for (let index = 0; index < 5000; index++) ask(index);
  ping(ipv4(PEER), 1);
  for (let index = 5000; index < 5300; index++) ask(index);
  peer.address = address;
  peer.sendArp({ operation: 'reply', senderAddress: ipv4(PEER) }, stack.interface('eth0').mac);
  expect(peer.packets().filter(({ ip }) => ip.destination === ipv4(PEER))).toHaveLength(1);
  for (let index = 5300; index < 10_000; index++) ask(index);
  expect(peer.frames().filter((frame) => frame[13] === 6)).toHaveLength(4700);
  const rows = stack.arp('eth0').table();
  expect(rows).toHaveLength(257);
  expect(rows.find((row) => row.address === ipv4(PEER))?.state).toBe('reachable');
  expect(counters.get('arp.table-full')).toBe(10_000 - 256);

  function ask(index: number): void {
    const { address: senderAddress, mac: senderMac } = stranger(index);
    peer.sendArp({ senderAddress, senderMac, targetAddress: ipv4('10.0.0.1') });
  }
});

test('replies that nobody asked for are not remembered', () => {
  const { station, stack } = host();
  for (let index = 0; index < 2000; index++) {
    const { address: senderAddress, mac: senderMac } = stranger(index);
    station('eth0').sendArp({ operation: 'reply', senderAddress, senderMac }, stack.interface('eth0').mac);
  }
  expect(stack.arp('eth0').table()).toEqual([]);
});

test('a scan of dark addresses keeps its bounds: who is known stays, and who is asked for is found', () => {
  const { ping, stack, counters, clock } = host();
  ping(ipv4(PEER), 1);
  clock.settle();
  for (let index = 0; index < 20_000; index++) ping(ipv4('10.1.0.0') + index, 1);
  expect(stack.arp('eth0').table().length).toBeLessThanOrEqual(MOST);
  expect(
    stack
      .arp('eth0')
      .table()
      .find((row) => row.address === ipv4(PEER))?.state,
  ).toBe('reachable');
  expect(counters.get('arp.table-full')).toBe(20_000 - 512);
  clock.advance(5000);
  expect(clock.nextDue).toBeUndefined();
  expect(counters.get('arp.unresolved')).toBe(20_000);
});

test('packets that wait for silent neighbours leave room for those that wait for others', () => {
  const { station, ping, stack, counters } = host();
  const peer = station('eth0');
  const late = ipv4('10.0.0.3');
  // Thirty dark addresses have a hundred packets each: more than may wait in all.
  for (let index = 0; index < 30; index++)
    for (let sequence = 0; sequence < 100; sequence++) ping(ipv4('10.1.0.0') + index, sequence);
  expect(counters.get('arp.queue-full')).toBeGreaterThan(500);
  peer.frames();
  for (let sequence = 1; sequence <= 4; sequence++) ping(late, sequence);
  expect(peer.arps().map(({ targetAddress }) => targetAddress)).toContain(late);
  peer.sendArp({ operation: 'reply', senderAddress: late }, stack.interface('eth0').mac);
  expect(peer.packets()).toHaveLength(4);
});

test('the questions for a thousand neighbours are asked again in one pass each second', () => {
  const { ping, clock } = host();
  for (let index = 0; index < 500; index++) {
    ping(ipv4('10.1.0.0') + index, 1);
    clock.advance(1);
  }
  let steps = 0;
  const before = clock.now();
  while (clock.nextDue !== undefined && clock.step()) steps++;
  expect(clock.now() - before).toBeLessThan(4000);
  // Two more questions and the end, for each, at the moment that it is due: none is looked at in vain.
  expect(steps).toBeLessThan(500 * 3 + 10);
});
