// What a mutation is, and where the parts of a frame lie that mutations look for.

import type { Random } from '../../../shared/core/random.ts';
import { ETHERNET_HEADER_LENGTH, ETHERTYPE_IPV4, ethernetType } from '../../../shared/wire/ethernet.ts';

/** Spoils a frame, which it may change in place; gives the frames that go on, or nothing where it has no use. */
export type Mutation = (frame: Uint8Array, random: Random) => Uint8Array | Uint8Array[] | undefined;

/** The IPv4 packet of a frame as far as it can be told; offsets in the frame. */
export interface IpLayout {
  readonly start: number;
  readonly protocol: number;
  /** Where the transport's header begins. */
  readonly transport: number;
  readonly fragment: boolean;
}

export function ipLayout(frame: Uint8Array): IpLayout | undefined {
  const start = ETHERNET_HEADER_LENGTH;
  if (frame.length < start + 20 || ethernetType(frame) !== ETHERTYPE_IPV4) return undefined;
  const header = (frame[start]! & 15) * 4;
  if (header < 20 || start + header > frame.length) return undefined;
  const fragment = ((frame[start + 6]! & 0x1f) | frame[start + 7]!) !== 0;
  return { start, protocol: frame[start + 9]!, transport: start + header, fragment };
}

/** The layout of a frame that has the header of `protocol`, of at least `length` bytes. */
export function transportLayout(frame: Uint8Array, protocol: number, length: number): IpLayout | undefined {
  const layout = ipLayout(frame);
  if (!layout || layout.fragment || layout.protocol !== protocol) return undefined;
  return frame.length < layout.transport + length ? undefined : layout;
}

export function anyOf<Value>(values: readonly Value[], random: Random): Value {
  return values[random.integer(0, values.length - 1)]!;
}

/** Bytes where values at the edges of something are likelier than others. */
export function anyByte(random: Random): number {
  return random.integer(0, 2)
    ? random.integer(0, 255)
    : anyOf([0, 1, 2, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xfe, 0xff], random);
}

export function splice(frame: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
  const from = Math.min(at, frame.length);
  const to = Math.min(from + remove, frame.length);
  const result = new Uint8Array(from + insert.length + frame.length - to);
  result.set(frame.subarray(0, from));
  result.set(insert, from);
  result.set(frame.subarray(to), from + insert.length);
  return result;
}

export function setU16(frame: Uint8Array, at: number, value: number): void {
  frame[at] = (value >>> 8) & 0xff;
  frame[at + 1] = value & 0xff;
}

export function setU32(frame: Uint8Array, at: number, value: number): void {
  setU16(frame, at, value >>> 16);
  setU16(frame, at + 2, value & 0xffff);
}
