// The recursive resolver: finds out from the root on, through referrals, and remembers what it learned
// (RFC 1034 §5.3.3). delegations.ts has the way, cache.ts the answers, meaning.ts what is believed.
//
// Everything that one question may cost is bounded, since those who answer may mean ill: its time, the
// queries for it, how deep one name needs another, and how long a chain of aliases may be.

import type { SystemError } from '../../core/errors.ts';
import type { Sockets } from '../../socket/sockets.ts';
import { canonicalName, isWithin, ROOT } from '../../wire/dns/name.ts';
import { DNS_CLASS, type DnsQuestion, type DnsType, type Edns, RCODE } from '../../wire/dns/types.ts';
import { LONGEST_CHAIN, type Step } from './aliases.ts';
import { ask } from './ask.ts';
import { type CachedAnswer, DnsCache } from './cache.ts';
import { type Delegation, Delegations, referralRecords } from './delegations.ts';
import { delegationIn, type Meaning, meaningOf } from './meaning.ts';
import { PendingQuestions } from './questions.ts';
import { addressesIn, logAnswer, logCached, logFailure } from './story.ts';
import type { ZoneAnswer } from './zones.ts';

export interface RecursionOptions {
  /** Root servers, name to address. */
  readonly roots: Readonly<Record<string, string>>;
  /** What is known here with authority; undefined for a name in no zone of ours. */
  authority(question: DnsQuestion): ZoneAnswer | undefined;
}

/** ms that one question may take: less than a client waits (5 s), so that it is told. */
const MOST_TIME = 4500;
/** ms to wait for each server of a zone, round by round. */
const TRIES = [600, 1200, 2400] as const;
/** The same while a name server's name is looked up: it must not take all the time of the question that needs it. */
const SHORT_TRIES = [600, 1200] as const;
const MOST_QUERIES = 50;
/** A name server's name that needs a name server's name that … */
const DEEPEST = 6;
/** Name servers of one zone whose addresses are asked for, where the referral has none (the NXNS attack). */
const MOST_NAMES_LOOKED_UP = 3;
/** ms for which a question that could not be answered is not tried again (RFC 9520 §3.2). */
const FAILURE_TTL = 1000;
/** ms for which a server that failed for a zone is asked after the others. */
const DISTRUST = 60_000;
const MOST_REMEMBERED = 1000;

/** 1232 bytes fit any path without fragments. */
const EDNS: Edns = { udpSize: 1232, version: 0, dnssecOk: false, options: [] };

/** There is no answer to be had; the text says why. */
class Unresolved extends Error {}

/** What is left of the bounds of one question. */
interface Work {
  /** On the clock. */
  readonly deadline: number;
  /** Shared with the questions that it leads to. */
  readonly queries: { left: number };
  /** Names of name servers that are being looked up: one of them again is a loop. */
  readonly lookingUp: readonly string[];
}

/** Remembers keys for a time, the newest of them when they are many. */
class Recent {
  readonly #until = new Map<string, number>();

  constructor(
    private readonly now: () => number,
    private readonly duration: number,
  ) {}

