import { describe, expect, test } from 'vitest';
import { MAC_BROADCAST, type MacAddress, mac } from '../../shared/core/address.ts';
import { Counters } from '../../shared/core/counters.ts';
import { Bridge } from '../../shared/stack/bridge.ts';
import { encodeEthernet } from '../../shared/wire/ethernet.ts';
import { memoryCable } from '../support/memory-cable.ts';
import { RecordedLog } from '../support/recorded-log.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const OWN = mac('02:00:00:00:00:ff');
const A = mac('02:00:00:00:00:0a');
const B = mac('02:00:00:00:00:0b');

function frame(source: MacAddress, destination: MacAddress, mark = 0): Uint8Array {
  return encodeEthernet({ source, destination, type: 0x88b5, payload: new Uint8Array(46).fill(mark) });
}

function bridge(own = true, mtus: readonly number[] = [1500, 1500, 1500]) {
  const clock = new VirtualClock();
  const counters = new Counters();
  const log = new RecordedLog();
  const cables = mtus.map((mtu) => memoryCable(clock, { mtu }));
  const heard: Uint8Array[][] = cables.map(() => []);
  cables.forEach((cable, index) => {
    cable.b.attach({ frames: (batch) => heard[index]?.push(...batch), carrier: () => {} });
  });
  const under = new Bridge({
    clock,
    log,
    counters,
    ports: cables.map((cable, index) => ({ name: `p${index}`, port: cable.a })),
    ...(own && { mac: OWN }),
  });
  const mine: Uint8Array[][] = [];
  const carriers: boolean[] = [];
  if (own)
    under.port.attach({ frames: (batch) => mine.push([...batch]), carrier: (up) => carriers.push(up) });
  const send = (port: number, ...frames: Uint8Array[]) => {
    for (const each of frames) cables[port]?.b.send(each);
    clock.settle();
  };
  /** How many frames came to each port since the last look, and to the own interface. */
  const counts = () => {
    const result = [...heard.map((frames) => frames.length), mine.flat().length];
    for (const frames of [...heard, mine]) frames.length = 0;
    return result;
  };
  return { clock, log, counters, cables, under, heard, mine, carriers, send, counts };
}

