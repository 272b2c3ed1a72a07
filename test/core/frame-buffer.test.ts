import { expect, test } from 'vitest';
import { frameBuffer } from '../../shared/core/frame-buffer.ts';

test('no byte is given twice, whatever lengths are asked for', () => {
  const frames = Array.from({ length: 3000 }, (_, index) => frameBuffer((index * 97) % 9100));
  for (const [index, frame] of frames.entries()) frame.fill(index & 255);
  for (const [index, frame] of frames.entries()) {
    expect(frame.length).toBe((index * 97) % 9100);
    expect(frame.every((byte) => byte === (index & 255))).toBe(true);
  }
});
