// Two TCPs over a bad line: whatever it does, the bytes arrive as they were sent, or the connection is given up.

import { describe, expect, test } from 'vitest';
import { equalBytes } from '../../../shared/core/bytes.ts';
import { seededRandom } from '../../../shared/core/random.ts';
import type { TcpSettings } from '../../../shared/stack/tcp/settings.ts';
import { type Line, Pair, SERVER, SlowTransfer, Transfer } from './support/pair.ts';

const HOUR = 3_600_000;

interface Outcome {
  readonly client: Transfer;
  readonly server: Transfer;
  readonly pair: Pair;
  readonly up: Uint8Array;
  readonly down: Uint8Array;
}

/** A client sends `upBytes` and a server `downBytes`, at once. */
function transfer(
  seed: string,
  line: Line,
  upBytes: number,
  downBytes: number,
  settings?: Partial<TcpSettings>,
): Outcome {
  const pair = new Pair(seed, line, settings);
  const random = seededRandom(seed, 'data');
  const up = random.bytes(upBytes);
  const down = random.bytes(downBytes);
  const client = new Transfer(up);
  const server = new Transfer(down);
  pair.server.tcp.listen({
    port: 80,
    accept: (connection) => server.begin(connection),
  });
  client.connection = pair.client.tcp.connect({ address: SERVER, port: 80, user: client });
  const ended = pair.clock.runUntil(
    // An end that only waits may not learn that the other has given up.
    () => client.error !== undefined || server.error !== undefined || (client.isClosed && server.isClosed),
    HOUR,
  );
  expect(ended, `seed ${seed}: no end after an hour`).toBe(true);
  return { client, server, pair, up, down };
}

function expectPrefix(received: Uint8Array, sent: Uint8Array, seed: string): void {
  expect(equalBytes(received, sent.subarray(0, received.length)), `seed ${seed}: wrong bytes`).toBe(true);
}

function expectIntact({ client, server, up, down }: Outcome, seed: string): void {
  expect(client.error, `seed ${seed}: client`).toBeUndefined();
  expect(server.error, `seed ${seed}: server`).toBeUndefined();
  expect(server.receivedBytes.length, `seed ${seed}`).toBe(up.length);
  expect(client.receivedBytes.length, `seed ${seed}`).toBe(down.length);
  expectPrefix(server.receivedBytes, up, seed);
  expectPrefix(client.receivedBytes, down, seed);
}

const MEGABYTE = 1_000_000;

describe('over a perfect line', () => {
  test('1 MB down arrives, with one segment for each 1448 bytes and few ACKs', () => {
    const outcome = transfer('perfect', {}, 100, MEGABYTE);
    expectIntact(outcome, 'perfect');
    expect(outcome.pair.server.counters.get('tcp.retransmitted')).toBe(0);
    expect(outcome.pair.segments).toBeLessThan(1500);
  });

  test('no timer is left when all is over', () => {
    const { pair } = transfer('timers', {}, 1000, 1000);
    pair.clock.advance(61_000);
    expect(pair.client.tcp.sockets()).toEqual([]);
    expect(pair.server.tcp.sockets().map(({ state }) => state)).toEqual(['LISTEN']);
    expect(pair.clock.nextDue).toBeUndefined();
  });
});

describe('over a line with 10% loss, duplication and reordering', () => {
  const line: Line = { loss: 0.1, duplicate: 0.1, reorder: 0.1 };
  test.each(['cubic', 'newreno'] as const)('1 MB arrives intact, with %s', (congestionControl) => {
    for (let seed = 0; seed < 10; seed++) {
      const name = `bad-${congestionControl}-${seed}`;
      expectIntact(transfer(name, line, 500_000, MEGABYTE, { congestionControl }), name);
    }
  });
});