  add(key: string): void {
    this.#until.delete(key);
    this.#until.set(key, this.now() + this.duration);
    const [oldest] = this.#until.keys();
    if (this.#until.size > MOST_REMEMBERED && oldest !== undefined) this.#until.delete(oldest);
  }

  has(key: string): boolean {
    return (this.#until.get(key) ?? 0) > this.now();
  }

  delete(key: string): void {
    this.#until.delete(key);
  }

  clear(): void {
    this.#until.clear();
  }
}

export class Recursor {
  readonly #random;
  readonly #cache: DnsCache;
  readonly #delegations: Delegations;
  readonly #pending = new PendingQuestions<CachedAnswer>();
  /** Questions that had no answer a moment ago. */
  readonly #failed: Recent;
  /** Servers, each with a zone, that did not answer for it. */
  readonly #distrusted: Recent;

  constructor(
    private readonly sockets: Sockets,
    private readonly options: RecursionOptions,
  ) {
    const { clock } = sockets;
    this.#random = sockets.random('dns-recursion');
    this.#cache = new DnsCache(clock);
    this.#delegations = new Delegations(clock, options.roots);
    this.#failed = new Recent(() => clock.now(), FAILURE_TTL);
    this.#distrusted = new Recent(() => clock.now(), DISTRUST);
  }

  /** @throws Error (as a rejection) when nobody gave an answer */
  async query(name: string, type: DnsType): Promise<CachedAnswer> {
    const known = this.#cache.get(name, type);
    if (known) {
      logCached(this.sockets.log, name, type, known);
      return known;
    }
    const key = `${canonicalName(name)} ${type}`;
    if (this.#failed.has(key)) throw new Unresolved('it could not be answered a moment ago');
    const answer = this.#pending.join(name, type, () => this.#find(name, type, key));
    if (answer !== undefined) return answer;
    this.sockets.counters.add('dns.too-many-pending');
    throw new Unresolved('too many questions are under way');
  }

  /** For one who did not ask for recursion: what is remembered, or else whom to ask (RFC 1034 §4.3.2). */
  known(name: string, type: DnsType): ReturnType<typeof referralRecords> & CachedAnswer {
    const cached = this.#cache.get(name, type);
    if (cached) return { ...cached, authorities: [...cached.authorities], additionals: [] };
    return { rcode: RCODE.NOERROR, answers: [], ...referralRecords(this.#closest(name, type)) };
  }

  /** Forgets all that it learned; returns how many answers and delegations that were. */
  flush(): number {
    this.#failed.clear();
    this.#distrusted.clear();
    return this.#cache.flush() + this.#delegations.flush();
  }

  async #find(name: string, type: DnsType, key: string): Promise<CachedAnswer> {
    const deadline = this.sockets.clock.now() + MOST_TIME;
    try {
      const answer = await this.#resolve(name, type, {
        deadline,
        queries: { left: MOST_QUERIES },
        lookingUp: [],
      });
      logAnswer(this.sockets.log, name, type, answer);
      return answer;
    } catch (error) {
      this.#failed.add(key);
      throw error;
    }
  }

  /** Follows the aliases to the end. */
  async #resolve(name: string, type: DnsType, work: Work): Promise<CachedAnswer> {
    let answers: Step['answers'] = [];
    let owner = name;
    while (answers.length <= LONGEST_CHAIN) {
      const step =
        this.#own(owner, type) ??
        this.#cache.follow(owner, type) ??
        (await this.#walkDown(owner, type, work));
      answers = [...answers, ...step.answers];
      if (step.next === undefined) return { rcode: step.rcode, answers, authorities: step.authorities };
      owner = step.next;
    }
    throw new Unresolved(`the aliases of ${name} have no end`);
  }

  #own(name: string, type: DnsType): Step | undefined {
    const answer = this.options.authority({ name, type, class: DNS_CLASS.IN });
    return answer?.aa ? answer : undefined;
  }

  /** Asks the servers of zone after zone, each below the one before. */
  async #walkDown(name: string, type: DnsType, work: Work): Promise<Step> {
    let delegation = this.#closest(name, type);
    for (;;) {
      const meaning = await this.#askZone(delegation, name, type, work);
      if (meaning.kind === 'answer') {
        const { step } = meaning;
        this.#cache.store(name, type, step);
        return step;
      }
      delegation = meaning.delegation;
      this.#delegations.learn(delegation);
    }
  }

