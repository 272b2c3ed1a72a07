import { expect, it } from 'vitest';
import { type CapturedFrame, CapturePort } from '../../shared/cable/capture.ts';
import { memoryCable } from '../support/memory-cable.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const CLOCK_OFFSET = 1_700_000_000_000.5;

function captured() {
  const clock = new VirtualClock();
  const { a, b, setCarrier } = memoryCable(clock);
  const port = new CapturePort(a, clock, CLOCK_OFFSET);
  port.attach({ frames: (batch) => batch[0]?.fill(9), carrier: () => {} });
  return { clock, port, far: b, setCarrier };
}

it('hands over copies of what passes either way, with its time in ns', () => {
  const { clock, port, far } = captured();
  const seen: CapturedFrame[] = [];
  port.subscribe((frames) => seen.push(...frames));
  clock.advance(1.25);
  const frame = new Uint8Array(60).fill(1);
  port.send(frame);
  frame.fill(0);
  clock.advance(1);
  far.send(new Uint8Array(60).fill(2));
  clock.settle();
  expect(seen).toEqual([
    { direction: 'out', time: 1_700_000_000_001_750_000n, frame: new Uint8Array(60).fill(1) },
    { direction: 'in', time: 1_700_000_000_002_750_000n, frame: new Uint8Array(60).fill(2) },
  ]);
});

it('tells every subscriber until it leaves', () => {
  const { port } = captured();
  const counts = [0, 0];
  const leave = [0, 1].map((index) =>
    port.subscribe((frames) => {
      counts[index] = (counts[index] ?? 0) + frames.length;
    }),
  );
  port.send(new Uint8Array(60));
  leave[0]?.();
  port.send(new Uint8Array(60));
  leave[1]?.();
  port.send(new Uint8Array(60));
  expect(counts).toEqual([1, 2]);
});

it('does not show a frame that had no carrier', () => {
  const { port, setCarrier } = captured();
  let count = 0;
  port.subscribe(() => count++);
  setCarrier(false);
  port.send(new Uint8Array(60));
  expect(count).toBe(0);
});

it('passes the very frame on', () => {
  const clock = new VirtualClock();
  const { a, b } = memoryCable(clock);
  const port = new CapturePort(a, clock, 0);
  let arrived = 0;
  b.attach({ frames: (batch) => (arrived += batch.length), carrier: () => {} });
  port.send(new Uint8Array(60));
  clock.settle();
  expect([arrived, port.mtu, port.carrier]).toEqual([1, 1500, true]);
});
