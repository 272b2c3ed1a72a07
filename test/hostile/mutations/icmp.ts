// ICMP: types, codes, MTUs, and errors about frames that did pass.

import { PROTOCOL_ICMP } from '../../../shared/wire/ipv4.ts';
import { anyAddress } from './ipv4.ts';
import { anyOf, ipLayout, type Mutation, setU16, setU32, transportLayout } from './mutation.ts';

const TYPES = [0, 3, 3, 3, 4, 5, 8, 11, 12, 13, 17, 255];
const MTUS = [0, 1, 67, 68, 69, 296, 552, 1400, 1499, 1500, 65_535];

export const ICMP: readonly Mutation[] = [
  (frame, random) => {
    const layout = transportLayout(frame, PROTOCOL_ICMP, 8);
    if (!layout) return undefined;
    frame[layout.transport] = anyOf(TYPES, random);
    frame[layout.transport + 1] = random.integer(0, 15);
    setU16(frame, layout.transport + 6, anyOf(MTUS, random));
    return frame;
  },
  // As if somebody on the way, or the receiver, complained of the frame: to its sender goes its quote.
  (frame, random) => {
    const layout = ipLayout(frame);
    if (!layout) return undefined;
    const quoted = frame.subarray(layout.start, layout.start + anyOf([20, 27, 28, 40, 548, 1400], random));
    const error = new Uint8Array(14 + 20 + 8 + quoted.length);
    error.set(frame.subarray(6, 12), 0);
    error.set(frame.subarray(0, 6), 6);
    setU16(error, 12, 0x0800);
    error[14] = 0x45;
    error[22] = 64;
    error[23] = PROTOCOL_ICMP;
    const destination = frame.slice(layout.start + 16, layout.start + 20);
    if (random.integer(0, 2)) error.set(destination, 26);
    else setU32(error, 26, anyAddress(random));
    error.set(frame.subarray(layout.start + 12, layout.start + 16), 30);
    error[34] = anyOf([3, 3, 3, 11, 12, 5, 4], random);
    error[35] = random.integer(0, 5);
    setU16(error, 40, anyOf(MTUS, random));
    error.set(quoted, 42);
    return error;
  },
];
