// Segments for which there is nobody.

import { describe, expect, test } from 'vitest';
import { Harness } from './support/harness.ts';

describe('TCP-1: nobody there', () => {
  test('a segment with ACK gets RST with its number', () => {
    const net = new Harness();
    expect(net.inject({ seq: 5, ack: 99, data: 10 })).toMatchObject([{ seq: 99, flags: 'R' }]);
  });

  test('one without gets RST,ACK for what it takes up', () => {
    const net = new Harness();
    expect(net.inject({ seq: 5, flags: 'S', data: 10 })).toMatchObject([{ ack: 16, flags: 'R.' }]);
    expect(net.inject({ seq: 5, flags: 'F', data: 10 })).toMatchObject([{ ack: 16, flags: 'R.' }]);
  });

  test('a RST gets nothing', () => {
    const net = new Harness();
    expect(net.inject({ flags: 'R' }, { flags: 'R.', ack: 3 })).toEqual([]);
  });

  test('what is malformed is dropped and counted', () => {
    const net = new Harness();
    net.raw(new Uint8Array(5));
    const bytes = new Uint8Array(20);
    bytes[12] = 5 << 4;
    net.raw(bytes);
    expect(net.take()).toEqual([]);
    expect(net.counters.snapshot()).toEqual({ 'tcp.bad-checksum': 1, 'tcp.short': 1 });
  });
});
