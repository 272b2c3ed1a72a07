// Ethernet and ARP: addresses that mean something, types, operations, lengths.

import { ETHERTYPE_ARP, ethernetType } from '../../../shared/wire/ethernet.ts';
import { anyAddress } from './ipv4.ts';
import { anyOf, type Mutation, setU16, setU32 } from './mutation.ts';

const MACS = [
  'ffffffffffff',
  '01005e000001',
  '0180c2000000',
  '000000000000',
  'aaaaaaaaaaaa',
  '020000000099',
].map((hex) => Uint8Array.from(Buffer.from(hex, 'hex')));

const ETHERTYPES = [0x0800, 0x0806, 0x8100, 0x86dd, 0x88cc, 0x0000, 0x05dc, 0xffff];

export const ETHERNET: readonly Mutation[] = [
  (frame, random) => {
    if (frame.length < 14) return undefined;
    frame.set(anyOf(MACS, random), anyOf([0, 6], random));
    return frame;
  },
  (frame, random) => {
    if (frame.length < 14) return undefined;
    frame.set(random.bytes(6), 6);
    return frame;
  },
  (frame, random) => {
    if (frame.length < 14) return undefined;
    setU16(frame, 12, anyOf(ETHERTYPES, random));
    return frame;
  },
];

const isArp = (frame: Uint8Array): boolean => frame.length >= 42 && ethernetType(frame) === ETHERTYPE_ARP;

export const ARP: readonly Mutation[] = [
  (frame, random) => {
    if (!isArp(frame)) return undefined;
    setU16(frame, 20, anyOf([0, 1, 2, 3, 8, 0xffff], random));
    return frame;
  },
  (frame, random) => {
    if (!isArp(frame)) return undefined;
    setU32(frame, anyOf([28, 38], random), anyAddress(random));
    return frame;
  },
  (frame, random) => {
    if (!isArp(frame)) return undefined;
    frame.set(anyOf([...MACS, random.bytes(6)], random), anyOf([22, 32], random));
    return frame;
  },
  (frame, random) => {
    if (!isArp(frame)) return undefined;
    frame[anyOf([14, 15, 16, 17, 18, 19], random)] = random.integer(0, 255);
    return frame;
  },
];
