// How loss is found and repaired, one segment at a time: NewReno, RACK, tail loss probes, rate reduction,
// and recoveries that turn out to be needless.

import { describe, expect, test } from 'vitest';
import { ProportionalRate } from '../../../shared/stack/tcp/proportional-rate.ts';
import { Rack } from '../../../shared/stack/tcp/rack.ts';
import { RoundTrip } from '../../../shared/stack/tcp/round-trip.ts';
import { SentQueue } from '../../../shared/stack/tcp/sent-queue.ts';
import { DEFAULT_TCP_SETTINGS } from '../../../shared/stack/tcp/settings.ts';
import type { Harness, OwnSegment } from './support/harness.ts';
import { block, MSS, ranges, type SenderOptions, selectiveAck, sender } from './support/sender.ts';

/** ms. */
const RTT = 100;
const SACK = { sackPermitted: true };

describe('loss recovery without SACK', () => {
  const dup = { seq: 1, ack: 1001 };

  function withLoss(options: SenderOptions = {}): Harness {
    const net = sender(options);
    net.connection.write(new Uint8Array(40 * MSS));
    expect(net.take().length).toBe(10);
    net.inject({ seq: 1, ack: 1001 });
    expect(net.detail('cwnd')).toBe(11 * MSS);
    return net;
  }

  test('TCP-11: three duplicate ACKs bring the segment again; the first two let new ones go (RFC 3042)', () => {
    const net = withLoss();
    expect(ranges(net.inject(dup))).toEqual(['12001+1000']);
    expect(ranges(net.inject(dup))).toEqual(['13001+1000']);
    expect(ranges(net.inject(dup))).toEqual(['1001+1000']);
  });

  test('TCP-11: ssthresh is half the flight, without what limited transmit sent (RFC 5681 §3.2)', () => {
    const net = withLoss();
    for (let count = 0; count < 3; count++) net.inject(dup);
    expect(net.detail('ssthresh')).toBe(5500);
  });

  test('TCP-11: ssthresh is never under two segments', () => {
    const net = sender();
    net.connection.write(new Uint8Array(3 * MSS));
    net.wait(250);
    expect(net.detail('ssthresh')).toBe(2 * MSS);
  });

  test('TCP-11: two duplicate ACKs are not enough', () => {
    const net = withLoss();
    expect(ranges(net.inject(dup, dup))).toEqual(['12001+1000', '13001+1000']);
    expect(net.detail('ssthresh')).toBeNaN();
  });

  test('TCP-11: from 11 segments the window comes down to 5.5 evenly: one goes for every two that arrive', () => {
    const net = withLoss();
    for (let count = 0; count < 3; count++) net.inject(dup);
    const sent = [...Array(8)].map(() => net.inject(dup).length);
    // Nine have arrived, 4.5 may go, and the retransmission was one.
    expect(sent.reduce((sum, count) => sum + count)).toBe(3);
    expect(Math.max(...sent)).toBe(1);
    net.inject({ seq: 1, ack: 14_001 });
    expect(net.detail('cwnd')).toBe(5500);
  });

  test('TCP-12: a partial ACK sends the next hole at once, and recovery goes on to the end of what was sent', () => {
    const net = withLoss();
    for (let count = 0; count < 3; count++) net.inject(dup);
    expect(ranges(net.inject({ seq: 1, ack: 5001 }))[0]).toBe('5001+1000');
    expect(ranges(net.inject({ seq: 1, ack: 9001 }))[0]).toBe('9001+1000');
    net.inject({ seq: 1, ack: 14_001 });
    expect(net.counters.get('tcp.fast-recovery')).toBe(1);
    expect(net.detail('ssthresh')).toBe(5500);
    expect(net.detail('cwnd')).toBe(5500);
  });

  test('TCP-12: duplicate ACKs of what recovery had repeated begin no other (RFC 6582 §3.2)', () => {
    const net = withLoss();
    for (let count = 0; count < 3; count++) net.inject(dup);
    const again = { seq: 1, ack: 14_001 };
    net.inject(again);
    expect(ranges(net.inject(again, again, again, again))).not.toContain('14001+1000');
    expect(net.counters.get('tcp.fast-recovery')).toBe(1);
    // Past that point they count again.
    const past = { seq: 1, ack: 15_001 };
    net.inject(past);
    expect(ranges(net.inject(past, past, past))).toContain('15001+1000');
  });

  test('TCP-11: an ACK with data, or with another window, is no duplicate', () => {
    const net = withLoss();
    expect(ranges(net.inject({ seq: 1, ack: 1001, data: 5 }, { seq: 6, ack: 1001, data: 5 }))).not.toContain(
      '1001+1000',
    );
    expect(
      ranges(net.inject(...[1, 2, 3].map((step) => ({ seq: 11, ack: 1001, window: 60_000 + step })))),
    ).not.toContain('1001+1000');
  });

  test('TCP-11: with CUBIC 0.7 of the window is left', () => {
    const net = withLoss({ congestionControl: 'cubic' });
    for (let count = 0; count < 3; count++) net.inject(dup);
    expect(net.detail('ssthresh')).toBe(7700);
    net.inject({ seq: 1, ack: 14_001 });
    expect(net.detail('cwnd')).toBe(7700);
  });

  test('TCP-11: a flood of duplicate ACKs frees no more than was in flight', () => {
    const net = withLoss();
    const sent = net.inject(...Array(1000).fill(dup));
    expect(sent.length).toBeLessThanOrEqual(11);
  });
});

