// What a resolver has learned: record sets and their absence (RFC 2308), each until its TTL has run down.

import type { Clock } from '../../core/clock.ts';
import { canonicalName } from '../../wire/dns/name.ts';
import { formatData } from '../../wire/dns/text.ts';
import { type DnsRecord, type DnsType, RCODE } from '../../wire/dns/types.ts';
import { followAnswers, LONGEST_CHAIN, type Step } from './aliases.ts';

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
/** Bytes, about, of a record set that is remembered; what is larger is asked for each time. */
const LARGEST_SET = 8192;

/** Absence of the name itself stands under a key that no type has. */
function keyOf(name: string, type: DnsType | 'NXDOMAIN'): string {
  return `${canonicalName(name)} ${type}`;
}

export function usableTtl(ttl: number): number {
  return ttl >= 2 ** 31 ? 0 : Math.min(ttl, LONGEST_TTL);
}

/** min(SOA TTL, MINIMUM), in seconds; undefined without an SOA, when nothing may be remembered (RFC 2308 §5). */
function negativeTtl(authorities: readonly DnsRecord[]): number | undefined {
  const soa = authorities.find((record) => record.type === 'SOA');
  return soa?.type === 'SOA' ? Math.min(soa.ttl, soa.minimum, LONGEST_NEGATIVE_TTL) : undefined;
}

/** What a record takes to remember; bytes, about. */
function sizeOf(record: DnsRecord): number {
  if (record.type === 'TXT') return record.strings.reduce((sum, string) => sum + string.length, 64);
  return 'rdata' in record ? 64 + record.rdata.length : 64;
}

export class DnsCache {
  /** In the order in which they were stored: the first is the first to go when it is full. */
  readonly #entries = new Map<string, Entry>();

  constructor(private readonly clock: Clock) {}

  /** Undefined if any step of the way is unknown. */
  get(name: string, type: DnsType): CachedAnswer | undefined {
    const step = this.follow(name, type);
    return step?.next === undefined ? step : undefined;
  }

  /** As far along the aliases as it knows; undefined if it knows nothing of `name`. */
  follow(name: string, type: DnsType): Step | undefined {
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
      if (!alias || target?.type !== 'CNAME') break;
      aliases.push(...this.#countDown(alias, alias.records));
      owner = target.target;
    }
    return aliases.length > 0
      ? { rcode: RCODE.NOERROR, answers: aliases, authorities: [], next: owner }
      : undefined;
  }

  /** Remembers what a response to the question `name`, `type` says, if it says anything for sure. */
  store(name: string, type: DnsType, response: CachedAnswer): void {
    if (response.rcode !== RCODE.NOERROR && response.rcode !== RCODE.NXDOMAIN) return;
    const { aliases, records, end } = followAnswers(response.answers, name, type);
    for (const alias of aliases) this.#put(alias.name, 'CNAME', [alias], [], alias.ttl);
    if (records.length > 0) {
      // An answer to ANY need not be all that there is (RFC 8482).
      if (type === 'ANY') return;
      // Records of one set end together (RFC 2181 §5.2).
      const ttl = Math.min(...records.map((record) => usableTtl(record.ttl)));
      const set = records.map((record) => ({ ...record, ttl }));
      this.#put(end, type, set, [], ttl);
      return;
    }
    const ttl = negativeTtl(response.authorities);
    if (ttl === undefined) return;
    const soa = response.authorities
      .filter((record) => record.type === 'SOA')
      .map((record) => ({ ...record, ttl }));
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

  /** Returns how many answers it forgot. */
  flush(): number {
    const { size } = this.#entries;
    this.#entries.clear();
    return size;
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
    if (seconds === 0 || records.reduce((sum, record) => sum + sizeOf(record), 0) > LARGEST_SET) return;
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
