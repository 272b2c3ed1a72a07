// How what a resolver found out stands in the log.

import { formatIpv4 } from '../../core/address.ts';
import type { EventLog } from '../../core/event-log.ts';
import { formatData } from '../../wire/dns/text.ts';
import { type DnsRecord, type DnsType, rcodeName } from '../../wire/dns/types.ts';
import type { CachedAnswer } from './cache.ts';

export function addressesIn(answers: readonly DnsRecord[]): string[] {
  return answers.flatMap((record) => (record.type === 'A' ? [formatIpv4(record.address)] : []));
}

function inWords({ answers, rcode }: CachedAnswer): string {
  const name = rcodeName(rcode);
  return answers.map(formatData).join(', ') || (name === 'NOERROR' ? 'NODATA' : name);
}

export function logCached(log: EventLog, name: string, type: DnsType, known: CachedAnswer): void {
  const { answers } = known;
  const fields = { name, type, rcode: rcodeName(known.rcode), addresses: addressesIn(answers) };
  log.info('dns.cache', fields, `remembers ${name} ${type}: ${inWords(known)}`);
}

/** @param server who said so; undefined if it was found out from several */
export function logAnswer(
  log: EventLog,
  name: string,
  type: DnsType,
  answer: CachedAnswer,
  server?: string,
): void {
  const { answers } = answer;
  const ttl = answers.length > 0 ? Math.min(...answers.map((record) => record.ttl)) * 1000 : undefined;
  const fields = { name, type, rcode: rcodeName(answer.rcode), addresses: addressesIn(answers), ttl, server };
  const who = server === undefined ? 'finds out' : `${server} answers`;
  log.info('dns.answer', fields, `${who}: ${name} ${type} is ${inWords(answer)}`);
}

export function logFailure(log: EventLog, name: string, server: string, reason: string): void {
  log.info('dns.failure', { name, server, reason }, `${server} gives no answer for ${name}: ${reason}`);
}
