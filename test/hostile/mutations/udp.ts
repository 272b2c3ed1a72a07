// UDP: ports, lengths, no checksum, another content.

import { PROTOCOL_UDP } from '../../../shared/wire/ipv4.ts';
import { anyOf, type Mutation, setU16, splice, transportLayout } from './mutation.ts';

const PORTS = [0, 53, 67, 68, 7, 33_434, 65_535];

export const UDP: readonly Mutation[] = [
  (frame, random) => {
    const layout = transportLayout(frame, PROTOCOL_UDP, 8);
    if (!layout) return undefined;
    setU16(frame, layout.transport + anyOf([0, 2], random), anyOf(PORTS, random));
    return frame;
  },
  (frame, random) => {
    const layout = transportLayout(frame, PROTOCOL_UDP, 8);
    if (!layout) return undefined;
    setU16(frame, layout.transport + 4, anyOf([0, 7, 8, 9, frame.length, 65_535], random));
    return frame;
  },
  (frame, random) => {
    const layout = transportLayout(frame, PROTOCOL_UDP, 8);
    if (!layout) return undefined;
    return splice(frame, layout.transport + 8, frame.length, random.bytes(random.integer(0, 600)));
  },
];
