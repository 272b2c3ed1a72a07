// Timestamps and PAWS, one segment at a time.

import { describe, expect, test } from 'vitest';
import { sender } from './support/sender.ts';

describe('TCP-7: timestamps', () => {
  const first = { value: 1000, echo: 0 };

  test('once agreed, they are on every segment, and echo the latest', () => {
    const net = sender({ peer: { timestamps: first } });
    net.connection.write(new Uint8Array(10));
    expect(net.take()[0]!.options.timestamps).toMatchObject({ echo: 1000 });
    net.inject({ seq: 1, ack: 11, data: 5, options: { timestamps: { value: 1005, echo: 0 } } });
    net.connection.write(new Uint8Array(10));
    expect(net.take()[0]!.options.timestamps).toMatchObject({ echo: 1005 });
    net.connection.abort();
    expect(net.take()).toMatchObject([{ flags: 'R.', options: { timestamps: { echo: 1005 } } }]);
  });

  test('PAWS answers an old one with an ACK and drops it', () => {
    const net = sender({ peer: { timestamps: first } });
    const out = net.inject({ seq: 1, ack: 1, data: 5, options: { timestamps: { value: 999, echo: 0 } } });
    expect(out).toMatchObject([{ ack: 1, flags: '.' }]);
    expect(net.connection.readableLength).toBe(0);
    // A RST is no matter of age.
    net.inject({ seq: 1, flags: 'R' });
    expect(net.state).toBe('CLOSED');
  });

  test('a segment without them is dropped', () => {
    const net = sender({ peer: { timestamps: first } });
    expect(net.inject({ seq: 1, ack: 1, data: 5 })).toEqual([]);
    expect(net.counters.get('tcp.no-timestamp')).toBe(1);
  });

  test('TS.Recent moves only with the left edge', () => {
    const net = sender({ peer: { timestamps: first } });
    const at = (seq: number, value: number) =>
      net.inject({ seq, ack: 1, data: 5, options: { timestamps: { value, echo: 0 } } });
    expect(at(11, 1010)[0]!.options.timestamps).toMatchObject({ echo: 1000 });
    expect(at(1, 1005)[0]!.options.timestamps).toMatchObject({ echo: 1005 });
  });

  test('after 24 days of silence an old one proves nothing, and the next is told by it again', () => {
    const net = sender({ peer: { timestamps: first } });
    const at = (seq: number, value: number) =>
      net.inject({ seq, ack: 1, data: 5, options: { timestamps: { value, echo: 0 } } });
    net.wait(23 * 24 * 3_600_000);
    at(1, 999);
    expect(net.connection.readableLength).toBe(0);
    net.wait(2 * 24 * 3_600_000);
    at(1, 999);
    expect(net.connection.readableLength).toBe(5);
    at(6, 998);
    expect(net.connection.readableLength).toBe(5);
    at(6, 999);
    expect(net.connection.readableLength).toBe(10);
  });

  test('their order holds across 2^32', () => {
    const net = sender({ peer: { timestamps: { value: 0xffff_fffe, echo: 0 } } });
    const at = (seq: number, value: number) =>
      net.inject({ seq, ack: 1, data: 5, options: { timestamps: { value, echo: 0 } } });
    at(1, 3);
    at(6, 0xffff_ffff);
    expect(net.connection.readableLength).toBe(5);
    at(6, 4);
    expect(net.connection.readableLength).toBe(10);
  });

  test('a SYN,ACK without them means none', () => {
    const net = sender();
    net.connection.write(new Uint8Array(10));
    expect(net.take()[0]!.options).toEqual({});
  });
});
