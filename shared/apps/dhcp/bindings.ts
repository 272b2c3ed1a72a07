// The lease table of a DHCP server: which address is whose, until when. It never has more entries than the
// range has addresses.

import type { Ipv4Address, MacAddress } from '../../core/address.ts';
import { seedOf } from '../../core/random.ts';

export interface Binding {
  readonly address: Ipv4Address;
  /** The client identifier in hex, or the MAC where there is none (RFC 2131 §4.2). Empty for a declined address. */
  client: string;
  mac: MacAddress;
  hostname: string | undefined;
  /** An expired one is kept until its address is needed, so that its client gets it again. */
  state: 'offered' | 'bound' | 'declined' | 'expired';
  /** On the clock. */
  expiresAt: number;
}

/** Addresses that are looked at beside the one where a client's identifier hashes to. */
const NEAR = 16;

/** However many addresses the range has, and however many are taken, nothing here goes through all of them. */
export class Bindings {
  readonly #byAddress = new Map<Ipv4Address, Binding>();
  readonly #byClient = new Map<string, Binding>();
  /** The oldest first. */
  readonly #offered = new Set<Binding>();
  /** The one that expired first is first. */
  readonly #expired = new Set<Binding>();
  /** Addresses that were given and are free again. */
  readonly #returned = new Set<Ipv4Address>();
  /** No address before it was never given, but for those that are reserved. */
  #fresh: Ipv4Address;

  /**
   * @param reserved addresses in the range that are never given, such as the server's own
   */
  constructor(
    private readonly first: Ipv4Address,
    private readonly last: Ipv4Address,
    private readonly reserved: readonly Ipv4Address[],
  ) {
    this.#fresh = first;
  }

  of(client: string): Binding | undefined {
    return this.#byClient.get(client);
  }

  at(address: Ipv4Address): Binding | undefined {
    return this.#byAddress.get(address);
  }

  /** In order of address. */
  all(): Binding[] {
    return [...this.#byAddress.values()].sort((a, b) => a.address - b.address);
  }

  /** In no order; one that is removed on the way is no trouble. */
  [Symbol.iterator](): Iterator<Binding> {
    return this.#byAddress.values();
  }

  /** The offer that waits for its client for longest. */
  get oldestOffer(): Binding | undefined {
    return firstOf(this.#offered);
  }

  /**
   * The address for a client that has no binding (RFC 2131 §4.3.1): what it asks for if that is free, else
   * where its identifier hashes to, so that it is the same from run to run, or one near to it that nobody
   * has, or any; when all are given, the one that expired first. Undefined when the range is full.
   */
  choose(client: string, requested: Ipv4Address | undefined): Ipv4Address | undefined {
    if (requested !== undefined && this.#isFree(requested)) return requested;
    const size = this.last - this.first + 1;
    const start = seedOf(client) % size;
    for (let step = 0; step < Math.min(size, NEAR); step++) {
      const address = this.first + ((start + step) % size);
      if (this.#isUnused(address)) return address;
    }
    return this.#anyUnused() ?? firstOf(this.#expired)?.address;
  }

  /** Puts a binding in place of what the address and the client had. */
  put(binding: Binding): void {
    const before = this.#byClient.get(binding.client);
    if (before) this.remove(before);
    const other = this.#byAddress.get(binding.address);
    if (other) this.remove(other);
    this.#byAddress.set(binding.address, binding);
    if (binding.client !== '') this.#byClient.set(binding.client, binding);
    this.#returned.delete(binding.address);
    if (binding.state === 'offered') this.#offered.add(binding);
  }

  /** The lease is over, and its address kept for its client while no other needs it. @param now ms on the clock */
  expire(binding: Binding, now: number): void {
    binding.state = 'expired';
    binding.expiresAt = now;
    this.#expired.add(binding);
  }

  remove(binding: Binding): void {
    this.#byAddress.delete(binding.address);
    if (this.#byClient.get(binding.client) === binding) this.#byClient.delete(binding.client);
    this.#offered.delete(binding);
    this.#expired.delete(binding);
    this.#returned.add(binding.address);
  }

  #anyUnused(): Ipv4Address | undefined {
    const returned = firstOf(this.#returned);
    if (returned !== undefined) return returned;
    while (this.#fresh <= this.last && !this.#isUnused(this.#fresh)) this.#fresh++;
    return this.#fresh <= this.last ? this.#fresh : undefined;
  }

  #isUnused(address: Ipv4Address): boolean {
    return !this.#byAddress.has(address) && this.#isFree(address);
  }

  #isFree(address: Ipv4Address): boolean {
    if (address < this.first || address > this.last || this.reserved.includes(address)) return false;
    const binding = this.#byAddress.get(address);
    return !binding || binding.state === 'expired';
  }
}

function firstOf<Value>(values: Iterable<Value>): Value | undefined {
  for (const value of values) return value;
  return undefined;
}