describe('loss recovery with SACK', () => {
  function withFlight(options: SenderOptions = {}): Harness {
    const net = sender({ peer: SACK, roundTrip: RTT, ...options });
    net.connection.write(new Uint8Array(40 * MSS));
    expect(net.take().length).toBe(10);
    net.wait(RTT);
    return net;
  }

  test('TCP-13: three SACKed segments mean loss at once, and only what is missing is sent again', () => {
    const net = withFlight();
    expect(ranges(net.inject(selectiveAck(net, 1, [1001, 2001])))).toEqual(['10001+1000']);
    expect(ranges(net.inject(selectiveAck(net, 1, [1001, 3001])))).toEqual(['11001+1000']);
    expect(ranges(net.inject(selectiveAck(net, 1, [4001, 5001], [1001, 3001])))).toEqual(['1+1000']);
    // What lies between is lost as well, and goes as soon as the window has room.
    const rest = [6001, 7001, 8001, 9001, 10_001].flatMap((end) =>
      net.inject(selectiveAck(net, 1, [4001, end], [1001, 3001])),
    );
    expect(ranges(rest)).toContain('3001+1000');
    net.wait(50);
    net.inject({ seq: 1, ack: 10_001 });
    expect(net.counters.get('tcp.retransmitted')).toBe(2);
    expect(net.counters.get('tcp.fast-recovery')).toBe(1);
  });

  test('TCP-13: three SACKed segments are enough, whatever the number of ACKs', () => {
    const net = withFlight();
    expect(ranges(net.inject(selectiveAck(net, 1, [1001, 4001])))).toContain('1+1000');
  });

  test('TCP-13: a duplicate ACK without SACK blocks tells of nothing', () => {
    const net = withFlight();
    const dup = { seq: 1, ack: 1 };
    expect(net.inject(dup, dup, dup, dup)).toEqual([]);
  });

  test('TCP-13: blocks that make no sense do no harm', () => {
    const net = withFlight();
    for (const [start, end] of [
      [5000, 4000],
      [1001, 900_000],
      [-5000, -4000],
      [1001, 1001],
    ] as const)
      net.inject(selectiveAck(net, 1, [start, end]));
    expect(net.state).toBe('ESTABLISHED');
    net.inject({ seq: 1, ack: 10_001 });
    expect(net.connection.unacknowledged).toBe(30_000);
  });

  test('TCP-13: a receiver that gave up what it had SACKed gets it again (RFC 2018 §8)', () => {
    const net = withFlight();
    net.inject(selectiveAck(net, 1, [1001, 10_001]));
    net.inject({ seq: 1, ack: 1001 });
    const [first] = net.wait(400);
    expect(first).toMatchObject({ seq: 1001, length: 1000 });
    expect(ranges(net.inject({ seq: 1, ack: 2001 }))).toContain('2001+1000');
  });

  test('TCP-11: a window that has room for all does not end in a burst: it comes down evenly', () => {
    const net = withFlight();
    const sent = [2001, 3001, 4001, 5001, 6001, 7001, 8001, 9001, 10_001].map(
      (end) => net.inject(selectiveAck(net, 1, [1001, end])).length,
    );
    expect(Math.max(...sent)).toBe(1);
    expect(net.detail('ssthresh')).toBe(5000);
  });
});

