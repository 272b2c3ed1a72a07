// A stream as its segments come in messages, to the stack of a host: whether each has a message of its own or
// many share one, the same must come of it.

import { expect, test, vi } from 'vitest';
import { ipv4 } from '../../../shared/core/address.ts';
import { type Random, seededRandom } from '../../../shared/core/random.ts';
import { FlowCache } from '../../../shared/stack/flow-cache.ts';
import type { TcpConnection } from '../../../shared/stack/tcp/connection-api.ts';
import { ETHERTYPE_IPV4, encodeEthernet } from '../../../shared/wire/ethernet.ts';
import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_SYN, type TcpSegment } from '../../../shared/wire/tcp.ts';
import { tcpPacket } from '../../support/packets.ts';
import { stackBench } from '../../support/stack-bench.ts';

const HOST = '10.0.0.1';
const PEER = '10.0.0.2';
const SEGMENT = 100;
const SEGMENTS = 120;

/** A host that listens, and a peer that has opened a connection to it. */
function opened(timestamps: boolean) {
  const bench = stackBench({ interfaces: { eth: { address: `${HOST}/24`, station: PEER } } });
  const station = bench.station('eth');
  let connection: TcpConnection | undefined;
  const received: number[] = [];
  bench.stack.tcp.listen({
    port: 80,
    accept: (accepted) => {
      connection = accepted;
      accepted.user = {
        connected() {},
        writable() {},
        drained() {},
        closed() {},
        readable() {
          for (let data = accepted.read(); data; data = accepted.read()) received.push(...data);
        },
      };
    },
  });
  const frame = (segment: Partial<TcpSegment>, value = 1) =>
    encodeEthernet({
      destination: bench.mac('eth'),
      source: station.mac,
      type: ETHERTYPE_IPV4,
      payload: tcpPacket(`${PEER}:5000`, `${HOST}:80`, {
        ...segment,
        options: { ...segment.options, ...(timestamps && { timestamps: { value, echo: 0 } }) },
      }),
    });
  station.sendFrame(frame({ flags: TCP_SYN, sequence: 999, options: { mss: 1460 } }));
  const [synAck] = station.packets();
  const acknowledgment = synAck!.tcp!.sequence + 1;
  station.sendFrame(frame({ flags: TCP_ACK, sequence: 1000, acknowledgment }));
  station.packets();
  return { ...bench, station, frame, acknowledgment, received, connection: () => connection! };
}

/** The stream's segments, now and then out of order, twice, torn, without PSH, or with another window. */
function segments(random: Random, acknowledgment: number): [Partial<TcpSegment>, number, boolean][] {
  const all = Array.from({ length: SEGMENTS }, (_, index): [Partial<TcpSegment>, number, boolean] => [
    {
      flags: TCP_ACK | (random.integer(0, 3) === 0 ? TCP_PSH : 0),
      sequence: 1000 + index * SEGMENT,
      acknowledgment,
      window: random.integer(0, 15) === 0 ? 1000 : 65_535,
      payload: new Uint8Array(SEGMENT).fill(index),
    },
    // An older timestamp than the one before, at times.
    random.integer(0, 15) === 0 ? 1 : index + 2,
    random.integer(0, 19) === 0,
  ]);
  for (let index = 1; index < all.length; index++) {
    const fate = random.integer(0, 9);
    if (fate === 0) [all[index - 1], all[index]] = [all[index]!, all[index - 1]!];
    if (fate === 1) all[index] = all[index - 1]!;
  }
  return all;
}

function run(seed: number, timestamps: boolean, together: boolean) {
  const net = opened(timestamps);
  const random = seededRandom(seed, 'segments');
  const port = net.cable('eth').b;
  const send = (frames: readonly Uint8Array[]) => {
    for (const frame of frames) {
      port.send(frame);
      if (!together) net.clock.settle();
    }
    net.clock.settle();
  };
  const frames = segments(random, net.acknowledgment).map(([segment, value, torn]) => {
    const frame = net.frame(segment, value);
    if (torn) frame[frame.length - 1]! ^= 1;
    return frame;
  });
  for (let at = 0; at < frames.length; at += 20) send(frames.slice(at, at + 20));
  // What was torn, or looked old, comes again in the end, and then the end.
  const again = Array.from({ length: SEGMENTS }, (_, index) =>
    net.frame(
      {
        flags: TCP_ACK | (index === SEGMENTS - 1 ? TCP_FIN : 0),
        sequence: 1000 + index * SEGMENT,
        acknowledgment: net.acknowledgment,
        payload: new Uint8Array(SEGMENT).fill(index),
      },
      SEGMENTS + 2,
    ),
  );
  send(again);
  net.clock.advance(1000);
  const last = net.station.packets().at(-1);
  return {
    received: net.received,
    state: net.connection().state,
    acknowledged: last?.tcp?.acknowledgment,
    badChecksums: net.counters.get('tcp.bad-checksum'),
    source: last?.ip.source,
  };
}

test.each([true, false])('TCP-3, TCP-10: with timestamps: %s', (timestamps) => {
  const follow = vi.spyOn(FlowCache.prototype, 'follow');
  let followed = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const alone = run(seed, timestamps, false);
    follow.mockClear();
    expect(run(seed, timestamps, true)).toEqual(alone);
    followed += follow.mock.results.filter(({ value }) => value).length;
    expect(alone).toMatchObject({
      received: Array.from({ length: SEGMENTS }, (_, index) => new Array<number>(SEGMENT).fill(index)).flat(),
      state: 'CLOSE-WAIT',
      source: ipv4(HOST),
    });
    expect(alone.badChecksums).toBeGreaterThan(0);
  }
  follow.mockRestore();
  expect(followed).toBeGreaterThan(50);
});

test('TCP-10: what follows a torn segment is acknowledged', () => {
  const net = opened(false);
  const { acknowledgment } = net;
  const torn = net.frame({ sequence: 1000, acknowledgment });
  torn[torn.length - 1]! ^= 1;
  const texts = [0, 1, 2].map((index) =>
    net.frame({ sequence: 1000 + index * SEGMENT, acknowledgment, payload: new Uint8Array(SEGMENT) }),
  );
  for (const frame of [torn, ...texts]) net.cable('eth').b.send(frame);
  net.clock.settle();
  net.clock.advance(100);
  expect(net.counters.get('tcp.bad-checksum')).toBe(1);
  expect(net.received).toHaveLength(3 * SEGMENT);
  expect(net.station.packets().at(-1)?.tcp?.acknowledgment).toBe(1000 + 3 * SEGMENT);
});

test('a window is not taken from a segment that was overtaken', () => {
  const net = opened(false);
  const { acknowledgment } = net;
  const text = (index: number, window: number) =>
    net.frame({
      sequence: 1000 + index * SEGMENT,
      acknowledgment,
      window,
      payload: new Uint8Array(SEGMENT),
    });
  net.station.sendFrame(net.frame({ sequence: 1000 + 3 * SEGMENT, acknowledgment, window: 2000 }));
  for (const frame of [text(0, 2000), text(1, 2000), text(2, 60_000)]) net.cable('eth').b.send(frame);
  net.clock.settle();
  expect(net.received).toHaveLength(3 * SEGMENT);
  expect(net.stack.tcp.sockets().at(-1)?.details.sendWindow).toBe(2000);
});
