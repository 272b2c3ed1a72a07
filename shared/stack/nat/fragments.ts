// Only a datagram's first fragment has ports. The others wait here until it has come, and then get the
// translation that it got (RFC 4787 §11, RFC 3022 §6.3); their order does not matter.

import type { Ipv4Address } from '../../core/address.ts';
import { Alarm, type Clock } from '../../core/clock.ts';
import type { Counters } from '../../core/counters.ts';
import {
  ipv4Destination,
  ipv4Identification,
  ipv4Protocol,
  ipv4Source,
  setIpv4Destination,
  setIpv4Source,
} from '../../wire/ipv4.ts';
import { rewriteIdentification } from './packet.ts';

/** What the fragments of a datagram get; absent fields stay as they are. */
export interface FragmentRewrite {
  readonly source?: Ipv4Address;
  readonly destination?: Ipv4Address;
  /**
   * Two inside hosts may use the same id at a time, and once both have the outer address the receiver
   * could not tell their fragments apart (RFC 3022 §6.3): each datagram gets a new one.
   */
  readonly id?: number;
}

interface Datagram {
  /** Set once the first fragment has been translated. */
  rewrite: FragmentRewrite | undefined;
  /** Whether the first fragment has come, so that the others may go on. */
  started: boolean;
  held: { packet: Uint8Array; from: string }[];
  heldBytes: number;
  readonly expires: number;
}

/** How long a datagram's fragments are waited for; ms. */
const LIFETIME = 30_000;
const MAX_DATAGRAMS = 1024;
const MAX_HELD_BYTES = 1 << 20;
/** Bytes that a fragment counts as beside its own, so that many small ones count too. */
const OVERHEAD = 128;

export type FragmentKey = string;

/** The identity of a datagram (RFC 791 §3.2), to be taken before its packet is rewritten. */
export function fragmentKey(packet: Uint8Array): FragmentKey {
  return `${ipv4Source(packet)}-${ipv4Destination(packet)}-${ipv4Protocol(packet)}-${ipv4Identification(packet)}`;
}

export function applyRewrite(packet: Uint8Array, rewrite: FragmentRewrite): void {
  if (rewrite.source !== undefined) setIpv4Source(packet, rewrite.source);
  if (rewrite.destination !== undefined) setIpv4Destination(packet, rewrite.destination);
  if (rewrite.id !== undefined) rewriteIdentification(packet, rewrite.id);
}

export class FragmentTracker {
  readonly #clock: Clock;
  readonly #counters: Counters;
  readonly #inject: (packet: Uint8Array, from: string) => void;
  readonly #expiry: Alarm;
  /** Oldest first: all live equally long, so that is also the order in which they expire. */
  readonly #datagrams = new Map<FragmentKey, Datagram>();
  #heldBytes = 0;

  /** @param inject goes on with a held packet, as if it had just passed prerouting */
  constructor(clock: Clock, counters: Counters, inject: (packet: Uint8Array, from: string) => void) {
    this.#clock = clock;
    this.#counters = counters;
    this.#inject = inject;
    this.#expiry = new Alarm(clock, () => this.#expire());
  }

  started(key: FragmentKey): boolean {
    return this.#datagrams.get(key)?.started ?? false;
  }

  rewriteOf(key: FragmentKey): FragmentRewrite | undefined {
    return this.#datagrams.get(key)?.rewrite;
  }

  /** Keeps a copy of a fragment until `start` or `translate`; the oldest datagrams make room for it. */
  hold(key: FragmentKey, packet: Uint8Array, from: string): void {
    const datagram = this.#datagram(key);
    datagram.held.push({ packet: packet.slice(), from });
    datagram.heldBytes += packet.length + OVERHEAD;
    this.#heldBytes += packet.length + OVERHEAD;
    while (this.#heldBytes > MAX_HELD_BYTES) this.#dropOldest('nat.fragment-overflow');
  }

  /** The first fragment has come, and is translated later on its way: those that wait follow it. */
  start(key: FragmentKey): void {
    const datagram = this.#datagram(key);
    datagram.started = true;
    this.#release(datagram, {});
  }

  /** The first fragment has been translated: those that wait and those that follow get `rewrite`. */
  translate(key: FragmentKey, rewrite: FragmentRewrite): void {
    const datagram = this.#datagram(key);
    datagram.started = true;
    datagram.rewrite = rewrite;
    this.#release(datagram, rewrite);
  }

  flush(): void {
    this.#datagrams.clear();
    this.#heldBytes = 0;
    this.#expiry.close();
  }

  #datagram(key: FragmentKey): Datagram {
    const known = this.#datagrams.get(key);
    if (known) return known;
    if (this.#datagrams.size >= MAX_DATAGRAMS) this.#dropOldest('nat.fragment-overflow');
    const datagram: Datagram = {
      rewrite: undefined,
      started: false,
      held: [],
      heldBytes: 0,
      expires: this.#clock.now() + LIFETIME,
    };
    this.#datagrams.set(key, datagram);
    if (this.#expiry.deadline === undefined) this.#expiry.set(LIFETIME);
    return datagram;
  }

  /** After this turn, so that the first fragment leaves first. */
  #release(datagram: Datagram, rewrite: FragmentRewrite): void {
    const { held } = datagram;
    if (held.length === 0) return;
    this.#heldBytes -= datagram.heldBytes;
    datagram.held = [];
    datagram.heldBytes = 0;
    this.#clock.afterTurn(() => {
      for (const { packet, from } of held) {
        applyRewrite(packet, rewrite);
        this.#inject(packet, from);
      }
    });
  }

  #dropOldest(reason: string): void {
    for (const [key, datagram] of this.#datagrams) {
      this.#datagrams.delete(key);
      this.#heldBytes -= datagram.heldBytes;
      if (datagram.held.length > 0) this.#counters.add(reason, datagram.held.length);
      return;
    }
  }

  #expire(): void {
    const now = this.#clock.now();
    for (const { expires } of this.#datagrams.values()) {
      if (expires > now) return this.#expiry.set(expires - now);
      this.#dropOldest('nat.fragment-timeout');
    }
  }
}
