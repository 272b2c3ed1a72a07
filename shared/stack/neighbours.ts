// Which MAC a neighbour has: the cache of one interface, and the packets that wait for an answer
// (RFC 1122 §2.3.2). Asking and sending are given to it; ARP is one way to ask.

import type { Ipv4Address, MacAddress } from '../core/address.ts';
import { Alarm, type Clock } from '../core/clock.ts';
import type { Counters } from '../core/counters.ts';
import { Recent } from '../core/recent.ts';

/** ms that an answer counts as fresh; a later packet has the neighbour asked again, by unicast. */
const REACHABLE_TIME = 30_000;
/** ms after which a neighbour that nobody talked to is forgotten. */
const FORGET_TIME = 600_000;
/** ms between questions, RFC 1122 §2.3.2.1. */
const RETRY_TIME = 1000;
const MAX_TRIES = 3;
/** How many neighbours of each sort are kept; the one that was confirmed, or asked for, first makes room. */
const MAX_NEIGHBOURS = {
  /** Packets went there, and it answers. */
  used: 1024,
  /** Packets are to go there, and it has not answered, or not any more. */
  wanted: 512,
  /** It spoke to us, and we had nothing to send to it yet. */
  heard: 256,
} as const;
/** Packets that wait for one neighbour, as many as Linux has; the oldest makes room. */
const MAX_WAITING = 100;
/** Packets that wait for all; beyond them each neighbour has only a few, so that none takes the room of others. */
const MAX_WAITING_IN_ALL = 2048;
const MAX_WAITING_THEN = 4;

