// TCP: flags, numbers around those that are right, windows, options that lie, text cut and doubled.

import { readU32 } from '../../../shared/core/bytes.ts';
import type { Random } from '../../../shared/core/random.ts';
import { PROTOCOL_TCP } from '../../../shared/wire/ipv4.ts';
import { anyOf, type Mutation, setU16, setU32, splice, transportLayout } from './mutation.ts';

const FLAGS = [0, 0x01, 0x02, 0x04, 0x10, 0x11, 0x12, 0x14, 0x18, 0x19, 0x29, 0x3f, 0xc2, 0xff];
const STEPS = [-0x8000_0000, -70_000, -1460, -1, 1, 2, 1460, 65_535, 1_000_000, 0x7fff_ffff];

function dataOffset(frame: Uint8Array, transport: number): number {
  return transport + Math.max((frame[transport + 12]! >>> 4) * 4, 20);
}

function onTcp(change: (frame: Uint8Array, at: number, random: Random) => Uint8Array | undefined): Mutation {
  return (frame, random) => {
    const layout = transportLayout(frame, PROTOCOL_TCP, 20);
    return layout && change(frame, layout.transport, random);
  };
}

function sackBlocks(frame: Uint8Array, at: number, random: Random): number[] {
  const ack = readU32(frame, at + 8);
  const count = random.integer(0, 4);
  const words = Array.from(
    { length: count * 2 },
    () => (ack + anyOf([...STEPS, random.integer(-3000, 100_000)], random)) >>> 0,
  );
  return [
    5,
    2 + 8 * count,
    ...words.flatMap((word) => [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255]),
  ];
}

function anyOption(frame: Uint8Array, at: number, random: Random): number[] {
  const length = anyOf([0, 1, 2, 3, 4, 10, 18, 40, 255], random);
  return anyOf<() => number[]>(
    [
      () => [2, 4, random.integer(0, 5), anyOf([0, 1, 12, 48, 0xb4, 255], random)],
      () => [3, 3, anyOf([0, 1, 7, 14, 15, 255], random)],
      () => [4, 2],
      () => sackBlocks(frame, at, random),
      () => [8, 10, ...random.bytes(8)],
      () => [8, 10, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
      () => [random.integer(0, 255), length, ...random.bytes(Math.min(length, 12))],
      () => [1],
      () => [0],
    ],
    random,
  )();
}

export const TCP: readonly Mutation[] = [
  onTcp((frame, at, random) => {
    frame[at + 13] = random.integer(0, 2) ? anyOf(FLAGS, random) : random.integer(0, 255);
    return frame;
  }),
  onTcp((frame, at, random) => {
    const field = at + anyOf([4, 8], random);
    setU32(frame, field, (readU32(frame, field) + anyOf(STEPS, random)) >>> 0);
    return frame;
  }),
  onTcp((frame, at, random) => {
    const field = at + anyOf([4, 8], random);
    setU32(frame, field, (readU32(frame, field) + random.integer(-2000, 2000)) >>> 0);
    return frame;
  }),
  onTcp((frame, at, random) => {
    setU16(frame, at + 14, anyOf([0, 0, 1, 100, 1459, 0xffff], random));
    return frame;
  }),
  onTcp((frame, at, random) => {
    setU16(frame, at + 18, random.integer(0, 0xffff));
    frame[at + 13] = frame[at + 13]! | 0x20;
    return frame;
  }),
  onTcp((frame, at, random) => {
    frame[at + 12] = random.integer(0, 255);
    return frame;
  }),
  // Options anew.
  onTcp((frame, at, random) => {
    const bytes: number[] = [];
    while (bytes.length < 40 && random.integer(0, 3)) bytes.push(...anyOption(frame, at, random));
    while (bytes.length % 4 !== 0) bytes.push(1);
    const options = Uint8Array.from(bytes.slice(0, 40));
    const changed = splice(frame, at + 20, dataOffset(frame, at) - at - 20, options);
    changed[at + 12] = ((5 + options.length / 4) << 4) | (changed[at + 12]! & 15);
    return changed;
  }),
  // One more option, where there is room.
  onTcp((frame, at, random) => {
    const bytes = anyOption(frame, at, random);
    while (bytes.length % 4 !== 0) bytes.push(1);
    const words = (frame[at + 12]! >>> 4) + bytes.length / 4;
    if (words > 15) return undefined;
    const changed = splice(frame, dataOffset(frame, at), 0, Uint8Array.from(bytes));
    changed[at + 12] = (words << 4) | (changed[at + 12]! & 15);
    return changed;
  }),
  // The text shorter, longer, or other.
  onTcp((frame, at, random) => frame.slice(0, dataOffset(frame, at) + random.integer(0, 40))),
  onTcp((frame, at, random) => splice(frame, dataOffset(frame, at), 0, random.bytes(random.integer(1, 200)))),
  onTcp((frame, at, random) => {
    const start = dataOffset(frame, at);
    if (start >= frame.length) return undefined;
    frame[random.integer(start, frame.length - 1)] = random.integer(0, 255);
    return frame;
  }),
  // The text moved on or back.
  onTcp((frame, at, random) => {
    const step = random.integer(1, 1500);
    setU32(frame, at + 4, (readU32(frame, at + 4) + anyOf([-step, step], random)) >>> 0);
    return frame;
  }),
];
