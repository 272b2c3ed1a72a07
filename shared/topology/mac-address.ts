// The MAC addresses of interfaces that the file gives none.

import { formatMac } from '../core/address.ts';
import { seedOf } from '../core/random.ts';

/** Derived from the names alone, so the same from run to run: unicast, locally administered (IEEE 802 §8). */
export function deriveMac(device: string, name: string): string {
  const low = seedOf('mac', device, name, 'low');
  const high = seedOf('mac', device, name, 'high') % 0x10000;
  const first = ((high >>> 8) & 0xfc) | 0x02;
  return formatMac((first * 0x100 + (high & 0xff)) * 2 ** 32 + low);
}
