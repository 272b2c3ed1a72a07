// The block of a packet in a pcapng file, in memory of its own.

import { packetBlockLength, writePacketBlock } from '../../shared/wire/pcapng.ts';

export interface BlockOfPacket {
  readonly interface: number;
  /** Unix time in ns. */
  readonly time: bigint;
  /** As much as was captured. */
  readonly frame: Uint8Array;
  /** Bytes that the whole frame had; as many as `frame` unless told. */
  readonly length?: number;
  readonly direction: 'in' | 'out';
}

export function packetBlock({ time, frame, length = frame.length, ...rest }: BlockOfPacket): Uint8Array {
  // What was there before must not show.
  const block = new Uint8Array(packetBlockLength(frame.length)).fill(0xff);
  const [timeHigh, timeLow] = [Number(time >> 32n), Number(time & 0xffffffffn)];
  const header = { ...rest, timeHigh, timeLow, captured: frame.length, length };
  block.set(frame, writePacketBlock(new DataView(block.buffer), 0, header));
  return block;
}
