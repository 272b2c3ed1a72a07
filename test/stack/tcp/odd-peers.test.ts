// A sender whose peer acknowledges, SACKs, and opens and shuts its window as it likes: what leaves is always
// the stream, within what there was room for, and a peer that comes to reason gets all of it.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { equalBytes } from '../../../shared/core/bytes.ts';
import type { TcpOptions } from '../../../shared/wire/tcp.ts';
import type { Harness, OwnSegment } from './support/harness.ts';
import { block, sender } from './support/sender.ts';

/** What the stream has at each place, so that nothing can stand in for anything else. */
const STREAM = Uint8Array.from({ length: 60_000 }, (_, index) => (index * 31 + (index >> 8)) & 255);

const place = fc.integer({ min: 0, max: 60_000 });
const step = fc.oneof(
  fc.record({ write: fc.integer({ min: 1, max: 15_000 }) }),
  fc.record({ wait: fc.integer({ min: 1, max: 700 }) }),
  fc.record({
    /** Share of what is unacknowledged that is acknowledged now. */
    share: fc.constantFrom(0, 0, 0, 0.2, 0.5, 1),
    blocks: fc.array(fc.record({ start: place, length: fc.integer({ min: 1, max: 5000 }) }), {
      maxLength: 3,
    }),
    window: fc.constantFrom(0, 1, 700, 3000, 30_000, 65_535),
    times: fc.integer({ min: 1, max: 4 }),
  }),
);
type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never;

class OddPeer {
  readonly net: Harness;
  written = 0;
  /** In the numbers of the harness: the stream begins at 1. */
  una = 1;
  sent = 1;

  constructor(options: TcpOptions) {
    this.net = sender({ peer: options, roundTrip: 20, congestionControl: 'cubic' });
  }

  take(each: Step): void {
    if ('write' in each) {
      const size = Math.min(each.write, STREAM.length - this.written);
      this.written += this.net.connection.write(STREAM.subarray(this.written, this.written + size));
      this.see(this.net.take());
    } else if ('wait' in each) this.see(this.net.wait(each.wait));
    else for (let count = 0; count < each.times; count++) this.acknowledge(each);
  }

  acknowledge({ share, blocks, window }: Extract<Step, { share: number }>): void {
    this.una += Math.floor((this.sent - this.una) * share);
    const sack = blocks.map(({ start, length }) => block(this.net, start, start + length));
    const timestamps = this.net.peerOptions.timestamps && { value: 2, echo: 0 };
    const options = { ...(sack.length > 0 && { sack }), ...(timestamps && { timestamps }) };
    this.see(this.net.inject({ seq: 1, ack: this.una, window, options }));
  }

  see(segments: readonly OwnSegment[]): void {
    for (const { seq, length, payload } of segments) {
      if (length === 0) continue;
      const isOfStream = seq >= 1 && seq + length - 1 <= this.written;
      if (!isOfStream || !equalBytes(payload, STREAM.subarray(seq - 1, seq - 1 + length)))
        expect.fail(`${length} bytes from ${seq} are not what was written`);
      this.sent = Math.max(this.sent, seq + length);
    }
  }
}

test.each([
  ['nothing', {}],
  ['SACK', { sackPermitted: true }],
  ['timestamps', { timestamps: { value: 1, echo: 0 } }],
  ['both', { sackPermitted: true, timestamps: { value: 1, echo: 0 } }],
] as const)('TCP-9, TCP-13: a peer that agreed on %s', (_name, options) => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      const peer = new OddPeer(options);
      for (const each of steps) peer.take(each);
      const { net } = peer;
      expect(net.state).toBe('ESTABLISHED');
      // From now on it takes all that comes, in order.
      for (let round = 0; round < 2000 && net.connection.unacknowledged > 0; round++) {
        peer.see(net.wait(round === 0 ? 1 : 500));
        peer.acknowledge({ share: 1, blocks: [], window: 65_535, times: 1 });
      }
      expect(net.connection.unacknowledged).toBe(0);
      expect(peer.sent).toBe(peer.written + 1);
    }),
    { numRuns: 200 },
  );
});
