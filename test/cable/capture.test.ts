import { expect, it } from 'vitest';
import { CapturePort, type CaptureSubscriber } from '../../shared/cable/capture.ts';
import { memoryCable } from '../support/memory-cable.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

function captured() {
  const clock = new VirtualClock();
  const { a, b, setCarrier } = memoryCable(clock);
  const port = new CapturePort(a, clock);
  port.attach({ frames: (batch) => batch[0]?.fill(9), carrier: () => {} });
  return { clock, port, far: b, setCarrier };
}

it('shows what passes either way as it passes, with the time', () => {
  const { clock, port, far } = captured();
  const seen: [...Parameters<CaptureSubscriber>][] = [];
  port.subscribe((frame, direction, time) => seen.push([frame.slice(), direction, time]));
  clock.advance(1.25);
  const frame = new Uint8Array(60).fill(1);
  port.send(frame);
  frame.fill(0);
  clock.advance(1);
  far.send(new Uint8Array(60).fill(2));
  clock.settle();
  expect(seen).toEqual([
    [new Uint8Array(60).fill(1), 'out', 1.25],
    [new Uint8Array(60).fill(2), 'in', 2.25],
  ]);
});

it('tells every subscriber until it leaves', () => {
  const { port } = captured();
  const counts = [0, 0];
  const leave = [0, 1].map((index) =>
    port.subscribe(() => {
      counts[index] = (counts[index] ?? 0) + 1;
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
  const port = new CapturePort(a, clock);
  let arrived = 0;
  b.attach({ frames: (batch) => (arrived += batch.length), carrier: () => {} });
  port.send(new Uint8Array(60));
  clock.settle();
  expect([arrived, port.mtu, port.carrier]).toEqual([1, 1500, true]);
});
