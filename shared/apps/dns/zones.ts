// The zones of an authoritative server, and what they say to a question (RFC 1034 §4.3.2).

import { parseIpv4 } from '../../core/address.ts';
import type { DnsRecords, DnsServerSpec } from '../../topology/types.ts';
import { canonicalName, isWithin, labelsOf, parentOf, parseName, ROOT } from '../../wire/dns/name.ts';
import {
  DNS_CLASS,
  type DnsData,
  type DnsQuestion,
  type DnsRecord,
  type DnsType,
  RCODE,
  type SoaData,
} from '../../wire/dns/types.ts';
import { LONGEST_CHAIN, type Step } from './aliases.ts';

/** How long absence may be remembered, in seconds. */
const NEGATIVE_TTL = 300;

/** `next` is a name that no zone here has authority for: in none of them, or in one that they delegate. */
export interface ZoneAnswer extends Step {
  /** False for a referral to the servers of a zone below. */
  readonly aa: boolean;
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

interface Zone {
  readonly name: string;
  readonly soa: DnsRecord;
  /** By canonical owner name; empty for a name that exists only because one below it does. */
  readonly nodes: ReadonlyMap<string, readonly DnsRecord[]>;
}

function nameOf(text: string): string {
  const name = parseName(text);
  if (name === undefined) throw new TypeError(`not a domain name: ${text}`);
  return name;
}

function addressOf(text: string): number {
  const address = parseIpv4(text);
  if (address === undefined) throw new TypeError(`not an IPv4 address: ${text}`);
  return address;
}

/** Character strings of up to 255 bytes. */
function stringsOf(text: string): Uint8Array[] {
  const bytes = Uint8Array.from(Buffer.from(text));
  const count = Math.max(Math.ceil(bytes.length / 255), 1);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * 255, (index + 1) * 255));
}

function recordsOf(owner: string, spec: DnsRecords): DnsRecord[] {
  const data: DnsData[] = [
    ...(spec.A ?? []).map((text) => ({ type: 'A' as const, address: addressOf(text) })),
    ...(spec.CNAME === undefined ? [] : [{ type: 'CNAME' as const, target: nameOf(spec.CNAME) }]),
    ...(spec.NS ?? []).map((text) => ({ type: 'NS' as const, target: nameOf(text) })),
    ...(spec.PTR ?? []).map((text) => ({ type: 'PTR' as const, target: nameOf(text) })),
    ...(spec.MX ?? []).map(({ preference, exchange }) => ({
      type: 'MX' as const,
      preference,
      exchange: nameOf(exchange),
    })),
    ...(spec.TXT ?? []).map((text) => ({ type: 'TXT' as const, strings: stringsOf(text) })),
  ];
  const ttl = Math.round(spec.ttl / 1000);
  return data.map((each) => ({ name: owner, class: DNS_CLASS.IN, ttl, ...each }));
}

function soaOf(zone: string, apex: readonly DnsRecord[]): DnsRecord {
  const server = apex.find((record) => record.type === 'NS');
  const data: SoaData = {
    mname: server?.type === 'NS' ? server.target : below('ns', zone),
    rname: below('hostmaster', zone),
    serial: 1,
    refresh: 3600,
    retry: 600,
    expire: 86_400,
    minimum: NEGATIVE_TTL,
  };
  return { name: zone, class: DNS_CLASS.IN, ttl: NEGATIVE_TTL, type: 'SOA', ...data };
}

function buildZone(zoneText: string, owners: Readonly<Record<string, DnsRecords>>): Zone {
  const name = nameOf(zoneText);
  const nodes = new Map<string, DnsRecord[]>([[canonicalName(name), []]]);
  for (const [owner, spec] of Object.entries(owners)) {
    const full = owner === '@' ? name : nameOf(below(owner, name));
    for (
      let node: string | undefined = full;
      node !== undefined && isWithin(node, name);
      node = parentOf(node)
    )
      if (!nodes.has(canonicalName(node))) nodes.set(canonicalName(node), []);
    nodes.get(canonicalName(full))?.push(...recordsOf(full, spec));
  }
  const apex = nodes.get(canonicalName(name)) ?? [];
  const soa = soaOf(name, apex);
  apex.push(soa);
  return { name, soa, nodes };
}

export class Zones {
  readonly #zones: readonly Zone[];

