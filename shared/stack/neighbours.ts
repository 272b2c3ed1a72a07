// Which MAC a neighbour has: the cache of one interface, and the packets that wait for an answer
// (RFC 1122 §2.3.2). Asking and sending are given to it; ARP is one way to ask.

import type { Ipv4Address, MacAddress } from '../core/address.ts';
import { Alarm, type Clock } from '../core/clock.ts';
import type { Counters } from '../core/counters.ts';

/** ms that an answer counts as fresh; a later packet has the neighbour asked again, by unicast. */
const REACHABLE_TIME = 30_000;
/** ms after which a neighbour that nobody talked to is forgotten. */
const FORGET_TIME = 600_000;
/** ms between questions, RFC 1122 §2.3.2.1. */
const RETRY_TIME = 1000;
const MAX_TRIES = 3;
const MAX_NEIGHBOURS = 1024;
/** Packets that wait for one neighbour, as many as Linux has; the oldest makes room. */
const MAX_WAITING = 100;
const MAX_WAITING_IN_ALL = 2048;

export type NeighbourState = 'incomplete' | 'reachable' | 'stale' | 'failed';

/** A line of the cache. */
export interface NeighbourInfo {
  readonly address: Ipv4Address;
  readonly mac?: MacAddress | undefined;
  readonly state: NeighbourState;
  /** ms since the last answer, or since the first question if there was none. */
  readonly age: number;
}

export interface NeighbourCalls<Origin> {
  /** Sends a packet, in its frame, to a MAC. */
  transmit(frame: Uint8Array, mac: MacAddress, origin: Origin): void;
  /** Asks for a neighbour: everybody, or `mac` alone whether it still is there; `frame` is what waits. */
  ask(address: Ipv4Address, mac: MacAddress | undefined, frame: Uint8Array | undefined): void;
  /** Nobody answered. */
  failed(address: Ipv4Address): void;
  /** A packet waited in vain. */
  unreachable(frame: Uint8Array, origin: Origin): void;
}

interface Waiting<Origin> {
  readonly frame: Uint8Array;
  readonly origin: Origin;
}

interface Neighbour<Origin> {
  readonly address: Ipv4Address;
  /** Undefined while it is not known. */
  mac: MacAddress | undefined;
  /** When it was last confirmed, or first asked for. */
  confirmed: number;
  /** Whether questions are out. */
  asking: boolean;
  tries: number;
  nextTry: number;
  waiting: Waiting<Origin>[];
}

/** @typeParam Origin what is remembered of a waiting packet, to tell its sender if it can't be sent */
export class NeighbourCache<Origin> {
  readonly #neighbours = new Map<Ipv4Address, Neighbour<Origin>>();
  readonly #asking = new Set<Neighbour<Origin>>();
  readonly #retry: Alarm;
  #waiting = 0;

  constructor(
    private readonly clock: Clock,
    private readonly counters: Counters,
    private readonly calls: NeighbourCalls<Origin>,
  ) {
    this.#retry = new Alarm(clock, () => this.#askAgain());
  }

  /**
   * Sends a packet to a neighbour, now or when it answers.
   * @param borrowed whether the frame must be copied to outlive this call
   */
  send(frame: Uint8Array, address: Ipv4Address, origin: Origin, borrowed: boolean): void {
    const now = this.clock.now();
    const neighbour = this.#neighbours.get(address);
    if (neighbour?.mac === undefined) {
      this.#wait(neighbour ?? this.#add(address), { frame: borrowed ? frame.slice() : frame, origin });
      return;
    }
    // The known MAC is used while it is asked whether it still holds, as Linux does in its state PROBE.
    if (now - neighbour.confirmed >= REACHABLE_TIME && !neighbour.asking) this.#ask(neighbour);
    this.calls.transmit(frame, neighbour.mac, origin);
  }

  has(address: Ipv4Address): boolean {
    return this.#neighbours.has(address);
  }

  /**
   * Takes what a neighbour says of itself and sends what waited for it.
   * @returns what it was: an answer to a question, news, or known already
   */
  confirm(address: Ipv4Address, mac: MacAddress): 'answer' | 'news' | 'known' {
    const neighbour = this.#neighbours.get(address) ?? this.#add(address);
    const outcome = neighbour.asking ? 'answer' : neighbour.mac === mac ? 'known' : 'news';
    neighbour.mac = mac;
    neighbour.confirmed = this.clock.now();
    this.#stopAsking(neighbour);
    // The order of the map is the order of confirmation, the oldest first.
    this.#neighbours.delete(address);
    this.#neighbours.set(address, neighbour);
    const waiting = neighbour.waiting;
    neighbour.waiting = [];
    this.#waiting -= waiting.length;
    for (const { frame, origin } of waiting) this.calls.transmit(frame, mac, origin);
    return outcome;
  }

