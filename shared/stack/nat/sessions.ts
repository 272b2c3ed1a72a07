// The translation table. An inside endpoint has one outer port for whatever it sends anywhere (RFC 4787
// REQ-1), and under it a session for each destination, by which what comes back is filtered
// (address- and port-dependent, REQ-8).

import type { Ipv4Address } from '../../core/address.ts';
import { Alarm, type Clock } from '../../core/clock.ts';
import type { Counters } from '../../core/counters.ts';
import type { Random } from '../../core/random.ts';
import { PROTOCOL_ICMP, PROTOCOL_TCP } from '../../wire/ipv4.ts';
import { type Side, TcpTracking } from './tcp-tracking.ts';

/** RFC 4787 REQ-5: not under two minutes; ms. */
export const UDP_TIMEOUT = 120_000;
/** RFC 5508 REQ-2; ms. */
export const ICMP_TIMEOUT = 60_000;

/** Expired sessions are cleared away at most this often; ms. Until then lookups pass over them. */
const SWEEP_INTERVAL = 1000;
/** Share of the table for sessions from outside that nothing came of yet, and how many there may be anyway. */
const UNPROVEN_SHARE = 1 / 8;
const FEWEST_UNPROVEN = 64;
/** Random tries for a free outer port before they are gone through one by one. */
const PORT_TRIES = 16;

export interface InsideEndpoint {
  readonly protocol: number;
  readonly address: Ipv4Address;
  /** The echo id, for ICMP. */
  readonly port: number;
  /** What new sessions from inside leave with. */
  readonly outsidePort: number;
  /** A port forward leads here: kept without sessions, and open to anyone. */
  readonly forwarded: boolean;
  /** By destination. */
  readonly sessions: Map<number, Session>;
}

export interface Session {
  readonly endpoint: InsideEndpoint;
  readonly outsidePort: number;
  readonly remoteAddress: Ipv4Address;
  /** 0 for ICMP. */
  readonly remotePort: number;
  /** From which side its first packet came. */
  readonly opener: Side;
  /** For TCP only. */
  readonly tcp: TcpTracking | undefined;
  /** Whether anything came from outside. */
  replied: boolean;
  /** On the clock's scale, as is `expires`. */
  readonly created: number;
  expires: number;
}

/** What a session is opened for. */
export interface Flow {
  readonly protocol: number;
  readonly address: Ipv4Address;
  readonly port: number;
  readonly remoteAddress: Ipv4Address;
  readonly remotePort: number;
}

/** One 48-bit number out of an address and a port. */
function endpointKey(address: Ipv4Address, port: number): number {
  return address * 0x10000 + port;
}

export class SessionTable {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #counters: Counters;
  readonly #limit: number;
  readonly #expired: (session: Session) => void;
  readonly #sweepAlarm: Alarm;
  /** By protocol, then by inside address and port. */
  readonly #inside = new Map<number, Map<number, InsideEndpoint>>();
  /** By protocol, then by outer port. */
  readonly #outside = new Map<number, Map<number, InsideEndpoint>>();
  /** How many sessions each inside address holds. */
  readonly #held = new Map<Ipv4Address, number>();
  /** Sessions from outside that nothing came of yet, oldest first. */
  readonly #unproven = new Set<Session>();
  readonly #mostUnproven: number;
  #count = 0;
  /** What the latest packet from either side belonged to: the next does too, as a rule. */
  #latestFromInside: Session | undefined;
  #latestFromOutside: Session | undefined;

  /** @param limit how many sessions there may be in all @param expired is told of each that timed out */
  constructor(
    clock: Clock,
    random: Random,
    counters: Counters,
    limit: number,
    expired: (session: Session) => void,
  ) {
    this.#counters = counters;
    this.#clock = clock;
    this.#random = random;
    this.#limit = limit;
    this.#mostUnproven = Math.max(limit * UNPROVEN_SHARE, FEWEST_UNPROVEN);
    this.#expired = expired;
    this.#sweepAlarm = new Alarm(clock, () => this.#sweep());
  }

  get size(): number {
    return this.#count;
  }

  /** How many sessions an inside address holds. */
  held(address: Ipv4Address): number {
    return this.#held.get(address) ?? 0;
  }

  /** Reserves an outer port for what is asked of it from outside. */
  forward(protocol: number, outsidePort: number, address: Ipv4Address, port: number): void {
    const known = this.#insideOf(protocol).get(endpointKey(address, port));
    const endpoint = known ?? this.#addEndpoint(protocol, address, port, outsidePort, true);
    this.#outsideOf(protocol).set(outsidePort, endpoint);
  }

