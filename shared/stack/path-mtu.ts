// What routers said about the longest packet that a path carries (RFC 1191).

import type { IpAddress } from '../core/address.ts';
import type { Clock } from '../core/clock.ts';
import { IPV4_MIN_MTU } from '../wire/ipv4.ts';

/** ms after which a longer packet is tried again, RFC 1191 §6.3. */
const MAX_AGE = 600_000;
const MAX_PATHS = 1024;

/** RFC 1191 §7: sizes that links have, for routers that tell none. */
const PLATEAUS = [32_000, 17_914, 8166, 4352, 2002, 1492, 1006, 508, 296, IPV4_MIN_MTU] as const;

/** The next smaller usual MTU below a packet of `length` bytes that was too long. */
export function plateauBelow(length: number): number {
  return PLATEAUS.find((plateau) => plateau < length) ?? IPV4_MIN_MTU;
}

export interface LearnedMtu {
  /** Bytes. */
  readonly mtu: number;
  /** ms until a longer packet is tried again. */
  readonly expiresIn: number;
}

export class PathMtuCache {
  readonly #paths = new Map<IpAddress, { readonly mtu: number; readonly until: number }>();

  constructor(private readonly clock: Clock) {}

  /** Bytes, or `linkMtu` if nothing smaller is known. */
  get(destination: IpAddress, linkMtu: number): number {
    if (this.#paths.size === 0) return linkMtu;
    const path = this.#paths.get(destination);
    if (!path) return linkMtu;
    if (path.until > this.clock.now()) return Math.min(path.mtu, linkMtu);
    this.#paths.delete(destination);
    return linkMtu;
  }

  /** What routers said about a destination, if it still counts. */
  learned(destination: IpAddress): LearnedMtu | undefined {
    const path = this.#paths.get(destination);
    const expiresIn = path ? path.until - this.clock.now() : 0;
    return path && expiresIn > 0 ? { mtu: path.mtu, expiresIn } : undefined;
  }

  /** Takes a smaller MTU; one that is not smaller is no news, one below 68 is nonsense (RFC 791). */
  learn(destination: IpAddress, mtu: number, linkMtu: number): void {
    if (mtu < IPV4_MIN_MTU || mtu >= this.get(destination, linkMtu)) return;
    const oldest = this.#paths.keys().next();
    if (this.#paths.size >= MAX_PATHS && !oldest.done) this.#paths.delete(oldest.value);
    this.#paths.delete(destination);
    this.#paths.set(destination, { mtu, until: this.clock.now() + MAX_AGE });
  }
}