describe('bridge', () => {
  test('an unknown destination is flooded, never back; a known one goes to its port alone', () => {
    const { send, counts } = bridge();
    send(0, frame(A, B));
    expect(counts()).toEqual([0, 1, 1, 0]);
    send(1, frame(B, A));
    expect(counts()).toEqual([1, 0, 0, 0]);
    send(0, frame(A, B));
    expect(counts()).toEqual([0, 1, 0, 0]);
  });

  test('broadcasts and multicasts go everywhere, the own interface included', () => {
    const { send, counts } = bridge();
    send(0, frame(A, MAC_BROADCAST));
    expect(counts()).toEqual([0, 1, 1, 1]);
    send(2, frame(A, mac('01:00:5e:00:00:01')));
    expect(counts()).toEqual([1, 1, 0, 1]);
  });

  test('the own MAC is reached without flooding, one message as one batch', () => {
    const { send, counts, mine } = bridge();
    send(0, frame(A, OWN, 1), frame(A, OWN, 2));
    expect(mine.map((batch) => batch.length)).toEqual([2]);
    expect(counts()).toEqual([0, 0, 0, 2]);
  });

  test('the own interface sends to where a station is, or everywhere', () => {
    const { under, send, counts, clock } = bridge();
    under.port.send(frame(OWN, B));
    clock.settle();
    expect(counts()).toEqual([1, 1, 1, 0]);
    send(1, frame(B, OWN));
    counts();
    under.port.send(frame(OWN, B));
    under.port.send(frame(OWN, MAC_BROADCAST));
    clock.settle();
    expect(counts()).toEqual([1, 2, 1, 0]);
  });

  test('a flooded frame may be rewritten by each receiver', () => {
    const { send, heard, mine } = bridge();
    send(0, frame(A, MAC_BROADCAST, 7));
    mine[0]?.[0]?.fill(0);
    heard[1]?.[0]?.fill(1);
    expect(heard[2]).toEqual([frame(A, MAC_BROADCAST, 7)]);
  });

  test('a station that moves is found at its new port', () => {
    const { send, under } = bridge();
    send(0, frame(A, OWN));
    send(2, frame(A, OWN));
    expect(under.table()).toMatchObject([{ mac: A, port: 'p2' }]);
  });

  test('a frame for a station behind the port that it came from goes nowhere', () => {
    const { send, counts } = bridge();
    send(0, frame(A, OWN), frame(B, A));
    expect(counts()).toEqual([0, 0, 0, 1]);
  });

  test('a station is forgotten after 300 s of silence', () => {
    const { send, counts, clock, under } = bridge();
    send(0, frame(A, OWN));
    clock.advance(299_999);
    expect(under.table()).toMatchObject([{ age: 299_999 }]);
    clock.advance(1);
    expect(under.table()).toEqual([]);
    counts();
    send(1, frame(B, A));
    expect(counts()).toEqual([1, 0, 1, 0]);
  });

  test('stations that spoke at fractions of a ms are forgotten too, by an alarm each at most', () => {
    const { send, clock, under } = bridge();
    const stations = 50;
    // 300 s later numbers have fewer places: a time that is rounded down is still a little early.
    clock.advance(230_000);
    for (let index = 0; index < stations; index++) {
      clock.advance((index * 0.7319) % 3);
      send(index % 3, frame(0x020000001000 + index, OWN));
    }
    const rings = clock.after.bind(clock);
    let alarms = 0;
    clock.after = (delay, callback) => {
      alarms++;
      if (alarms > 2 * stations) throw new Error('the alarm rings without end');
      return rings(delay, callback);
    };
    clock.advance(301_000);
    expect(under.table()).toEqual([]);
    expect(alarms).toBeGreaterThan(0);
  });

  test('of several stations each is forgotten in its time, and comes back when it speaks', () => {
    const { send, counts, clock, under } = bridge();
    send(0, frame(A, OWN));
    clock.advance(200_000);
    send(1, frame(B, OWN));
    clock.advance(100_000);
    expect(under.table()).toMatchObject([{ mac: B, age: 100_000 }]);
    counts();
    under.port.send(frame(OWN, A));
    under.port.send(frame(OWN, B));
    clock.settle();
    expect(counts()).toEqual([1, 2, 1, 0]);
    clock.advance(199_999);
    under.port.send(frame(OWN, B));
    clock.settle();
    expect(counts()).toEqual([0, 1, 0, 0]);
    clock.advance(1);
    send(2, frame(A, OWN));
    under.port.send(frame(OWN, A));
    under.port.send(frame(OWN, B));
    clock.settle();
    expect(counts()).toEqual([1, 1, 2, 1]);
  });

  test('carrier loss forgets the stations of that port', () => {
    const { send, cables, under } = bridge();
    send(0, frame(A, OWN));
    send(1, frame(B, OWN));
    cables[0]?.setCarrier(false);
    expect(under.table()).toMatchObject([{ mac: B }]);
  });

  test('the own interface has carrier while any port has', () => {
    const { cables, carriers, under } = bridge();
    expect(carriers).toEqual([true]);
    for (const cable of cables) cable.setCarrier(false);
    expect(carriers).toEqual([true, false]);
    expect(under.port.carrier).toBe(false);
    cables[1]?.setCarrier(true);
    expect(carriers).toEqual([true, false, true]);
  });

  test('a switch has no interface of its own', () => {
    const { send, counts } = bridge(false);
    send(0, frame(A, MAC_BROADCAST));
    send(0, frame(A, OWN));
    expect(counts()).toEqual([0, 2, 2, 0]);
  });

  test('ETH-1: what no frame may be is dropped and counted', () => {
    const { send, counts, counters } = bridge();
    send(0, new Uint8Array(13), new Uint8Array(1519), frame(MAC_BROADCAST, A));
    send(0, frame(A, mac('01:80:c2:00:00:00')), frame(OWN, A));
    expect(counts()).toEqual([0, 0, 0, 0]);
    expect(counters.snapshot()).toEqual({
      'bridge.bad-source': 1,
      'bridge.own-source': 1,
      'bridge.reserved': 1,
      'bridge.too-long': 1,
      'bridge.too-short': 1,
    });
  });

  test('the MTU of the own interface is the smallest; what a port cannot carry is dropped', () => {
    const { under, send, counts, counters, log } = bridge(true, [1500, 1200, 1500]);
    expect(under.port.mtu).toBe(1200);
    const long = encodeEthernet({ source: A, destination: B, type: 1, payload: new Uint8Array(1500) });
    send(0, long);
    expect(counts()).toEqual([0, 0, 1, 0]);
    send(0, long);
    expect(counters.get('bridge.too-long')).toBe(2);
    const fields = { interface: 'p1', mtu: 1200, length: 1514 };
    expect(log.named('bridge.too-long')).toMatchObject([{ level: 'warn', fields }]);
  });

  test('a port without carrier is not where a frame is too long', () => {
    const { cables, send, counts, counters, log } = bridge(true, [1500, 1200, 1500]);
    cables[1]?.setCarrier(false);
    send(0, encodeEthernet({ source: A, destination: B, type: 1, payload: new Uint8Array(1500) }));
    expect(counts()).toEqual([0, 0, 1, 0]);
    expect([counters.get('bridge.too-long'), log.named('bridge.too-long')]).toEqual([0, []]);
  });

  test('what its port took comes to the own interface, though that is of a smaller MTU', () => {
    const { send, mine } = bridge(true, [9000, 1500]);
    send(0, encodeEthernet({ source: A, destination: OWN, type: 1, payload: new Uint8Array(9000) }));
    expect(mine.flat().map(({ length }) => length)).toEqual([9014]);
  });

  test('a flood of MACs stays in bounds', () => {
    const { send, under, counters } = bridge();
    for (let index = 0; index < 5000; index++) send(0, frame(0x020000010000 + index, OWN));
    expect(under.table()).toHaveLength(4096);
    expect(counters.get('bridge.table-full')).toBe(904);
  });

  test('a flood of MACs pushes out who was silent for longest: who speaks each second stays', () => {
    const { send, counts, counters, clock } = bridge();
    send(1, frame(B, OWN));
    for (let index = 0; index < 20_000; index++) {
      if (index % 1000 === 0) {
        clock.advance(1000);
        send(1, frame(B, OWN));
      }
      send(0, frame(0x020000010000 + index, OWN));
    }
    expect(counters.get('bridge.table-full')).toBe(20_001 - 4096);
    counts();
    send(0, frame(A, B));
    // To the port where B is, and to no other.
    expect(counts()).toEqual([0, 1, 0, 0]);
  });
});