  /** Forgets all that is known and returns how many that were; questions that packets wait for go on. */
  flush(): number {
    const known = [...this.#neighbours.values()].filter(({ mac, asking }) => mac !== undefined || !asking);
    for (const neighbour of known) this.#forget(neighbour);
    return known.length;
  }

  table(): readonly NeighbourInfo[] {
    const now = this.clock.now();
    for (const neighbour of [...this.#neighbours.values()])
      if (!neighbour.asking && now - neighbour.confirmed >= FORGET_TIME) this.#forget(neighbour);
    return [...this.#neighbours.values()].map((neighbour) => ({
      address: neighbour.address,
      mac: neighbour.mac,
      state: this.#stateOf(neighbour, now),
      age: now - neighbour.confirmed,
    }));
  }

  close(): void {
    this.#retry.close();
    this.#asking.clear();
    this.#neighbours.clear();
  }

  #stateOf(neighbour: Neighbour<Origin>, now: number): NeighbourState {
    if (neighbour.mac === undefined) return neighbour.asking ? 'incomplete' : 'failed';
    return now - neighbour.confirmed < REACHABLE_TIME ? 'reachable' : 'stale';
  }

  #add(address: Ipv4Address): Neighbour<Origin> {
    if (this.#neighbours.size >= MAX_NEIGHBOURS) this.#evict();
    const neighbour: Neighbour<Origin> = {
      address,
      mac: undefined,
      confirmed: this.clock.now(),
      asking: false,
      tries: 0,
      nextTry: 0,
      waiting: [],
    };
    this.#neighbours.set(address, neighbour);
    return neighbour;
  }

  /** Makes room: the oldest of those that never answered goes first, so that a scan of dark addresses harms no one else. */
  #evict(): void {
    let victim: Neighbour<Origin> | undefined;
    for (const neighbour of this.#neighbours.values()) {
      victim ??= neighbour;
      if (neighbour.mac !== undefined) continue;
      victim = neighbour;
      break;
    }
    if (!victim) return;
    this.counters.add('arp.table-full');
    this.#forget(victim);
  }

  #forget(neighbour: Neighbour<Origin>): void {
    this.#neighbours.delete(neighbour.address);
    this.#stopAsking(neighbour);
    this.#waiting -= neighbour.waiting.length;
    if (neighbour.waiting.length > 0) this.counters.add('arp.unresolved', neighbour.waiting.length);
    neighbour.waiting = [];
  }

  #wait(neighbour: Neighbour<Origin>, waiting: Waiting<Origin>): void {
    if (neighbour.waiting.length >= MAX_WAITING) {
      neighbour.waiting.shift();
      this.#waiting--;
      this.counters.add('arp.queue-full');
    }
    if (this.#waiting >= MAX_WAITING_IN_ALL) return this.counters.add('arp.queue-full');
    neighbour.waiting.push(waiting);
    this.#waiting++;
    if (!neighbour.asking) {
      neighbour.confirmed = this.clock.now();
      this.#ask(neighbour);
    }
  }

  #ask(neighbour: Neighbour<Origin>): void {
    neighbour.asking = true;
    neighbour.tries = 0;
    this.#asking.add(neighbour);
    this.#try(neighbour);
    if (this.#retry.deadline === undefined) this.#retry.set(RETRY_TIME);
  }

  #try(neighbour: Neighbour<Origin>): void {
    neighbour.tries++;
    neighbour.nextTry = this.clock.now() + RETRY_TIME;
    this.calls.ask(neighbour.address, neighbour.mac, neighbour.waiting[0]?.frame);
  }

  #stopAsking(neighbour: Neighbour<Origin>): void {
    neighbour.asking = false;
    this.#asking.delete(neighbour);
  }

  #askAgain(): void {
    const now = this.clock.now();
    for (const neighbour of [...this.#asking]) {
      // The alarm may ring a fraction of a ms early.
      if (neighbour.nextTry > now + 1) continue;
      if (neighbour.tries < MAX_TRIES) this.#try(neighbour);
      else this.#fail(neighbour);
    }
    const next = Math.min(...[...this.#asking].map(({ nextTry }) => nextTry));
    if (Number.isFinite(next)) this.#retry.set(Math.max(next - now, 0));
  }

  #fail(neighbour: Neighbour<Origin>): void {
    const { waiting } = neighbour;
    this.#stopAsking(neighbour);
    neighbour.mac = undefined;
    neighbour.waiting = [];
    this.#waiting -= waiting.length;
    this.calls.failed(neighbour.address);
    for (const { frame, origin } of waiting) {
      this.counters.add('arp.unresolved');
      this.calls.unreachable(frame, origin);
    }
  }
}
