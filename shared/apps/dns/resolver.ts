// The stub resolver of a host: asks the configured servers, remembers, and turns names into addresses.

import { formatIpv4, parseIpv4 } from '../../core/address.ts';
import { type SystemError, systemError } from '../../core/errors.ts';
import type { Lookup, Sockets } from '../../socket/sockets.ts';
import { dnsQuery } from '../../wire/dns/message.ts';
import { canonicalName, parseName } from '../../wire/dns/name.ts';
import { formatData } from '../../wire/dns/text.ts';
import { type DnsMessage, type DnsRecord, type DnsType, RCODE, rcodeName } from '../../wire/dns/types.ts';
import { type CachedAnswer, DnsCache, type DnsCacheRow, followAnswers } from './cache.ts';
import { exchange } from './exchange.ts';

export interface ResolverOptions {
  /** Addresses of the name servers, first choice first; asked anew for every question. */
  servers(): readonly string[];
}

export interface ResolvedAnswer extends CachedAnswer {
  /** Who said so; undefined for the cache. */
  readonly server?: string | undefined;
}

export interface Resolver {
  /** Also takes an address, which is its own answer, and `localhost` (RFC 6761 §6.3). */
  readonly lookup: Lookup;
  /**
   * From the cache, or of the first server that knows: rcode NOERROR or NXDOMAIN.
   * @throws SystemError (as a rejection) EAI_AGAIN when no server gave an answer
   */
  query(name: string, type: DnsType): Promise<ResolvedAnswer>;
  cache(): DnsCacheRow[];
  flush(): void;
}

/** What glibc does: 5 s a try, each server tried twice. */
const TRY_TIMEOUT = 5000;
const ROUNDS = 2;
/** Questions that wait at once; more are refused, so that a dead server does not make memory grow. */
const MOST_PENDING = 1000;

/** getaddrinfo's numbers in libuv. */
const ERRNO = { ENOTFOUND: -3008, EAI_AGAIN: -3001 } as const;

function lookupError(code: keyof typeof ERRNO, hostname: string): SystemError {
  const error = systemError(code, 'getaddrinfo');
  error.message = `getaddrinfo ${code} ${hostname}`;
  error.errno = ERRNO[code];
  return Object.assign(error, { hostname });
}

function addressesOf(answers: readonly DnsRecord[]): string[] {
  return answers.flatMap((record) => (record.type === 'A' ? [formatIpv4(record.address)] : []));
}

export function createResolver(sockets: Sockets, options: ResolverOptions): Resolver {
  const { clock, log } = sockets;
  const random = sockets.random('dns');
  const cache = new DnsCache(clock);
  /** The same question, asked while it is under way, waits for the same answer. */
  const pending = new Map<string, Promise<ResolvedAnswer>>();

  /** A truncated answer is asked for again over TCP (RFC 7766 §5). */
  async function ask(server: string, name: string, type: DnsType): Promise<DnsMessage> {
    const query = dnsQuery({ id: random.uint32() & 0xffff, name, type });
    log.info('dns.query', { name, type, server, id: query.id }, `asks ${server} for ${name} ${type}`);
    const response = await exchange(sockets, { server, query, transport: 'udp', timeout: TRY_TIMEOUT });
    if (!response.tc) return response;
    log.debug?.(
      'dns.truncated',
      { name, type, server },
      `The answer of ${server} was cut off; asks over TCP`,
    );
    return exchange(sockets, { server, query, transport: 'tcp', timeout: TRY_TIMEOUT });
  }

  /** Undefined when the server does not know, or does not speak. */
  async function tryServer(server: string, name: string, type: DnsType): Promise<DnsMessage | undefined> {
    try {
      const response = await ask(server, name, type);
      if (response.rcode === RCODE.NOERROR || response.rcode === RCODE.NXDOMAIN) return response;
      fail(server, name, rcodeName(response.rcode));
    } catch (error) {
      fail(server, name, (error as SystemError).code);
    }
    return undefined;
  }

  async function askAll(name: string, type: DnsType): Promise<ResolvedAnswer> {
    const servers = options.servers();
    for (let round = 0; round < ROUNDS; round++) {
      for (const server of servers) {
        const response = await tryServer(server, name, type);
        if (response) return learn(server, name, type, response);
      }
    }
    throw lookupError('EAI_AGAIN', name);
  }

  function fail(server: string, name: string, reason: string): void {
    log.info('dns.failure', { name, server, reason }, `${server} gives no answer for ${name}: ${reason}`);
  }

  function learn(server: string, name: string, type: DnsType, response: DnsMessage): ResolvedAnswer {
    cache.store(name, type, response);
    const { aliases, records } = followAnswers(response.answers, name, type);
    const answers = [...aliases, ...records];
    const rcode = rcodeName(response.rcode);
    const ttl = answers.length > 0 ? Math.min(...answers.map((record) => record.ttl)) * 1000 : undefined;
    const said = answers.map(formatData).join(', ') || (rcode === 'NOERROR' ? 'NODATA' : rcode);
    log.info(
      'dns.answer',
      { name, type, rcode, addresses: addressesOf(records), ttl, server },
      `${server} answers: ${name} ${type} is ${said}`,
    );
    return { rcode: response.rcode, answers, authorities: response.authorities, server };
  }

  function query(name: string, type: DnsType): Promise<ResolvedAnswer> {
    const known = cache.get(name, type);
    if (known) {
      const data = known.answers.map(formatData);
      log.info(
        'dns.cache',
        { name, type, rcode: rcodeName(known.rcode), addresses: addressesOf(known.answers) },
        `remembers ${name} ${type}: ${data.join(', ') || rcodeName(known.rcode)}`,
      );
      return Promise.resolve(known);
    }
    const key = `${canonicalName(name)} ${type}`;
    const asked = pending.get(key);
    if (asked) return asked;
    if (pending.size >= MOST_PENDING) {
      sockets.counters.add('dns.too-many-pending');
      return Promise.reject(lookupError('EAI_AGAIN', name));
    }
    const answer = askAll(name, type).finally(() => pending.delete(key));
    pending.set(key, answer);
    return answer;
  }

  async function lookup(hostname: string): Promise<readonly string[]> {
    if (parseIpv4(hostname) !== undefined) return [hostname];
    const name = parseName(hostname);
    if (name === undefined) throw lookupError('ENOTFOUND', hostname);
    if (/^(?:.+\.)?localhost$/i.test(name)) return ['127.0.0.1'];
    const { answers } = await query(name, 'A');
    const addresses = addressesOf(answers);
    if (addresses.length === 0) throw lookupError('ENOTFOUND', hostname);
    return addresses;
  }

  return { lookup, query, cache: () => cache.rows(), flush: () => cache.flush() };
}