  /** Whose outer port this is. */
  owner(protocol: number, outsidePort: number): InsideEndpoint | undefined {
    return this.#outsideOf(protocol).get(outsidePort);
  }

  findFromInside(flow: Flow): Session | undefined {
    const latest = this.#latestFromInside;
    if (latest && isOf(latest, flow)) return this.#living(latest);
    const endpoint = this.#insideOf(flow.protocol).get(endpointKey(flow.address, flow.port));
    this.#latestFromInside = this.find(endpoint, flow.remoteAddress, flow.remotePort);
    return this.#latestFromInside;
  }

  findFromOutside(
    protocol: number,
    outsidePort: number,
    remoteAddress: Ipv4Address,
    remotePort: number,
  ): Session | undefined {
    const latest = this.#latestFromOutside;
    if (
      latest?.outsidePort === outsidePort &&
      latest.endpoint.protocol === protocol &&
      latest.remoteAddress === remoteAddress &&
      latest.remotePort === remotePort
    )
      return this.#living(latest);
    const session = this.find(this.owner(protocol, outsidePort), remoteAddress, remotePort);
    this.#latestFromOutside = session?.outsidePort === outsidePort ? session : undefined;
    return this.#latestFromOutside;
  }

  /**
   * A session for a new flow from inside; undefined if its host has its share, or the outer ports are full.
   * @param preferredPort the outer port to take if it is free
   */
  openFromInside(flow: Flow, preferredPort?: number): Session | undefined {
    const { protocol, address, port } = flow;
    if (!this.#hasRoom(address)) return undefined;
    let endpoint = this.#insideOf(protocol).get(endpointKey(address, port));
    if (!endpoint) {
      const outsidePort = this.#freePort(protocol, port, preferredPort);
      if (outsidePort === undefined) return undefined;
      endpoint = this.#addEndpoint(protocol, address, port, outsidePort, false);
    }
    return this.#addSession(endpoint, endpoint.outsidePort, flow.remoteAddress, flow.remotePort, 'inside');
  }

  /**
   * A session for a new flow from outside to a forwarded port; undefined if there is no room for it. Senders
   * there may be made up, as many as one likes: of sessions that nothing came of yet the oldest makes room.
   */
  openFromOutside(
    endpoint: InsideEndpoint,
    outsidePort: number,
    remoteAddress: Ipv4Address,
    remotePort: number,
  ): Session | undefined {
    for (const oldest of this.#unproven) {
      if (this.#unproven.size < this.#mostUnproven) break;
      this.#counters.add('nat.too-many-unanswered');
      this.#remove(oldest);
    }
    if (!this.#hasRoom(endpoint.address)) return undefined;
    const session = this.#addSession(endpoint, outsidePort, remoteAddress, remotePort, 'outside');
    this.#unproven.add(session);
    return session;
  }

  /** Both sides of a session from outside mean it: it is no part of a flood. */
  prove(session: Session): void {
    this.#unproven.delete(session);
  }

  /** Traffic passes: the session lives on for its timeout from now. */
  refresh(session: Session): void {
    const timeout =
      session.tcp?.timeout ?? (session.endpoint.protocol === PROTOCOL_ICMP ? ICMP_TIMEOUT : UDP_TIMEOUT);
    session.expires = this.#clock.now() + timeout;
    this.#sweepBy(session.expires);
  }

  /** The living sessions, oldest first. */
  sessions(): Session[] {
    const now = this.#clock.now();
    return [...this.#all()].filter((session) => session.expires > now).sort((a, b) => a.created - b.created);
  }

  /** Forgets everything but the forwards. */
  flush(): void {
    for (const session of [...this.#all()]) this.#remove(session);
    this.#sweepAlarm.close();
  }

  /** An endpoint's session with a destination, by whichever outer port. */
  find(
    endpoint: InsideEndpoint | undefined,
    remoteAddress: Ipv4Address,
    remotePort: number,
  ): Session | undefined {
    const session = endpoint?.sessions.get(endpointKey(remoteAddress, remotePort));
    return session && this.#living(session);
  }

  #living(session: Session): Session | undefined {
    if (session.expires > this.#clock.now()) return session;
    this.#expire(session);
    return undefined;
  }

  /**
   * A host may hold as many sessions as are left for the others: alone it gets half of the table, and
   * however many hosts flood it, one that holds few still gets more.
   */
  #hasRoom(address: Ipv4Address): boolean {
    return this.held(address) < this.#limit - this.#count;
  }

  #addEndpoint(
    protocol: number,
    address: Ipv4Address,
    port: number,
    outsidePort: number,
    forwarded: boolean,
  ): InsideEndpoint {
    const endpoint = { protocol, address, port, outsidePort, forwarded, sessions: new Map() };
    this.#insideOf(protocol).set(endpointKey(address, port), endpoint);
    this.#outsideOf(protocol).set(outsidePort, endpoint);
    return endpoint;
  }

  #addSession(
    endpoint: InsideEndpoint,
    outsidePort: number,
    remoteAddress: Ipv4Address,
    remotePort: number,
    opener: Side,
  ): Session {
    const now = this.#clock.now();
    const session: Session = {
      endpoint,
      outsidePort,
      remoteAddress,
      remotePort,
      opener,
      tcp: endpoint.protocol === PROTOCOL_TCP ? new TcpTracking(opener) : undefined,
      replied: opener === 'outside',
      created: now,
      expires: now,
    };
    endpoint.sessions.set(endpointKey(remoteAddress, remotePort), session);
    this.#count++;
    this.#held.set(endpoint.address, this.held(endpoint.address) + 1);
    this.refresh(session);
    return session;
  }

  #expire(session: Session): void {
    this.#remove(session);
    this.#expired(session);
  }

  #remove(session: Session): void {
    const { endpoint } = session;
    if (this.#latestFromInside === session) this.#latestFromInside = undefined;
    if (this.#latestFromOutside === session) this.#latestFromOutside = undefined;
    this.#unproven.delete(session);
    endpoint.sessions.delete(endpointKey(session.remoteAddress, session.remotePort));
    this.#count--;
    const held = this.held(endpoint.address) - 1;
    if (held > 0) this.#held.set(endpoint.address, held);
    else this.#held.delete(endpoint.address);
    if (endpoint.forwarded || endpoint.sessions.size > 0) return;
    this.#insideOf(endpoint.protocol).delete(endpointKey(endpoint.address, endpoint.port));
    this.#outsideOf(endpoint.protocol).delete(endpoint.outsidePort);
  }

  /** At random (RFC 6056), in the class that the inner port is of while that has one left (RFC 4787 REQ-3); ids have no classes. */
  #freePort(protocol: number, port: number, preferred: number | undefined): number | undefined {
    const taken = this.#outsideOf(protocol);
    if (preferred !== undefined && !taken.has(preferred)) return preferred;
    const wellKnown = port < 1024 && protocol !== PROTOCOL_ICMP;
    return (
      (wellKnown ? this.#freePortIn(taken, 512, 1023) : undefined) ?? this.#freePortIn(taken, 1024, 65535)
    );
  }

  #freePortIn(taken: ReadonlyMap<number, unknown>, lowest: number, highest: number): number | undefined {
    for (let tries = 0; tries < PORT_TRIES; tries++) {
      const candidate = this.#random.integer(lowest, highest);
      if (!taken.has(candidate)) return candidate;
    }
    const start = this.#random.integer(lowest, highest);
    const count = highest - lowest + 1;
    for (let step = 0; step < count; step++) {
      const candidate = lowest + ((start - lowest + step) % count);
      if (!taken.has(candidate)) return candidate;
    }
    return undefined;
  }

  /** Has the sweep come no later than `time`. */
  #sweepBy(time: number): void {
    const planned = this.#sweepAlarm.deadline;
    if (planned === undefined || time + SWEEP_INTERVAL < planned)
      this.#sweepAlarm.set(time - this.#clock.now());
  }

  #sweep(): void {
    const now = this.#clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const session of this.#all()) {
      if (session.expires <= now) this.#expire(session);
      else next = Math.min(next, session.expires);
    }
    if (next < Number.POSITIVE_INFINITY) this.#sweepAlarm.set(Math.max(next - now, SWEEP_INTERVAL));
  }

  *#all(): Generator<Session> {
    for (const endpoints of this.#inside.values())
      for (const endpoint of endpoints.values()) yield* endpoint.sessions.values();
  }

  #insideOf(protocol: number): Map<number, InsideEndpoint> {
    return mapFor(this.#inside, protocol);
  }

  #outsideOf(protocol: number): Map<number, InsideEndpoint> {
    return mapFor(this.#outside, protocol);
  }
}

function isOf({ endpoint, remoteAddress, remotePort }: Session, flow: Flow): boolean {
  return (
    endpoint.port === flow.port &&
    endpoint.address === flow.address &&
    endpoint.protocol === flow.protocol &&
    remoteAddress === flow.remoteAddress &&
    remotePort === flow.remotePort
  );
}

function mapFor(
  maps: Map<number, Map<number, InsideEndpoint>>,
  protocol: number,
): Map<number, InsideEndpoint> {
  let map = maps.get(protocol);
  if (!map) {
    map = new Map();
    maps.set(protocol, map);
  }
  return map;
}
