// IPv4: addresses, lengths, options, TTL, protocol, and fragments that do not fit together.

import { ipv4 } from '../../../shared/core/address.ts';
import type { Random } from '../../../shared/core/random.ts';
import { anyByte, anyOf, ipLayout, type Mutation, setU16, setU32, splice } from './mutation.ts';

const ADDRESSES = [
  '192.168.0.1',
  '192.168.0.10',
  '192.168.0.200',
  '192.168.0.255',
  '51.0.0.20',
  '51.0.0.1',
  '8.8.8.8',
  '8.8.8.77',
  '93.184.216.34',
  '66.0.0.66',
  '10.1.2.3',
  '255.255.255.255',
  '224.0.0.1',
  '240.0.0.1',
  '127.0.0.1',
  '0.0.0.0',
  '0.1.2.3',
].map(ipv4);

export function anyAddress(random: Random): number {
  return random.integer(0, 9) ? anyOf(ADDRESSES, random) : random.uint32();
}

/** Options that lie about their lengths, and some that do not. */
function anyOptions(random: Random): Uint8Array {
  const kinds = [0, 1, 7, 0x44, 0x82, 0x83, 0x88, 0x89, 0x94, random.integer(0, 255)];
  const bytes: number[] = [];
  while (bytes.length < 40 && random.integer(0, 4)) {
    const kind = anyOf(kinds, random);
    const length = anyOf([0, 1, 2, 3, 4, 7, 11, 39, 40, 255], random);
    bytes.push(kind, ...(kind > 1 ? [length, ...random.bytes(Math.min(Math.max(length - 2, 0), 38))] : []));
  }
  while (bytes.length % 4 !== 0) bytes.push(anyOf([0, 1], random));
  return Uint8Array.from(bytes.slice(0, 40));
}

/** Cuts a packet into parts of `size` bytes; `shift` moves those behind the first over each other. */
function fragments(
  frame: Uint8Array,
  start: number,
  transport: number,
  size: number,
  shift: number,
): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let offset = 0; transport + offset < frame.length; offset += size) {
    const end = Math.min(transport + offset + size, frame.length);
    const part = new Uint8Array(transport + end - transport - offset);
    part.set(frame.subarray(0, transport));
    part.set(frame.subarray(transport + offset, end), transport);
    const more = end < frame.length ? 0x2000 : 0;
    const units = Math.max(Math.floor(offset / 8) - (offset > 0 ? shift : 0), 0);
    setU16(part, start + 6, more | (units & 0x1fff));
    parts.push(part);
  }
  return parts;
}

function shuffled<Value>(values: Value[], random: Random): Value[] {
  for (let index = values.length - 1; index > 0; index--) {
    const other = random.integer(0, index);
    [values[index], values[other]] = [values[other]!, values[index]!];
  }
  return values;
}

/** A mutation of the header's field at `offset`. */
function field(offset: number, set: (frame: Uint8Array, at: number, random: Random) => void): Mutation {
  return (frame, random) => {
    const layout = ipLayout(frame);
    if (!layout) return undefined;
    set(frame, layout.start + offset, random);
    return frame;
  };
}

export const IPV4: readonly Mutation[] = [
  field(0, (frame, at, random) => {
    frame[at] = anyOf([0x40, 0x44, 0x45, 0x46, 0x4f, 0x55, 0x65, random.integer(0, 255)], random);
  }),
  field(2, (frame, at, random) =>
    setU16(frame, at, anyOf([0, 19, 20, 21, 28, frame.length, 65_535], random)),
  ),
  field(6, (frame, at, random) =>
    setU16(frame, at, anyOf([0x2000, 0x4000, 0x6000, 0x8000, 1, 0x1fff, 0x3fff], random)),
  ),
  field(8, (frame, at, random) => {
    frame[at] = anyOf([0, 1, 2, 255], random);
  }),
  field(9, (frame, at, random) => {
    frame[at] = anyOf([0, 1, 2, 6, 17, 47, 58, 255], random);
  }),
  field(12, (frame, at, random) => setU32(frame, at, anyAddress(random))),
  field(16, (frame, at, random) => setU32(frame, at, anyAddress(random))),
  (frame, random) => {
    const layout = ipLayout(frame);
    if (!layout) return undefined;
    const options = anyOptions(random);
    const longer = splice(frame, layout.start + 20, layout.transport - layout.start - 20, options);
    longer[layout.start] = 0x40 | (5 + options.length / 4);
    return longer;
  },
  // Whole datagrams in pieces: in any order, some twice, one missing, lying over each other.
  (frame, random) => {
    const layout = ipLayout(frame);
    if (!layout || layout.fragment) return undefined;
    const size = anyOf([8, 16, 64, 512], random);
    if ((frame.length - layout.transport) / size > 32) return undefined;
    setU16(frame, layout.start + 4, random.integer(0, 0xffff));
    const parts = fragments(frame, layout.start, layout.transport, size, anyOf([0, 0, 0, 1, 2], random));
    if (parts.length === 0) return undefined;
    if (random.integer(0, 2) === 0) parts.push(anyOf(parts, random).slice());
    if (random.integer(0, 2) === 0) parts.splice(random.integer(0, parts.length - 1), 1);
    return shuffled(parts, random);
  },
  // One piece alone, of few datagrams, so that pieces of different frames meet.
  (frame, random) => {
    const layout = ipLayout(frame);
    if (!layout) return undefined;
    setU16(frame, layout.start + 4, random.integer(0, 7));
    setU16(frame, layout.start + 6, anyOf([0x2000, 0], random) | anyOf([0, 0, 1, 2, 185, 8190], random));
    return frame;
  },
  field(4, (frame, at, random) => {
    frame[at] = anyByte(random);
  }),
];
