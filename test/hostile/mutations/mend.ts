// Makes lengths and checksums right again, so that what is wrong further in is looked at.

import { readU16, readU32 } from '../../../shared/core/bytes.ts';
import { checksum } from '../../../shared/core/checksum.ts';
import {
  ipv4TransportChecksum,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from '../../../shared/wire/ipv4.ts';
import { ipLayout, setU16 } from './mutation.ts';

/** @param lengths whether the lengths too are made right, or only the checksums */
export function mend(frame: Uint8Array, lengths: boolean): void {
  const layout = ipLayout(frame);
  if (!layout) return;
  const { start, transport, protocol, fragment } = layout;
  if (lengths) setU16(frame, start + 2, frame.length - start);
  const end = Math.min(Math.max(start + readU16(frame, start + 2), transport), frame.length);
  if (!fragment) mendTransport(frame, start, transport, end, protocol, lengths);
  setU16(frame, start + 10, 0);
  setU16(frame, start + 10, checksum(frame, start, transport));
}

function mendTransport(
  frame: Uint8Array,
  start: number,
  transport: number,
  end: number,
  protocol: number,
  lengths: boolean,
): void {
  if (protocol === PROTOCOL_UDP && lengths && end - transport >= 8)
    setU16(frame, transport + 4, end - transport);
  const field = CHECKSUM_AT.get(protocol);
  if (field === undefined || end - transport < field + 2) return;
  const length =
    protocol === PROTOCOL_UDP ? Math.min(readU16(frame, transport + 4), end - transport) : end - transport;
  const segment = frame.subarray(transport, transport + length);
  if (segment.length < field + 2) return;
  setU16(segment, field, 0);
  const [source, destination] = [readU32(frame, start + 12), readU32(frame, start + 16)];
  const sum =
    protocol === PROTOCOL_ICMP
      ? checksum(segment)
      : ipv4TransportChecksum(segment, source, destination, protocol);
  setU16(segment, field, protocol === PROTOCOL_UDP ? sum || 0xffff : sum);
}

const CHECKSUM_AT = new Map([
  [PROTOCOL_ICMP, 2],
  [PROTOCOL_TCP, 16],
  [PROTOCOL_UDP, 6],
]);
