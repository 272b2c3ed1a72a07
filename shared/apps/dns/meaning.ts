// What a response means to one who asked a server of `zone` (RFC 1034 §5.3.3, RFC 2308 §2). A server is
// believed only about names in the zone that it was asked as a server of, and a referral has to lead down.

import { canonicalName, isWithin } from '../../wire/dns/name.ts';
import {
  DNS_CLASS,
  type DnsMessage,
  type DnsRecord,
  type DnsType,
  RCODE,
  rcodeName,
} from '../../wire/dns/types.ts';
import { followAnswers, type Step } from './aliases.ts';
import { usableTtl } from './cache.ts';
import type { Delegation } from './delegations.ts';
import { addressesIn } from './story.ts';

export type Meaning =
  | { readonly kind: 'answer'; readonly step: Step }
  | { readonly kind: 'referral'; readonly delegation: Delegation }
  /** Says nothing that this server could know. */
  | { readonly kind: 'useless'; readonly why: string };

/** The most name servers of a zone that are taken up. */
const MOST_SERVERS = 13;
/** The most addresses of each. */
const MOST_ADDRESSES = 4;

export function meaningOf(response: DnsMessage, zone: string, name: string, type: DnsType): Meaning {
  const { rcode, aa } = response;
  if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) return useless(rcodeName(rcode));
  const believed = (records: readonly DnsRecord[]): DnsRecord[] =>
    records.filter((record) => record.class === DNS_CLASS.IN && isWithin(record.name, zone));

  const { aliases, records, end } = followAnswers(believed(response.answers), name, type);
  const authorities = believed(response.authorities);
  const soa = authorities.filter((record) => record.type === 'SOA' && isWithin(end, record.name)).slice(0, 1);
  const answer = (step: Partial<Step>): Meaning => ({
    kind: 'answer',
    step: { rcode: RCODE.NOERROR, answers: [...aliases, ...records], authorities: [], ...step },
  });
  if (records.length > 0) return answer({});
  if (aliases.length > 0) {
    // The code is that of the last name (RFC 6604 §3), of which this server may know nothing.
    if (isWithin(end, zone) && soa.length > 0) return answer({ rcode, authorities: soa });
    return answer({ next: end });
  }
  if (soa.length > 0) return answer({ rcode, authorities: soa });
  if (rcode === RCODE.NXDOMAIN) return aa ? answer({ rcode }) : useless('NXDOMAIN without authority');
  const delegation = delegationIn(authorities, believed(response.additionals), zone, name);
  if (delegation) return { kind: 'referral', delegation };
  return aa ? answer({}) : useless('lame');
}

function useless(why: string): Meaning {
  return { kind: 'useless', why };
}

/** What NS records say of a zone below `zone` that `name` is in; any other would lead in circles. */
export function delegationIn(
  authorities: readonly DnsRecord[],
  glue: readonly DnsRecord[],
  zone: string,
  name: string,
): Delegation | undefined {
  const leadsDown = ({ name: owner }: DnsRecord): boolean =>
    canonicalName(owner) !== canonicalName(zone) && isWithin(name, owner);
  const first = authorities.find((record) => record.type === 'NS' && leadsDown(record));
  if (!first) return undefined;
  const ttls: number[] = [];
  const servers = authorities
    .flatMap((record) => {
      if (record.type !== 'NS' || canonicalName(record.name) !== canonicalName(first.name)) return [];
      ttls.push(record.ttl);
      return [record.target];
    })
    .slice(0, MOST_SERVERS)
    .map((server) => {
      const own = glue
        .filter((record) => record.type === 'A' && canonicalName(record.name) === canonicalName(server))
        .slice(0, MOST_ADDRESSES);
      ttls.push(...own.map(({ ttl }) => ttl));
      return { name: server, addresses: addressesIn(own) };
    });
  return { zone: first.name, servers, ttl: Math.min(...ttls.map(usableTtl)) };
}
