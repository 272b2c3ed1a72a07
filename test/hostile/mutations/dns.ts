// DNS: counts, flags, types, names that point to themselves, labels too long, options doubled; over UDP
// and, behind the length, over TCP.

import { readU16 } from '../../../shared/core/bytes.ts';
import type { Random } from '../../../shared/core/random.ts';
import { PROTOCOL_TCP, PROTOCOL_UDP } from '../../../shared/wire/ipv4.ts';
import { anyByte, anyOf, type Mutation, setU16, splice, transportLayout } from './mutation.ts';

const PORT = 53;
const TYPES = [1, 2, 5, 6, 12, 15, 16, 28, 41, 252, 255, 65_280];

/** Where the message begins, if the frame has one. */
function messageAt(frame: Uint8Array): number | undefined {
  const udp = transportLayout(frame, PROTOCOL_UDP, 8 + 12);
  const tcp = transportLayout(frame, PROTOCOL_TCP, 20 + 14);
  const at = (udp ?? tcp)?.transport;
  if (at === undefined || (readU16(frame, at) !== PORT && readU16(frame, at + 2) !== PORT)) return undefined;
  const start = udp ? at + 8 : at + (frame[at + 12]! >>> 4) * 4 + 2;
  return start + 12 <= frame.length ? start : undefined;
}

function onDns(change: (frame: Uint8Array, at: number, random: Random) => Uint8Array): Mutation {
  return (frame, random) => {
    const at = messageAt(frame);
    return at === undefined ? undefined : change(frame, at, random);
  };
}

function anyName(random: Random): number[] {
  const label = (length: number) => [length, ...random.bytes(Math.min(length, 63))];
  return anyOf<() => number[]>(
    [
      () => [0xc0, 12],
      () => [0xc0, random.integer(0, 255)],
      () => [0xff, 0xff],
      () => [...label(63), ...label(63), ...label(63), ...label(61), 0],
      () => [...label(63), ...label(63), ...label(63), ...label(63), 0],
      () =>
        Array.from({ length: 100 }, () => [1, 97])
          .flat()
          .concat([0xc0, 12]),
      () => [...label(random.integer(0, 63)), 0xc0, 12],
      () => [anyOf([0x40, 0x80, 64, 65], random), 0],
      () => [0],
      () => [3, 119, 119, 119, 7, 101, 120, 97, 109, 112, 108, 101, 3, 99, 111, 109, 0],
    ],
    random,
  )();
}

function anyRecord(random: Random): Uint8Array {
  const data = random.integer(0, 2) ? [...random.bytes(random.integer(0, 16))] : anyName(random);
  const length = random.integer(0, 4) ? data.length : random.integer(0, 300);
  const type = anyOf(TYPES, random);
  const ttl = anyOf(
    [
      [0, 0, 0, 0],
      [0, 0, 1, 0],
      [0x7f, 255, 255, 255],
      [255, 255, 255, 255],
    ],
    random,
  );
  return Uint8Array.from([
    ...anyName(random),
    type >>> 8,
    type & 255,
    0,
    1,
    ...ttl,
    length >>> 8,
    length & 255,
    ...data,
  ]);
}

export const DNS: readonly Mutation[] = [
  onDns((frame, at, random) => {
    setU16(frame, at + anyOf([4, 6, 8, 10], random), anyOf([0, 1, 2, 3, 255, 0xffff], random));
    return frame;
  }),
  onDns((frame, at, random) => {
    frame[at + anyOf([2, 3], random)] = anyByte(random);
    return frame;
  }),
  onDns((frame, at, random) => {
    if (at + 13 > frame.length) return frame;
    frame[random.integer(at + 12, frame.length - 1)] = anyOf([0, 1, 63, 64, 0xc0, 0xff], random);
    return frame;
  }),
  // The question anew.
  onDns((frame, at, random) => {
    const type = anyOf(TYPES, random);
    const question = Uint8Array.from([
      ...anyName(random),
      type >>> 8,
      type & 255,
      0,
      anyOf([1, 3, 255], random),
    ]);
    return splice(frame, at + 12, frame.length, question);
  }),
  // More records, counted as what they are or not.
  onDns((frame, at, random) => {
    const count = random.integer(1, 4);
    const section = at + anyOf([6, 8, 10], random);
    setU16(frame, section, readU16(frame, section) + (random.integer(0, 3) ? count : 0));
    let longer = frame;
    for (let index = 0; index < count; index++) longer = splice(longer, longer.length, 0, anyRecord(random));
    return longer;
  }),
  // EDNS, once more than there is.
  onDns((frame, at, random) => {
    setU16(frame, at + 10, readU16(frame, at + 10) + 1);
    const opt = [0, 0, 41, ...random.bytes(2), 0, anyOf([0, 0, 1, 255], random), 0, 0, 0, 0];
    return splice(frame, frame.length, 0, Uint8Array.from(opt));
  }),
  // The length in front of a message over TCP, or the end of one over UDP.
  onDns((frame, at, random) => {
    setU16(frame, at - 2, anyOf([0, 1, 12, 0xffff], random));
    return frame;
  }),
];
