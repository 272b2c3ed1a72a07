// Initial sequence numbers by RFC 6528, and the offset of each connection's timestamp clock (RFC 7323
// §5.4): from one secret, so that neither can be foretold from outside, and both go on rising when a pair
// of endpoints is used again (RFC 6191).

import type { Clock } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import type { TcpEndpoint } from './connection-api.ts';
import { seqAdd } from './sequence.ts';
import { type SipKey, sipHash } from './siphash.ts';

/** The ISN clock ticks every 4 µs (RFC 9293 §3.4.1). */
const TICKS_PER_MS = 250;

export function randomKey(random: Random): SipKey {
  return [random.uint32(), random.uint32(), random.uint32(), random.uint32()];
}

/** The words of both endpoints that hashes are taken of. */
export function endpointWords(local: TcpEndpoint, remote: TcpEndpoint): number[] {
  return [local.address, remote.address, local.port * 0x10000 + remote.port];
}

export class InitialSequence {
  readonly #key: SipKey;

  constructor(
    private readonly clock: Clock,
    random: Random,
  ) {
    this.#key = randomKey(random);
  }

  /** ISN = M + F(localip, localport, remoteip, remoteport, secretkey), RFC 6528 §3. */
  sequence(local: TcpEndpoint, remote: TcpEndpoint): number {
    const [hash] = sipHash(this.#key, endpointWords(local, remote));
    const ticks = Math.floor(this.clock.now() * TICKS_PER_MS) % 2 ** 32;
    return seqAdd(hash, ticks);
  }

  /** What is added to the ms of the clock to make this connection's timestamps. */
  timestampOffset(local: TcpEndpoint, remote: TcpEndpoint): number {
    const [, hash] = sipHash(this.#key, endpointWords(local, remote));
    return hash | 0;
  }
}
