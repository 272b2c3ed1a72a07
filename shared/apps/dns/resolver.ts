// The stub resolver of a host: asks the configured servers, remembers, and turns names into addresses.

import { parseIpv4 } from '../../core/address.ts';
import { type SystemError, systemError } from '../../core/errors.ts';
import type { Lookup, Sockets } from '../../socket/sockets.ts';
import { parseName } from '../../wire/dns/name.ts';
import { type DnsMessage, type DnsType, RCODE, rcodeName } from '../../wire/dns/types.ts';
import { followAnswers } from './aliases.ts';
import { ask } from './ask.ts';
import { type CachedAnswer, DnsCache, type DnsCacheRow } from './cache.ts';
import { PendingQuestions } from './questions.ts';
import { addressesIn, logAnswer, logCached, logFailure } from './story.ts';

export interface ResolverOptions {
  /** Addresses of the name servers, first choice first; asked anew for every question. */
  servers(): readonly string[];
  /** ms to wait for each; 5 s unless told. */
  readonly timeout?: number;
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
  /** Returns how many answers it forgot. */
  flush(): number;
}

/** What glibc does: 5 s a try, each server tried twice. */
const TRY_TIMEOUT = 5000;
const ROUNDS = 2;

/** getaddrinfo's numbers in libuv. */
const ERRNO = { ENOTFOUND: -3008, EAI_AGAIN: -3001 } as const;

function lookupError(code: keyof typeof ERRNO, hostname: string): SystemError {
  const error = systemError(code, 'getaddrinfo');
  error.message = `getaddrinfo ${code} ${hostname}`;
  error.errno = ERRNO[code];
  return Object.assign(error, { hostname });
}

export function createResolver(sockets: Sockets, options: ResolverOptions): Resolver {
  const { clock, log } = sockets;
  const { timeout = TRY_TIMEOUT } = options;
  const random = sockets.random('dns');
  const cache = new DnsCache(clock);
  const pending = new PendingQuestions<ResolvedAnswer>();

  /** Undefined when the server does not know, or does not speak. */
  async function tryServer(server: string, name: string, type: DnsType): Promise<DnsMessage | undefined> {
    try {
      const response = await ask(sockets, random, { server, name, type, rd: true, timeout: () => timeout });
      if (response.rcode === RCODE.NOERROR || response.rcode === RCODE.NXDOMAIN) return response;
      logFailure(log, name, server, rcodeName(response.rcode));
    } catch (error) {
      logFailure(log, name, server, (error as SystemError).code);
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

  function learn(server: string, name: string, type: DnsType, response: DnsMessage): ResolvedAnswer {
    cache.store(name, type, response);
    const { aliases, records } = followAnswers(response.answers, name, type);
    const { rcode, authorities } = response;
    const answer = { rcode, answers: [...aliases, ...records], authorities, server };
    logAnswer(log, name, type, answer, server);
    return answer;
  }

  function query(name: string, type: DnsType): Promise<ResolvedAnswer> {
    const known = cache.get(name, type);
    if (known) {
      logCached(log, name, type, known);
      return Promise.resolve(known);
    }
    const answer = pending.join(name, type, () => askAll(name, type));
    if (answer !== undefined) return answer;
    sockets.counters.add('dns.too-many-pending');
    return Promise.reject(lookupError('EAI_AGAIN', name));
  }

  async function lookup(hostname: string): Promise<readonly string[]> {
    if (parseIpv4(hostname) !== undefined) return [hostname];
    const name = parseName(hostname);
    if (name === undefined) throw lookupError('ENOTFOUND', hostname);
    if (/^(?:.+\.)?localhost$/i.test(name)) return ['127.0.0.1'];
    const { answers } = await query(name, 'A');
    const addresses = addressesIn(answers);
    if (addresses.length === 0) throw lookupError('ENOTFOUND', hostname);
    return addresses;
  }

  return { lookup, query, cache: () => cache.rows(), flush: () => cache.flush() };
}
