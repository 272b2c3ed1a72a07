// A frame in, the frames that an attacker makes of it out.

import type { Random } from '../../../shared/core/random.ts';
import { BYTES } from './bytes.ts';
import { DHCP } from './dhcp.ts';
import { DNS } from './dns.ts';
import { ARP, ETHERNET } from './ethernet.ts';
import { HTTP } from './http.ts';
import { ICMP } from './icmp.ts';
import { IPV4 } from './ipv4.ts';
import { mend } from './mend.ts';
import { anyOf, type Mutation } from './mutation.ts';
import { TCP } from './tcp.ts';
import { UDP } from './udp.ts';

/** Families with how often each is tried; one that has no use for a frame leaves it to the next try. */
const FAMILIES: readonly (readonly [weight: number, mutations: readonly Mutation[]])[] = [
  [3, BYTES],
  [1, ETHERNET],
  [3, ARP],
  [4, IPV4],
  [2, ICMP],
  [2, UDP],
  [8, TCP],
  [6, DNS],
  [6, DHCP],
  [4, HTTP],
];

const CHOICES = FAMILIES.flatMap(([weight, mutations]) => Array.from({ length: weight }, () => mutations));

const TRIES = 6;

/** Frames out of a copy of `frame`: mutated one to four times, and mostly with right lengths and checksums. */
export function mutate(frame: Uint8Array, random: Random): Uint8Array[] {
  let frames: Uint8Array[] = [frame.slice()];
  for (let count = random.integer(1, 4); count > 0; count--)
    frames = frames.flatMap((each) => once(each, random));
  const mending = random.integer(0, 9);
  if (mending < 9) for (const each of frames) mend(each, mending < 8);
  return frames;
}

function once(frame: Uint8Array, random: Random): Uint8Array[] {
  for (let tries = 0; tries < TRIES; tries++) {
    const result = anyOf(anyOf(CHOICES, random), random)(frame, random);
    if (result) return Array.isArray(result) ? result : [result];
  }
  return [frame];
}