type Sort = keyof typeof MAX_NEIGHBOURS;

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
  sort: Sort;
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
  /** By sort, the first that was confirmed or asked for first: each sort makes room for its own. */
  readonly #sorts: Readonly<Record<Sort, Set<Neighbour<Origin>>>> = {
    used: new Set(),
    wanted: new Set(),
    heard: new Set(),
  };
  /** In the order of their next questions. */
  readonly #asking = new Set<Neighbour<Origin>>();
  readonly #retry: Alarm;
  readonly #recent = new Recent<Neighbour<Origin>>();
  #waiting = 0;

  constructor(
    private readonly clock: Clock,
    private readonly counters: Counters,
    private readonly calls: NeighbourCalls<Origin>,
  ) {
    this.#retry = new Alarm(clock, () => this.#askAgain());
  }

  /** Sends a packet to a neighbour now, or a copy of it when the neighbour answers. */
  send(frame: Uint8Array, address: Ipv4Address, origin: Origin): void {
    const now = this.clock.now();
    const neighbour = this.#find(address);
    if (neighbour?.mac === undefined) {
      this.#wait(neighbour ?? this.#add(address, 'wanted'), { frame: frame.slice(), origin });
      return;
    }
    if (neighbour.sort === 'heard') this.#sortAs(neighbour, 'used');
    // The known MAC is used while it is asked whether it still holds, as Linux does in its state PROBE.
    if (now - neighbour.confirmed >= REACHABLE_TIME && !neighbour.asking) this.#ask(neighbour);
    this.calls.transmit(frame, neighbour.mac, origin);
  }

  /** The MAC that packets to a neighbour go to now. */
  macOf(address: Ipv4Address): MacAddress | undefined {
    return this.#find(address)?.mac;
  }

  has(address: Ipv4Address): boolean {
    return this.#neighbours.has(address);
  }

  /**
   * Takes what a neighbour says of itself and sends what waited for it.
   * @returns what it was: an answer to a question, news, or known already
   */
  confirm(address: Ipv4Address, mac: MacAddress): 'answer' | 'news' | 'known' {
    const neighbour = this.#neighbours.get(address) ?? this.#add(address, 'heard');
    const outcome = neighbour.asking ? 'answer' : neighbour.mac === mac ? 'known' : 'news';
    neighbour.mac = mac;
    neighbour.confirmed = this.clock.now();
    this.#stopAsking(neighbour);
    this.#sortAs(neighbour, neighbour.sort === 'heard' ? 'heard' : 'used');
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
    this.#recent.clear();
    for (const neighbours of Object.values(this.#sorts)) neighbours.clear();
  }

  #find(address: Ipv4Address): Neighbour<Origin> | undefined {
    const recent = this.#recent.get(address);
    if (recent) return recent;
    const neighbour = this.#neighbours.get(address);
    if (neighbour) this.#recent.set(address, neighbour);
    return neighbour;
  }

  #stateOf(neighbour: Neighbour<Origin>, now: number): NeighbourState {
    if (neighbour.mac === undefined) return neighbour.asking ? 'incomplete' : 'failed';
    return now - neighbour.confirmed < REACHABLE_TIME ? 'reachable' : 'stale';
  }

  #add(address: Ipv4Address, sort: Sort): Neighbour<Origin> {
    const neighbour: Neighbour<Origin> = {
      address,
      sort,
      mac: undefined,
      confirmed: this.clock.now(),
      asking: false,
      tries: 0,
      nextTry: 0,
      waiting: [],
    };
    this.#neighbours.set(address, neighbour);
    this.#sortAs(neighbour, sort);
    return neighbour;
  }

  /**
   * Puts a neighbour last among those of a sort. A scan of dark addresses, or many that ask, take no room of
   * those that packets go to.
   */
  #sortAs(neighbour: Neighbour<Origin>, sort: Sort): void {
    this.#sorts[neighbour.sort].delete(neighbour);
    neighbour.sort = sort;
    const those = this.#sorts[sort];
    if (those.size >= MAX_NEIGHBOURS[sort]) this.#forgetFirst(those);
    those.add(neighbour);
  }

  #forgetFirst(neighbours: Set<Neighbour<Origin>>): void {
    for (const first of neighbours) {
      this.counters.add('arp.table-full');
      return this.#forget(first);
    }
  }

  #forget(neighbour: Neighbour<Origin>): void {
    this.#neighbours.delete(neighbour.address);
    this.#recent.delete(neighbour.address);
    this.#sorts[neighbour.sort].delete(neighbour);
    this.#stopAsking(neighbour);
    this.#waiting -= neighbour.waiting.length;
    if (neighbour.waiting.length > 0) this.counters.add('arp.unresolved', neighbour.waiting.length);
    neighbour.waiting = [];
  }

  #wait(neighbour: Neighbour<Origin>, waiting: Waiting<Origin>): void {
    const most = this.#waiting < MAX_WAITING_IN_ALL ? MAX_WAITING : MAX_WAITING_THEN;
    while (neighbour.waiting.length >= most) {
      neighbour.waiting.shift();
      this.#waiting--;
      this.counters.add('arp.queue-full');
    }
    neighbour.waiting.push(waiting);
    this.#waiting++;
    if (neighbour.asking) return;
    neighbour.confirmed = this.clock.now();
    this.#sortAs(neighbour, 'wanted');
    this.#ask(neighbour);
  }

  #ask(neighbour: Neighbour<Origin>): void {
    neighbour.asking = true;
    neighbour.tries = 0;
    this.#try(neighbour);
    if (this.#retry.deadline === undefined) this.#retry.set(RETRY_TIME);
  }

  #try(neighbour: Neighbour<Origin>): void {
    neighbour.tries++;
    neighbour.nextTry = this.clock.now() + RETRY_TIME;
    // All wait equally long, so the order of the questions is that of the next ones.
    this.#asking.delete(neighbour);
    this.#asking.add(neighbour);
    this.calls.ask(neighbour.address, neighbour.mac, neighbour.waiting[0]?.frame);
  }

  #stopAsking(neighbour: Neighbour<Origin>): void {
    neighbour.asking = false;
    this.#asking.delete(neighbour);
  }

  #askAgain(): void {
    const now = this.clock.now();
    for (const neighbour of this.#asking) {
      // The alarm may ring a fraction of a ms early.
      if (neighbour.nextTry > now + 1) return this.#retry.set(neighbour.nextTry - now);
      if (neighbour.tries < MAX_TRIES) this.#try(neighbour);
      else this.#fail(neighbour);
    }
  }

  #fail(neighbour: Neighbour<Origin>): void {
    const { waiting } = neighbour;
    this.#stopAsking(neighbour);
    this.#sortAs(neighbour, 'wanted');
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
