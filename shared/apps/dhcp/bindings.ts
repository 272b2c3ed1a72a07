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

export class Bindings {
  readonly #byAddress = new Map<Ipv4Address, Binding>();
  readonly #byClient = new Map<string, Binding>();

  /**
   * @param reserved addresses in the range that are never given, such as the server's own
   */
  constructor(
    private readonly first: Ipv4Address,
    private readonly last: Ipv4Address,
    private readonly reserved: readonly Ipv4Address[],
  ) {}

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

  /**
   * The address for a client that has no binding (RFC 2131 §4.3.1): what it asks for if that is free, else
   * where its identifier hashes to, so that it is the same from run to run, or the next one that nobody had;
   * when all have been given, the one that expired first. Undefined when the range is full.
   */
  choose(client: string, requested: Ipv4Address | undefined): Ipv4Address | undefined {
    if (requested !== undefined && this.#isFree(requested)) return requested;
    const size = this.last - this.first + 1;
    const start = seedOf(client) % size;
    for (let step = 0; step < size; step++) {
      const address = this.first + ((start + step) % size);
      if (!this.#byAddress.has(address) && this.#isFree(address)) return address;
    }
    const expired = [...this.#byAddress.values()].filter((binding) => binding.state === 'expired');
    return expired.sort((a, b) => a.expiresAt - b.expiresAt)[0]?.address;
  }

  /** Puts a binding in place of what the address and the client had. */
  put(binding: Binding): void {
    const before = this.#byClient.get(binding.client);
    if (before) this.remove(before);
    const other = this.#byAddress.get(binding.address);
    if (other) this.remove(other);
    this.#byAddress.set(binding.address, binding);
    if (binding.client !== '') this.#byClient.set(binding.client, binding);
  }

  remove(binding: Binding): void {
    this.#byAddress.delete(binding.address);
    if (this.#byClient.get(binding.client) === binding) this.#byClient.delete(binding.client);
  }

  #isFree(address: Ipv4Address): boolean {
    if (address < this.first || address > this.last || this.reserved.includes(address)) return false;
    const binding = this.#byAddress.get(address);
    return !binding || binding.state === 'expired';
  }
}