  /** @throws TypeError for a name or address that is none */
  constructor(zones: DnsServerSpec['zones']) {
    this.#zones = Object.entries(zones).map(([name, owners]) => buildZone(name, owners));
  }

  /** Undefined if the name is in none of the zones. Owner names are given as they were asked (RFC 4343 §4.1). */
  answer(question: DnsQuestion): ZoneAnswer | undefined {
    const answers: DnsRecord[] = [];
    let name = question.name;
    let zone = this.#zoneOf(name);
    if (!zone) return undefined;
    while (zone) {
      const step: ZoneAnswer | string = this.#step(zone, name, question.type, answers);
      if (typeof step !== 'string') return step;
      if (answers.length > LONGEST_CHAIN) break;
      name = step;
      zone = this.#zoneOf(name);
    }
    const said = { rcode: RCODE.NOERROR, aa: true, answers, authorities: [], additionals: [] };
    return zone ? said : { ...said, next: name };
  }

  /** One pass of RFC 1034 §4.3.2 step 3: the answer, or the name to go on with, its CNAME put into `answers`. */
  #step(zone: Zone, name: string, type: DnsType, answers: DnsRecord[]): ZoneAnswer | string {
    const referral = this.#referral(zone, name);
    // After an alias the answer section is ours with authority, whatever follows.
    if (referral && answers.length > 0) return { ...referral, aa: true, answers, next: name };
    if (referral) return { ...referral, aa: false, answers };
    const node = nodeOf(zone, name);
    const nothing = { aa: true, answers, authorities: [zone.soa], additionals: [] };
    if (!node) return { rcode: RCODE.NXDOMAIN, ...nothing };

    const found = ofType(node, type).map((record) => ({ ...record, name }));
    if (found.length > 0) {
      answers.push(...found);
      const additionals = this.#addressesFor(found);
      return { rcode: RCODE.NOERROR, aa: true, answers, authorities: [], additionals };
    }
    const alias = node.find((record) => record.type === 'CNAME');
    if (alias?.type !== 'CNAME') return { rcode: RCODE.NOERROR, ...nothing };
    answers.push({ ...alias, name });
    return alias.target;
  }

  /** The zone with the longest name that `name` is in. */
  #zoneOf(name: string): Zone | undefined {
    return this.#zones
      .filter((zone) => isWithin(name, zone.name))
      .sort((a, b) => labelsOf(b.name).length - labelsOf(a.name).length)[0];
  }

  /** NS records below the zone's own name hand everything from there down to other servers. */
  #referral(zone: Zone, name: string): Omit<ZoneAnswer, 'aa' | 'answers'> | undefined {
    let cut: readonly DnsRecord[] = [];
    for (
      let node: string | undefined = name;
      node !== undefined && canonicalName(node) !== canonicalName(zone.name);
      node = parentOf(node)
    ) {
      const servers = (zone.nodes.get(canonicalName(node)) ?? []).filter((record) => record.type === 'NS');
      if (servers.length > 0) cut = servers;
    }
    if (cut.length === 0) return undefined;
    return { rcode: RCODE.NOERROR, authorities: cut, additionals: this.#addressesFor(cut) };
  }

  /** The addresses that are known here of the names that records point to. */
  #addressesFor(records: readonly DnsRecord[]): DnsRecord[] {
    return records.flatMap((record) => {
      const target =
        record.type === 'NS' ? record.target : record.type === 'MX' ? record.exchange : undefined;
      const node = target && this.#zoneOf(target)?.nodes.get(canonicalName(target));
      return node ? node.filter(({ type }) => type === 'A') : [];
    });
  }
}

/** What stands under a name, or under the `*` that stands for it (RFC 4592 §3.3.1). */
function nodeOf({ name: zone, nodes }: Zone, name: string): readonly DnsRecord[] | undefined {
  let encloser = canonicalName(name);
  for (;;) {
    const node = nodes.get(encloser);
    if (node) return encloser === canonicalName(name) ? node : nodes.get(below('*', encloser));
    encloser = parentOf(encloser) ?? canonicalName(zone);
  }
}

function below(label: string, name: string): string {
  return name === ROOT ? label : `${label}.${name}`;
}

/** ANY gets the first set that there is (RFC 8482 §4.1). */
function ofType(node: readonly DnsRecord[], type: DnsType): DnsRecord[] {
  const wanted = type === 'ANY' ? node[0]?.type : type;
  return node.filter((record) => record.type === wanted);
}