  /** Where to begin: at the deepest zone that is known, or delegated by a zone of our own. */
  #closest(name: string, type: DnsType): Delegation {
    const learned = this.#delegations.closest(name);
    const own = this.options.authority({ name, type, class: DNS_CLASS.IN });
    const delegated = own && !own.aa && delegationIn(own.authorities, own.additionals, ROOT, name);
    return delegated && isWithin(delegated.zone, learned.zone) ? delegated : learned;
  }

  /** @throws Unresolved when none of the servers of the zone says anything of use */
  async #askZone(
    delegation: Delegation,
    name: string,
    type: DnsType,
    work: Work,
  ): Promise<Exclude<Meaning, { kind: 'useless' }>> {
    for (const patience of work.lookingUp.length === 0 ? TRIES : SHORT_TRIES) {
      for await (const server of this.#serversOf(delegation, work)) {
        const meaning = await this.#askServer(server, delegation.zone, name, type, work, patience);
        if (meaning.kind !== 'useless') return meaning;
        this.#distrusted.add(`${server} ${delegation.zone}`);
        logFailure(this.sockets.log, name, server, meaning.why);
      }
    }
    throw new Unresolved(`no server of ${delegation.zone} answers`);
  }

  async #askServer(
    server: string,
    zone: string,
    name: string,
    type: DnsType,
    work: Work,
    patience: number,
  ): Promise<Meaning> {
    const { clock } = this.sockets;
    const left = (): number => work.deadline - clock.now();
    if (left() <= 0) throw new Unresolved('it takes too long');
    if (work.queries.left-- <= 0) throw new Unresolved('it takes too many queries');
    try {
      const response = await ask(this.sockets, this.#random, {
        server,
        name,
        type,
        rd: false,
        edns: EDNS,
        timeout: () => Math.min(patience, Math.max(left(), 0)),
      });
      const meaning = meaningOf(response, zone, name, type);
      if (meaning.kind === 'referral') this.#logReferral(meaning.delegation, name, server);
      if (meaning.kind !== 'useless') this.#distrusted.delete(`${server} ${zone}`);
      return meaning;
    } catch (error) {
      return { kind: 'useless', why: (error as SystemError).code };
    }
  }

  /** Addresses to ask: those that are known in random order, those that failed last; then those that can be found out. */
  async *#serversOf({ zone, servers }: Delegation, work: Work): AsyncGenerator<string> {
    const nameless: string[] = [];
    const known: string[] = [];
    for (const { name, addresses } of servers) {
      // What a server with authority said of the name is worth more than glue (RFC 2181 §5.4.1).
      const told = addressesIn((this.#own(name, 'A') ?? this.#cache.get(name, 'A'))?.answers ?? []);
      const best = told.length > 0 ? told : addresses;
      known.push(...best);
      if (best.length === 0) nameless.push(name);
    }
    const trusted = (address: string): boolean => !this.#distrusted.has(`${address} ${zone}`);
    const shuffled = this.#shuffle([...new Set(known)]);
    yield* shuffled.filter(trusted);
    yield* shuffled.filter((address) => !trusted(address));
    for (const name of this.#shuffle(nameless).slice(0, MOST_NAMES_LOOKED_UP))
      yield* await this.#addressesOf(name, work);
  }

  /** Of a name server; none if they can't be found out. */
  async #addressesOf(name: string, work: Work): Promise<string[]> {
    const key = canonicalName(name);
    if (work.lookingUp.includes(key) || work.lookingUp.length >= DEEPEST) return [];
    try {
      const lookingUp = [...work.lookingUp, key];
      return addressesIn((await this.#resolve(name, 'A', { ...work, lookingUp })).answers);
    } catch {
      return [];
    }
  }

  #shuffle<Item>(items: readonly Item[]): Item[] {
    const shuffled = [...items];
    for (let index = shuffled.length - 1; index > 0; index--) {
      const other = this.#random.integer(0, index);
      [shuffled[index], shuffled[other]] = [shuffled[other]!, shuffled[index]!];
    }
    return shuffled;
  }

  #logReferral({ zone, servers }: Delegation, name: string, server: string): void {
    const names = servers.map((each) => each.name);
    this.sockets.log.info(
      'dns.referral',
      { name, zone, servers: names, server },
      `${server} refers to the servers of ${zone} for ${name}: ${names.join(', ')}`,
    );
  }
}
