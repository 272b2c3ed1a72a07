// Chains of CNAMEs (RFC 1034 §3.6.2), and how far along one an answer goes.

import { canonicalName } from '../../wire/dns/name.ts';
import type { DnsRecord, DnsType } from '../../wire/dns/types.ts';

/** A chain of aliases that is longer is a loop or an abuse. */
export const LONGEST_CHAIN = 16;

/** A step towards an answer, or the whole of it. */
export interface Step {
  readonly rcode: number;
  /** CNAMEs first, in order. */
  readonly answers: readonly DnsRecord[];
  /** The SOA, if the answer is that there is nothing. */
  readonly authorities: readonly DnsRecord[];
  /** The name that is to be asked for next: where the last CNAME leads, if nothing is known of it here. */
  readonly next?: string | undefined;
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
    const records = own.filter((record) => type === 'ANY' || record.type === type);
    const alias = own.find((record) => record.type === 'CNAME');
    if (records.length > 0 || alias?.type !== 'CNAME' || aliases.length >= LONGEST_CHAIN)
      return { aliases, records, end: owner };
    aliases.push(alias);
    owner = canonicalName(alias.target);
  }
}