describe('with small buffers, slow readers and a path that narrows', () => {
  test('both ways, over a bad line, everything arrives: windows close and open, and nothing hangs', () => {
    for (let index = 0; index < 60; index++) {
      const seed = `slow-${index}`;
      const random = seededRandom(seed, 'shape');
      const pair = new Pair(
        seed,
        { loss: 0.08, duplicate: 0.05, reorder: 0.2, reorderBy: 60, delay: random.integer(0, 40) },
        {
          receiveBuffer: random.integer(1500, 20_000),
          sendBuffer: random.integer(1000, 20_000),
          congestionControl: index % 2 === 0 ? 'cubic' : 'newreno',
        },
      );
      const read = (wake: () => void) => pair.clock.after(random.integer(0, 300), wake);
      const up = random.bytes(random.integer(0, 60_000));
      const down = random.bytes(random.integer(0, 60_000));
      const client = new SlowTransfer(up, random.integer(100, 10_000), read);
      const server = new SlowTransfer(down, random.integer(100, 10_000), read);
      pair.server.tcp.listen({ port: 80, accept: (connection) => server.begin(connection) });
      client.connection = pair.client.tcp.connect({ address: SERVER, port: 80, user: client });
      pair.clock.after(500, () => {
        pair.client.network.mtu = pair.server.network.mtu = random.integer(100, 1400);
      });
      const ended = pair.clock.runUntil(() => client.isClosed && server.isClosed, HOUR);
      expect(ended, `seed ${seed}: no end after an hour`).toBe(true);
      expectIntact({ client, server, pair, up, down }, seed);
      pair.clock.advance(61_000);
      expect(pair.clock.nextDue, `seed ${seed}: a timer is left`).toBeUndefined();
    }
  });
});

describe('over a line with 30% loss', () => {
  test('data arrives intact or the connection is given up', () => {
    let intact = 0;
    for (let seed = 0; seed < 10; seed++) {
      const name = `worse-${seed}`;
      const outcome = transfer(name, { loss: 0.3, duplicate: 0.1, reorder: 0.1 }, 0, MEGABYTE);
      expectPrefix(outcome.client.receivedBytes, outcome.down, name);
      for (const { error } of [outcome.client, outcome.server])
        if (error) expect(error.code).toMatch(/^(ETIMEDOUT|ECONNRESET)$/);
      if (!outcome.client.error && !outcome.server.error) {
        expectIntact(outcome, name);
        intact++;
      }
    }
    expect(intact).toBeGreaterThan(0);
  });
});

describe('whatever the two ends agree on', () => {
  const offers: [string, Partial<TcpSettings>][] = [
    ['without SACK', { sack: false }],
    ['without timestamps', { timestamps: false }],
    ['with neither', { sack: false, timestamps: false }],
    [
      'with neither, nor a scale, and with NewReno',
      { sack: false, timestamps: false, windowScaling: false, congestionControl: 'newreno' },
    ],
    ['with ECN', { ecn: 'on' }],
  ];
  test.each(offers)('TCP-13, TCP-15: data crosses a bad line and 2^32, %s', (name, settings) => {
    for (let seed = 0; seed < 8; seed++) {
      const worst = seed % 2 === 0 ? 0.1 : 0.2;
      const line: Line = { loss: worst, duplicate: worst, reorder: 0.3, reorderBy: 50 };
      const label = `${name}-${seed}`;
      // With patience: where a third of all round trips fails, seven may fail in a row.
      const patient = { dataTimeout: 900_000, ...settings };
      expectIntact(transfer(label, line, 100_000, 150_000, patient), label);
    }
  });
});

describe('a peer that is frozen for five seconds', () => {
  test('TCP-8: costs a few needless repetitions and no window, for the timeouts are taken back', () => {
    const pair = new Pair('frozen', { delay: 10 });
    const data = seededRandom('frozen', 'data').bytes(32 * MEGABYTE);
    const client = new Transfer(new Uint8Array(0));
    const server = new Transfer(data);
    pair.server.tcp.listen({ port: 80, accept: (connection) => server.begin(connection) });
    client.connection = pair.client.tcp.connect({ address: SERVER, port: 80, user: client });
    pair.clock.advance(200);
    const window = () => Number(pair.server.tcp.sockets().at(-1)?.details.cwnd);
    const before = window();
    pair.freeze(pair.client);
    pair.clock.advance(5000);
    expect(pair.server.counters.get('tcp.retransmission-timeout')).toBeGreaterThan(2);
    expect(window()).toBeLessThan(2000);
    pair.thaw(pair.client);
    pair.clock.advance(50);
    expect(pair.server.counters.get('tcp.spurious-recovery')).toBe(1);
    expect(window()).toBeGreaterThanOrEqual(before);
    expect(pair.server.counters.get('tcp.retransmitted')).toBeLessThan(10);
    pair.clock.advance(2000);
    expect(equalBytes(client.receivedBytes, data)).toBe(true);
  });
});