describe('RACK', () => {
  function withFlight(segments = 10, options: SenderOptions = {}): Harness {
    const net = sender({ peer: SACK, roundTrip: RTT, ...options });
    net.connection.write(new Uint8Array(segments * MSS));
    expect(net.take().length).toBe(Math.min(segments, 10));
    net.wait(RTT);
    return net;
  }

  test('TCP-13: less than three SACKed segments mean loss a quarter of a round trip later', () => {
    const net = withFlight();
    expect(net.inject(selectiveAck(net, 1, [1001, 2001]))).toEqual([]);
    expect(net.wait(24)).toEqual([]);
    expect(ranges(net.wait(3))).toEqual(['1+1000']);
    expect(net.counters.get('tcp.fast-recovery')).toBe(1);
  });

  test('TCP-13: what arrives within that was only late, and from then on three SACKed segments do not hurry', () => {
    const net = withFlight();
    net.inject(selectiveAck(net, 1, [1001, 2001]));
    net.wait(10);
    net.inject({ seq: 1, ack: 2001 });
    expect(net.wait(15)).toEqual([]);
    net.inject(selectiveAck(net, 2001, [3001, 8001]));
    expect(net.wait(RTT / 4 - 1)).toEqual([]);
    expect(ranges(net.wait(3))).toEqual(['2001+1000']);
  });

  test('TCP-13: a retransmission that is lost too is found by what was sent after it, without a timeout', () => {
    const net = withFlight(40);
    expect(ranges(net.inject(selectiveAck(net, 1, [1001, 4001])))).toEqual(['1+1000']);
    const later = net.inject(selectiveAck(net, 1, [1001, 10_001]));
    expect(ranges(later)).toEqual(['10001+1000', '11001+1000', '12001+1000', '13001+1000']);
    net.wait(RTT);
    expect(ranges(net.inject(selectiveAck(net, 1, [1001, 11_001])))).toContain('1+1000');
    expect(net.detail('rto')).toBeLessThan(1000);
    expect(net.log.named('tcp.retransmit').map(({ fields }) => fields.transmissions)).toEqual([2, 3]);
  });

  const path = (minimum: number): RoundTrip => {
    const roundTrip = new RoundTrip(DEFAULT_TCP_SETTINGS);
    roundTrip.sample(minimum);
    return roundTrip;
  };

  /** How long a segment may be overdue, in quarters of the shortest round trip, once the path has reordered. */
  function patience(rack: Rack, times: RoundTrip): number {
    const sent = new SentQueue();
    for (let start = 0; start < 3000; start += 1000) sent.add(start, start + 1000, 0);
    const { trains } = sent.deliver(0, [{ start: 2000, end: 3000 }]);
    for (const train of trains) rack.delivered(train, 100, false, times);
    return rack.detect(sent, 100, false, times).wait / 25;
  }

  test('TCP-8: after a timeout only the first segment is lost, and what is overdue: the rest may still arrive', () => {
    const sent = new SentQueue();
    for (const [index, sentAt] of [0, 0, 900, 950].entries())
      sent.add(index * 1000, index * 1000 + 1000, sentAt);
    new Rack(0).timedOut(sent, 1000, path(100));
    expect(sent.trains.map(({ state }) => state)).toEqual(['lost', 'lost', 'lost', 'lost']);
    const known = new Rack(0);
    const again = new SentQueue();
    for (const [index, sentAt] of [0, 800, 900, 950].entries())
      again.add(index * 1000, index * 1000 + 1000, sentAt);
    const { trains } = again.deliver(1000, []);
    for (const train of trains) known.delivered(train, 100, false, path(100));
    known.timedOut(again, 1000, path(100));
    expect(again.trains.map(({ state }) => state)).toEqual(['lost', 'lost', 'in-flight']);
  });

  test('TCP-8: and of those that left together only the first, until they all are overdue', () => {
    const sent = new SentQueue();
    sent.add(0, 4000, 0, false, 4);
    sent.add(4000, 8000, 900, false, 4);
    const rack = new Rack(0);
    for (const train of sent.deliver(1000, []).trains) rack.delivered(train, 100, false, path(100));
    const fates = () => sent.trains.map(({ segments, state }) => `${segments} ${state}`);
    rack.timedOut(sent, 50, path(100));
    expect(fates()).toEqual(['1 lost', '2 in-flight', '4 in-flight']);
    rack.timedOut(sent, 950, path(100));
    expect(fates()).toEqual(['1 lost', '2 lost', '4 in-flight']);
  });

  test('TCP-13: of those that left together what was sent before one that arrived is lost, what came after is not', () => {
    const sent = new SentQueue();
    sent.add(0, 8000, 0, false, 8);
    const rack = new Rack(0);
    const { trains } = sent.deliver(0, [{ start: 2000, end: 5000 }]);
    for (const train of trains) rack.delivered(train, 100, false, path(100));
    expect(rack.detect(sent, 100, false, path(100))).toEqual({ lost: true, wait: 0 });
    const fates = sent.trains.map(({ start, segments, state }) => `${start} ${segments} ${state}`);
    expect(fates).toEqual(['0 2 lost', '2000 3 sacked', '5000 3 in-flight']);
  });

  test('TCP-13: each round trip with a D-SACK widens the reordering window by a quarter, up to SRTT', () => {
    const rack = new Rack(0);
    const times = path(100);
    expect(patience(rack, times)).toBe(1);
    rack.acknowledged(1, 1000, true);
    expect(patience(rack, times)).toBe(2);
    // Once a round trip.
    rack.acknowledged(500, 2000, true);
    expect(patience(rack, times)).toBe(2);
    rack.acknowledged(1000, 3000, true);
    expect(patience(rack, times)).toBe(3);
    for (let round = 1; round < 9; round++) rack.acknowledged(round * 3000, (round + 1) * 3000, true);
    expect(patience(rack, times)).toBe(4);
  });

  test('TCP-13: sixteen recoveries without one make it small again', () => {
    const rack = new Rack(0);
    const times = path(100);
    rack.acknowledged(1, 1000, true);
    for (let recovery = 0; recovery < 15; recovery++) rack.recoveryEnds();
    expect(patience(rack, times)).toBe(2);
    rack.recoveryEnds();
    expect(patience(rack, times)).toBe(1);
  });
});

