// DHCP: fields of the header, options doubled, left out, too long, in file and sname.

import { readU16 } from '../../../shared/core/bytes.ts';
import type { Random } from '../../../shared/core/random.ts';
import { PROTOCOL_UDP } from '../../../shared/wire/ipv4.ts';
import { anyAddress } from './ipv4.ts';
import { anyByte, anyOf, type Mutation, setU16, setU32, splice, transportLayout } from './mutation.ts';

const HEADER = 240;
const CODES = [0, 1, 3, 6, 12, 15, 28, 50, 51, 52, 53, 54, 56, 58, 59, 61, 82, 121, 255];

function onDhcp(change: (frame: Uint8Array, at: number, random: Random) => Uint8Array): Mutation {
  return (frame, random) => {
    const layout = transportLayout(frame, PROTOCOL_UDP, 8 + HEADER);
    if (!layout) return undefined;
    const ports = [readU16(frame, layout.transport), readU16(frame, layout.transport + 2)];
    if (!ports.includes(67) && !ports.includes(68)) return undefined;
    return change(frame, layout.transport + 8, random);
  };
}

function anyOption(random: Random): Uint8Array {
  const length = anyOf([0, 1, 2, 3, 4, 4, 4, 7, 8, 255], random);
  const told = random.integer(0, 5) ? length : random.integer(0, 255);
  return Uint8Array.of(anyOf(CODES, random), told, ...random.bytes(length));
}

export const DHCP: readonly Mutation[] = [
  onDhcp((frame, at, random) => {
    frame[at + random.integer(0, 43)] = anyByte(random);
    return frame;
  }),
  onDhcp((frame, at, random) => {
    setU32(frame, at + anyOf([12, 16, 20, 24], random), anyAddress(random));
    return frame;
  }),
  onDhcp((frame, at, random) => {
    setU16(frame, at + 10, anyOf([0, 0x8000, 0xffff], random));
    return frame;
  }),
  // Who asks is another client each time.
  onDhcp((frame, at, random) => {
    frame.set(Uint8Array.of(2, ...random.bytes(5)), at + 28);
    return frame;
  }),
  onDhcp((frame, at, random) => splice(frame, at + HEADER, 0, anyOption(random))),
  onDhcp((frame, at, random) => {
    let longer = frame;
    for (let count = random.integer(1, 30); count > 0; count--)
      longer = splice(longer, at + HEADER, 0, anyOption(random));
    return longer;
  }),
  // Another message type, where it usually stands.
  onDhcp((frame, at, random) => {
    frame[at + HEADER + 2] = random.integer(0, 9);
    return frame;
  }),
  onDhcp((frame, at, random) => splice(frame, at + HEADER, random.integer(1, 12), new Uint8Array(0))),
  // Options in file and sname too.
  onDhcp((frame, at, random) => {
    for (let offset = 44; offset < 236; offset++) frame[at + offset] = anyByte(random);
    return splice(frame, at + HEADER, 0, Uint8Array.of(52, 1, anyOf([1, 2, 3, 255], random)));
  }),
];
