// Ephemeral ports: 49152 to 65535 (RFC 6335 §6), begun with at random (RFC 6056 §3.3.1).

import type { Random } from '../../core/random.ts';

const LOWEST = 49_152;
const COUNT = 65_536 - LOWEST;

/** The next free port from a random one on; undefined if all are taken. */
export function pickEphemeralPort(random: Random, isFree: (port: number) => boolean): number | undefined {
  const start = random.integer(0, COUNT - 1);
  for (let step = 0; step < COUNT; step++) {
    const port = LOWEST + ((start + step) % COUNT);
    if (isFree(port)) return port;
  }
  return undefined;
}