describe('tail loss probes', () => {
  function withTail(segments: number, options: SenderOptions = {}): Harness {
    const net = sender({ peer: SACK, roundTrip: RTT, ...options });
    net.connection.write(new Uint8Array(segments * MSS));
    expect(net.take().length).toBe(Math.min(segments, 10));
    return net;
  }

  test('TCP-13: after two round trips without a word the last segment goes again', () => {
    const net = withTail(3);
    expect(net.wait(2 * RTT - 1)).toEqual([]);
    expect(ranges(net.wait(1))).toEqual(['2001+1000']);
    expect(net.counters.get('tcp.tail-loss-probe')).toBe(1);
    // It is no congestion.
    expect(net.detail('cwnd')).toBe(10 * MSS);
  });

  test('TCP-13: or new data, where the window of congestion held it back', () => {
    const net = withTail(12);
    expect(ranges(net.wait(2 * RTT))).toEqual(['10001+1000']);
  });

  test('TCP-13: but no data that the receiver has no room for', () => {
    const net = withTail(3, { peerWindow: 3000 });
    net.connection.write(new Uint8Array(5 * MSS));
    expect(ranges(net.wait(2 * RTT))).toEqual(['2001+1000']);
  });

  test('TCP-13: a lone segment waits for an ACK that may be delayed, and never for longer than the timeout', () => {
    const net = withTail(1);
    // SRTT 100, RTTVAR 50: the timeout is at 300, and 2 SRTT + 200 would be later.
    expect(net.wait(299)).toEqual([]);
    expect(ranges(net.wait(1))).toEqual(['1+1000']);
    expect(net.detail('cwnd')).toBe(10 * MSS);
    expect(net.counters.get('tcp.tail-loss-probe')).toBe(1);
    // The timeout starts again with the probe.
    expect(net.wait(299)).toEqual([]);
    expect(ranges(net.wait(1))).toEqual(['1+1000']);
    expect(net.detail('cwnd')).toBe(MSS);
  });

  test('TCP-13: there is one at a time: the timeout comes next', () => {
    const net = withTail(3);
    net.wait(2 * RTT);
    expect(ranges(net.wait(300))).toEqual(['1+1000']);
    expect(net.counters.get('tcp.tail-loss-probe')).toBe(1);
    expect(net.detail('cwnd')).toBe(MSS);
  });

  test('TCP-13: none without SACK', () => {
    const net = sender({ roundTrip: RTT });
    net.connection.write(new Uint8Array(3 * MSS));
    net.take();
    expect(net.wait(299)).toEqual([]);
    expect(net.counters.get('tcp.tail-loss-probe')).toBe(0);
  });

  test('TCP-13: none while SACKed segments let RACK look for losses', () => {
    const net = withTail(10);
    net.wait(RTT);
    net.inject(selectiveAck(net, 1, [1001, 2001]));
    net.wait(RTT / 4);
    net.wait(2 * RTT);
    expect(net.counters.get('tcp.tail-loss-probe')).toBe(0);
  });

  test('TCP-13: the probe lets RACK find the losses at the tail, without a timeout', () => {
    const net = withTail(5);
    net.wait(RTT);
    net.inject({ seq: 1, ack: 2001 });
    // 2001 to 5001 are lost.
    expect(ranges(net.wait(2 * RTT))).toEqual(['4001+1000']);
    net.wait(RTT);
    expect(ranges(net.inject(selectiveAck(net, 2001, [4001, 5001])).concat(net.wait(RTT / 4 + 2)))).toEqual([
      '2001+1000',
    ]);
    net.wait(RTT - 27);
    expect(ranges(net.inject({ seq: 1, ack: 3001 }))).toEqual(['3001+1000']);
    net.wait(RTT);
    net.inject({ seq: 1, ack: 5001 });
    expect(net.connection.unacknowledged).toBe(0);
    expect(net.detail('cwnd')).toBeGreaterThan(MSS);
  });

  test('TCP-13: a loss that the probe itself repaired costs the window once', () => {
    const net = withTail(3);
    net.wait(2 * RTT);
    net.inject({ seq: 1, ack: 3001 });
    // Whether the segment had arrived before cannot be told yet: a D-SACK may come.
    expect(net.detail('ssthresh')).toBeNaN();
    net.connection.write(new Uint8Array(MSS));
    net.wait(RTT);
    net.inject({ seq: 1, ack: 4001 });
    expect(net.detail('ssthresh')).toBe(2 * MSS);
  });

  test.each([
    ['a D-SACK', [[2001, 3001]] as [number, number][]],
    ['a second ACK', []],
  ])('TCP-13: %s tells that the probe was needless, and costs nothing', (_name, blocks) => {
    const net = withTail(3);
    net.wait(2 * RTT);
    net.inject({ seq: 1, ack: 3001 });
    if (blocks.length === 0) net.connection.write(new Uint8Array(MSS));
    net.inject(selectiveAck(net, 3001, ...blocks));
    if (blocks.length > 0) net.connection.write(new Uint8Array(MSS));
    net.wait(RTT);
    net.inject({ seq: 1, ack: 4001 });
    expect(net.detail('ssthresh')).toBeNaN();
    expect(net.detail('cwnd')).toBeGreaterThanOrEqual(10 * MSS);
  });
});

