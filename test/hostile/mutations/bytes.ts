// Without a look at what they mean: bytes turned over, cut off, put in, doubled.

import { anyByte, anyOf, type Mutation, splice } from './mutation.ts';

export const BYTES: readonly Mutation[] = [
  (frame, random) => {
    if (frame.length === 0) return undefined;
    frame[random.integer(0, frame.length - 1)] = anyByte(random);
    return frame;
  },
  (frame, random) => {
    if (frame.length === 0) return undefined;
    const at = random.integer(0, frame.length - 1);
    frame[at] = frame[at]! ^ (1 << random.integer(0, 7));
    return frame;
  },
  (frame, random) => frame.subarray(0, random.integer(0, frame.length)),
  (frame, random) => splice(frame, frame.length, 0, random.bytes(random.integer(1, 64))),
  (frame, random) =>
    splice(frame, random.integer(0, frame.length), random.integer(0, 4), random.bytes(random.integer(0, 8))),
  (frame, random) => {
    if (frame.length === 0) return undefined;
    const [from, to] = [random.integer(0, frame.length - 1), random.integer(0, frame.length - 1)];
    return splice(frame, Math.max(from, to), 0, frame.slice(Math.min(from, to), Math.max(from, to)));
  },
  (frame, random) => {
    if (frame.length < 15) return undefined;
    frame.fill(anyOf([0, 0xff, random.integer(0, 255)], random), random.integer(14, frame.length - 1));
    return frame;
  },
  (frame) => [frame.slice(), frame],
];
