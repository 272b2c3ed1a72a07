// Which servers to ask about a zone, as the zone above told it. What a referral says is only ever used to
// find the way: it has too little credit to be anybody's answer (RFC 2181 §5.4.1).

import { parseIpv4 } from '../../core/address.ts';
import type { Clock } from '../../core/clock.ts';
import { canonicalName, parentOf, ROOT } from '../../wire/dns/name.ts';
import { DNS_CLASS, type DnsRecord } from '../../wire/dns/types.ts';

export interface NameServer {
  readonly name: string;
  /** As far as the referral told them (glue). */
  readonly addresses: readonly string[];
}

export interface Delegation {
  readonly zone: string;
  readonly servers: readonly NameServer[];
  /** Seconds. */
  readonly ttl: number;
}

interface Entry extends Delegation {
  /** On the clock. */
  readonly expiresAt: number;
}

const CAPACITY = 1000;
/** What the root zone itself says of its servers, in seconds. */
const ROOT_TTL = 518_400;

export class Delegations {
  readonly #root: Delegation;
  /** By canonical zone name, in the order in which they were learned: the first is the first to go when it is full. */
  readonly #entries = new Map<string, Entry>();

  /** @param roots root servers, name to address */
  constructor(
    private readonly clock: Clock,
    roots: Readonly<Record<string, string>>,
  ) {
    const servers = Object.entries(roots).map(([name, address]) => ({ name, addresses: [address] }));
    this.#root = { zone: ROOT, servers, ttl: ROOT_TTL };
  }

  /** Of the deepest known zone that `name` is in; its TTL is what is left. */
  closest(name: string): Delegation {
    const now = this.clock.now();
    for (let zone: string | undefined = canonicalName(name); zone !== undefined; zone = parentOf(zone)) {
      const entry = this.#entries.get(zone);
      if (entry && entry.expiresAt > now)
        return { ...entry, ttl: Math.floor((entry.expiresAt - now) / 1000) };
      this.#entries.delete(zone);
    }
    return this.#root;
  }

  learn(delegation: Delegation): void {
    const key = canonicalName(delegation.zone);
    this.#entries.delete(key);
    if (delegation.ttl === 0) return;
    this.#entries.set(key, { ...delegation, expiresAt: this.clock.now() + delegation.ttl * 1000 });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > CAPACITY && oldest !== undefined) this.#entries.delete(oldest);
  }

  /** Returns how many it forgot. */
  flush(): number {
    const { size } = this.#entries;
    this.#entries.clear();
    return size;
  }
}

/** The delegation as the records of a referral. */
export function referralRecords({ zone, servers, ttl }: Delegation): {
  readonly authorities: DnsRecord[];
  readonly additionals: DnsRecord[];
} {
  const common = { class: DNS_CLASS.IN, ttl };
  return {
    authorities: servers.map(({ name }) => ({ ...common, name: zone, type: 'NS', target: name })),
    additionals: servers.flatMap(({ name, addresses }) =>
      addresses.map((text) => ({ ...common, name, type: 'A', address: parseIpv4(text) ?? 0 })),
    ),
  };
}