describe('proportional rate reduction (RFC 9937)', () => {
  test('TCP-11: a target of half lets one segment go for two that arrive', () => {
    const rate = new ProportionalRate(10 * MSS, 20 * MSS, 19 * MSS, MSS);
    expect(rate.window).toBe(20 * MSS);
    let inFlight = 19 * MSS;
    const sent: number[] = [];
    for (let ack = 0; ack < 8; ack++) {
      inFlight -= MSS;
      rate.delivered(MSS, inFlight, MSS, false);
      const room = Math.floor((rate.window - inFlight) / MSS);
      for (let count = 0; count < room; count++) rate.sent(MSS);
      inFlight += room * MSS;
      sent.push(room);
    }
    expect(sent).toEqual([1, 0, 0, 1, 0, 1, 0, 1]);
  });

  test('TCP-11: under the target as much goes as arrives, and one more where that is safe', () => {
    const rate = new ProportionalRate(10 * MSS, 20 * MSS, 2 * MSS, MSS);
    rate.sent(MSS);
    rate.delivered(MSS, 3 * MSS, MSS, false);
    expect(rate.window).toBe(4 * MSS);
    rate.delivered(MSS, 3 * MSS, MSS, true);
    expect(rate.window).toBe(5 * MSS);
    rate.delivered(50 * MSS, 3 * MSS, MSS, true);
    expect(rate.window).toBe(10 * MSS);
  });

  test('TCP-11: an ACK that tells of nothing new changes nothing', () => {
    const rate = new ProportionalRate(10 * MSS, 20 * MSS, 15 * MSS, MSS);
    rate.delivered(0, 3 * MSS, MSS, true);
    expect(rate.window).toBe(16 * MSS);
  });
});

