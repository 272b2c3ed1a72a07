// What a resolver has learned: record sets and their absence (RFC 2308), each until its TTL has run down.

import type { Clock } from '../../core/clock.ts';
import { canonicalName } from '../../wire/dns/name.ts';
import { formatData } from '../../wire/dns/text.ts';
import { type DnsMessage, type DnsRecord, type DnsType, RCODE } from '../../wire/dns/types.ts';

/** What the cache says to a question. */
export interface CachedAnswer {
  readonly rcode: number;
  /** The records, CNAMEs on the way first, with the TTLs that are left. */
  readonly answers: readonly DnsRecord[];
  /** The SOA, if the answer is that there is nothing. */
  readonly authorities: readonly DnsRecord[];
}

/** A line of the cache as people see it. */
export interface DnsCacheRow {
  readonly name: string;
  readonly type: string;
  /** The data as in a zone file, or `NXDOMAIN`, `NODATA`. */
  readonly data: string;
  /** Seconds left. */
  readonly ttl: number;
}

interface Entry {
  readonly name: string;
  readonly type: DnsType | 'NXDOMAIN';
  /** Empty for an absence. */
  readonly records: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  /** On the clock. */
  readonly storedAt: number;
  readonly expiresAt: number;
}

/** Seconds. A TTL with its high bit set counts as 0 (RFC 2181 §8); a longer one than a week as a week. */
const LONGEST_TTL = 7 * 86_400;
/** Seconds (RFC 2308 §5 advises one to three hours). */
const LONGEST_NEGATIVE_TTL = 3 * 3600;
const CAPACITY = 1000;
/** A chain of aliases that is longer is a loop or an abuse. */
export const LONGEST_CHAIN = 16;

/** Absence of the name itself stands under a key that no type has. */
function keyOf(name: string, type: DnsType | 'NXDOMAIN'): string {
  return `${canonicalName(name)} ${type}`;
}

function usableTtl(ttl: number): number {
  return ttl >= 2 ** 31 ? 0 : Math.min(ttl, LONGEST_TTL);
}

/** min(SOA TTL, MINIMUM), in seconds; undefined without an SOA, when nothing may be remembered (RFC 2308 §5). */
function negativeTtl(authorities: readonly DnsRecord[]): number | undefined {
  const soa = authorities.find((record) => record.type === 'SOA');
  return soa?.type === 'SOA' ? Math.min(soa.ttl, soa.minimum, LONGEST_NEGATIVE_TTL) : undefined;
}

/**
 * The records of `answers` that lead from `name` to `type`, in order: the CNAMEs, then the set itself, which
 * is empty if there is none. Whatever else an answer carries was not asked for.
 */
export function followAnswers(
  answers: readonly DnsRecord[],
  name: string,
  type: DnsType,
): { readonly aliases: readonly DnsRecord[]; readonly records: readonly DnsRecord[]; readonly end: string } {
  const aliases: DnsRecord[] = [];
  let owner = canonicalName(name);
  for (;;) {
    const own = answers.filter((record) => canonicalName(record.name) === owner);
    const records = own.filter((record) => record.type === type);
    const alias = own.find((record) => record.type === 'CNAME');
    if (records.length > 0 || alias?.type !== 'CNAME' || aliases.length >= LONGEST_CHAIN)
      return { aliases, records, end: owner };
    aliases.push(alias);
    owner = canonicalName(alias.target);
  }
}

export class DnsCache {
  /** In the order in which they were stored: the first is the first to go when it is full. */
  readonly #entries = new Map<string, Entry>();

  constructor(private readonly clock: Clock) {}

  /** Undefined if any step of the way is unknown. */
  get(name: string, type: DnsType): CachedAnswer | undefined {
    const aliases: DnsRecord[] = [];
    let owner = name;
    while (aliases.length <= LONGEST_CHAIN) {
      const found = this.#find(owner, type) ?? this.#find(owner, 'NXDOMAIN');
      if (found) {
        const rcode = found.type === 'NXDOMAIN' ? RCODE.NXDOMAIN : RCODE.NOERROR;
        return {
          rcode,
          answers: [...aliases, ...this.#countDown(found, found.records)],
          authorities: this.#countDown(found, found.authorities),
        };
      }
      const alias = this.#find(owner, 'CNAME');
      const target = alias?.records[0];
      if (!alias || target?.type !== 'CNAME') return undefined;
      aliases.push(...this.#countDown(alias, alias.records));
      owner = target.target;
    }
    return undefined;
  }

  /** Remembers what a response to the question `name`, `type` says, if it says anything for sure. */
  store(name: string, type: DnsType, response: DnsMessage): void {
    if (response.rcode !== RCODE.NOERROR && response.rcode !== RCODE.NXDOMAIN) return;
    const { aliases, records, end } = followAnswers(response.answers, name, type);
    for (const alias of aliases) this.#put(alias.name, 'CNAME', [alias], [], alias.ttl);
    if (records.length > 0) {
      const ttl = Math.min(...records.map((record) => usableTtl(record.ttl)));
      this.#put(end, type, records, [], ttl);
      return;
    }
    const ttl = negativeTtl(response.authorities);
    if (ttl === undefined) return;
    const soa = response.authorities.filter((record) => record.type === 'SOA');
    this.#put(end, response.rcode === RCODE.NXDOMAIN ? 'NXDOMAIN' : type, [], soa, ttl);
  }

  rows(): DnsCacheRow[] {
    return [...this.#entries.values()]
      .filter((entry) => entry.expiresAt > this.clock.now())
      .flatMap((entry) => {
        const { name, type } = entry;
        const ttl = Math.ceil((entry.expiresAt - this.clock.now()) / 1000);
        if (entry.records.length > 0)
          return entry.records.map((record) => ({ name, type, data: formatData(record), ttl }));
        return type === 'NXDOMAIN'
          ? [{ name, type: 'ANY', data: 'NXDOMAIN', ttl }]
          : [{ name, type, data: 'NODATA', ttl }];
      });
  }

  flush(): void {
    this.#entries.clear();
  }

  #find(name: string, type: DnsType | 'NXDOMAIN'): Entry | undefined {
    const key = keyOf(name, type);
    const entry = this.#entries.get(key);
    if (!entry || entry.expiresAt > this.clock.now()) return entry;
    this.#entries.delete(key);
    return undefined;
  }

  #put(
    name: string,
    type: DnsType | 'NXDOMAIN',
    records: readonly DnsRecord[],
    authorities: readonly DnsRecord[],
    ttl: number,
  ): void {
    const seconds = usableTtl(ttl);
    const key = keyOf(name, type);
    this.#entries.delete(key);
    if (seconds === 0) return;
    const now = this.clock.now();
    this.#entries.set(key, {
      name: canonicalName(name),
      type,
      records,
      authorities,
      storedAt: now,
      expiresAt: now + seconds * 1000,
    });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > CAPACITY && oldest !== undefined) this.#entries.delete(oldest);
  }

  #countDown(entry: Entry, records: readonly DnsRecord[]): DnsRecord[] {
    const age = Math.floor((this.clock.now() - entry.storedAt) / 1000);
    return records.map((record) => ({ ...record, ttl: Math.max(usableTtl(record.ttl) - age, 0) }));
  }
}