describe('needless recoveries', () => {
  const timestamps = { value: 1, echo: 0 };
  const answering = (segment: OwnSegment, ack: number) => ({
    seq: 1,
    ack,
    options: { timestamps: { value: 2, echo: segment.options.timestamps!.value } },
  });

  test.each(['cubic', 'newreno'] as const)(
    'TCP-8: a timeout that only came too early is taken back: the ACK echoes the original (RFC 3522), with %s',
    (congestionControl) => {
      const net = sender({ peer: { timestamps }, roundTrip: RTT, congestionControl });
      net.connection.write(new Uint8Array(40 * MSS));
      const [original] = net.take();
      expect(net.wait(300).length).toBe(1);
      const slow = net.wait(10_000);
      expect(slow.length).toBeGreaterThan(2);
      expect(net.detail('cwnd')).toBeLessThan(MSS);
      const out = net.inject(answering(original!, 989));
      expect(net.counters.get('tcp.spurious-recovery')).toBe(1);
      expect(net.detail('cwnd')).toBe(11 * 988);
      // Nothing of the rest is repeated: new data goes on.
      expect(ranges(out)).toEqual(['9881+988', '10869+988']);
      expect(net.detail('rto')).toBeLessThan(1000);
      expect(Number.isFinite(net.detail('ssthresh'))).toBe(false);
    },
  );

  test('TCP-8: one that was needed is not', () => {
    const net = sender({ peer: { timestamps }, roundTrip: RTT });
    net.connection.write(new Uint8Array(40 * MSS));
    net.take();
    const [repetition] = net.wait(300);
    net.wait(RTT);
    net.inject(answering(repetition!, 989));
    expect(net.counters.get('tcp.spurious-recovery')).toBe(0);
    expect(net.detail('cwnd')).toBe(2 * 988);
  });

  test('TCP-13: so is a fast retransmission, when D-SACKs tell that all came twice (RFC 3708)', () => {
    const net = sender({ peer: SACK, roundTrip: RTT });
    net.connection.write(new Uint8Array(40 * MSS));
    net.take();
    net.wait(RTT);
    net.inject(selectiveAck(net, 1, [1001, 5001]));
    expect(net.detail('ssthresh')).toBe(5000);
    net.wait(10);
    net.inject({ seq: 1, ack: 5001 });
    net.wait(RTT - 10);
    net.inject(selectiveAck(net, 5001, [1, 1001]));
    expect(net.counters.get('tcp.spurious-recovery')).toBe(1);
    expect(net.detail('cwnd')).toBeGreaterThanOrEqual(10 * MSS);
    expect(net.detail('ssthresh')).toBeNaN();
  });

  test('TCP-13: and not when something was lost beside', () => {
    const net = sender({ peer: SACK, roundTrip: RTT });
    net.connection.write(new Uint8Array(40 * MSS));
    net.take();
    net.wait(RTT);
    net.inject(selectiveAck(net, 1, [2001, 8001]));
    net.inject(selectiveAck(net, 1, [2001, 10_001]));
    net.wait(RTT);
    expect(net.counters.get('tcp.retransmitted')).toBe(2);
    net.inject({ seq: 1, ack: 10_001, options: { sack: [block(net, 1, 1001)] } });
    expect(net.counters.get('tcp.spurious-recovery')).toBe(0);
  });
});
