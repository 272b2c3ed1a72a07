// Puts the fragments of IPv4 datagrams together again (RFC 791 §3.2, with the hole list of RFC 815).

import { Alarm, type Clock } from '../core/clock.ts';
import type { Counters } from '../core/counters.ts';
import { ETHERNET_HEADER_LENGTH } from '../wire/ethernet.ts';
import {
  IPV4_MAX_LENGTH,
  ipv4Destination,
  ipv4FragmentOffset,
  ipv4HeaderLength,
  ipv4Identification,
  ipv4MoreFragments,
  ipv4Payload,
  ipv4Protocol,
  ipv4Source,
  setIpv4Fragment,
  setIpv4TotalLength,
  updateIpv4Checksum,
} from '../wire/ipv4.ts';

/** ms from the first fragment that came until what there is is given up, RFC 1122 §3.3.2. */
const REASSEMBLY_TIME = 60_000;
/** Bytes held in all; a flood of first fragments pushes out the oldest. */
const MAX_HELD = 4 * 1024 * 1024;
/** What a piece or a datagram costs beside its bytes, so that many small ones count too. */
const OVERHEAD = 128;

interface Piece {
  readonly start: number;
  readonly data: Uint8Array;
}

/** Bytes [start, end) that have not come; the end is infinite until the last fragment is there. */
interface Hole {
  readonly start: number;
  readonly end: number;
}

interface Reassembly {
  readonly key: string;
  readonly deadline: number;
  /** In order, so that the ones to fill are found among the thousands that tiny fragments leave. */
  readonly holes: Hole[];
  readonly pieces: Piece[];
  /** The header of the fragment with offset 0, once it came. */
  header: Uint8Array | undefined;
  group: boolean;
  held: number;
}

/**
 * Told of a datagram that is given up and whose first fragment came, with that fragment.
 * @param group whether a part of it was sent to a group address of the link
 */
export type ExpiryHandler = (first: Uint8Array, group: boolean) => void;

export class Fragments {
  /** In the order of their deadlines. */
  readonly #datagrams = new Map<string, Reassembly>();
  readonly #expiry: Alarm;
  #held = 0;

  constructor(
    private readonly clock: Clock,
    private readonly counters: Counters,
    private readonly expired: ExpiryHandler = () => {},
  ) {
    this.#expiry = new Alarm(clock, () => this.#expire());
  }

  /**
   * Takes a fragment (copied), cut to its total length. Returns the whole datagram if that was the missing
   * part: a new buffer with room for a frame's header in front of it.
   */
  add(fragment: Uint8Array, group = false): Uint8Array | undefined {
    const start = ipv4FragmentOffset(fragment);
    const payload = ipv4Payload(fragment);
    const more = ipv4MoreFragments(fragment);
    const isOdd = more && (payload.length === 0 || payload.length % 8 !== 0);
    if (isOdd || ipv4HeaderLength(fragment) + start + payload.length > IPV4_MAX_LENGTH) {
      this.counters.add('ipv4.bad-fragment');
      return undefined;
    }
    const datagram = this.#find(fragment);
    datagram.group ||= group;
    if (start === 0 && !datagram.header) {
      datagram.header = fragment.slice(0, ipv4HeaderLength(fragment));
      this.#hold(datagram, datagram.header.length);
    }
    this.#fill(datagram, start, payload, more);
    if (datagram.holes.length === 0) return this.#complete(datagram);
    this.#makeRoom();
    return undefined;
  }

  close(): void {
    this.#expiry.close();
    this.#datagrams.clear();
    this.#held = 0;
  }

  #find(fragment: Uint8Array): Reassembly {
    const key = `${ipv4Source(fragment)} ${ipv4Destination(fragment)} ${ipv4Protocol(fragment)} ${ipv4Identification(fragment)}`;
    const known = this.#datagrams.get(key);
    if (known) return known;
    const datagram: Reassembly = {
      key,
      deadline: this.clock.now() + REASSEMBLY_TIME,
      holes: [{ start: 0, end: Number.POSITIVE_INFINITY }],
      pieces: [],
      header: undefined,
      group: false,
      held: 0,
    };
    this.#datagrams.set(key, datagram);
    this.#hold(datagram, OVERHEAD);
    if (this.#expiry.deadline === undefined) this.#expiry.set(REASSEMBLY_TIME);
    return datagram;
  }

  /** RFC 815 §3: keeps what falls into a hole; where fragments overlap the first that came stays. */
  #fill(datagram: Reassembly, start: number, payload: Uint8Array, more: boolean): void {
    const end = start + payload.length;
    const { holes } = datagram;
    if (!more) endAt(holes, end);
    const first = firstHoleBehind(holes, start);
    const rest: Hole[] = [];
    let next = first;
    for (; next < holes.length && holes[next]!.start < end; next++) {
      const hole = holes[next]!;
      const from = Math.max(start, hole.start);
      const to = Math.min(end, hole.end);
      datagram.pieces.push({ start: from, data: payload.slice(from - start, to - start) });
      this.#hold(datagram, to - from + OVERHEAD);
      if (hole.start < from) rest.push({ start: hole.start, end: from });
      if (to < hole.end) rest.push({ start: to, end: hole.end });
    }
    holes.splice(first, next - first, ...rest);
  }

  #complete(datagram: Reassembly): Uint8Array | undefined {
    this.#remove(datagram);
    const { header, pieces } = datagram;
    if (!header) return undefined;
    const length =
      header.length + pieces.reduce((end, { start, data }) => Math.max(end, start + data.length), 0);
    // The first fragment's header may be longer than the one that the length was checked with.
    if (length > IPV4_MAX_LENGTH) {
      this.counters.add('ipv4.bad-fragment');
      return undefined;
    }
    const packet = new Uint8Array(ETHERNET_HEADER_LENGTH + length).subarray(ETHERNET_HEADER_LENGTH);
    packet.set(header);
    for (const { start, data } of pieces) packet.set(data, header.length + start);
    setIpv4TotalLength(packet, length);
    setIpv4Fragment(packet, false, false, 0);
    updateIpv4Checksum(packet);
    return packet;
  }

  #hold(datagram: Reassembly, bytes: number): void {
    datagram.held += bytes;
    this.#held += bytes;
  }

  #remove(datagram: Reassembly): void {
    this.#datagrams.delete(datagram.key);
    this.#held -= datagram.held;
  }

  #makeRoom(): void {
    for (const oldest of this.#datagrams.values()) {
      if (this.#held <= MAX_HELD) return;
      this.counters.add('ipv4.reassembly-full');
      this.#remove(oldest);
    }
  }

  #expire(): void {
    const now = this.clock.now();
    for (const datagram of this.#datagrams.values()) {
      // The alarm may ring a fraction of a ms early.
      if (datagram.deadline > now + 1) return this.#expiry.set(datagram.deadline - now);
      this.#remove(datagram);
      this.counters.add('ipv4.reassembly-timeout');
      const first = datagram.pieces.find(({ start }) => start === 0);
      if (datagram.header && first) this.expired(withHeader(datagram.header, first.data), datagram.group);
    }
  }
}

/** The datagram's last fragment tells its end: behind it there is nothing to wait for. */
function endAt(holes: Hole[], end: number): void {
  const last = holes.at(-1);
  if (last?.end !== Number.POSITIVE_INFINITY) return;
  holes.pop();
  if (last.start < end) holes.push({ start: last.start, end });
}

/** The index of the first hole that ends behind `offset`. */
function firstHoleBehind(holes: readonly Hole[], offset: number): number {
  let low = 0;
  let high = holes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holes[middle]!.end > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}

function withHeader(header: Uint8Array, data: Uint8Array): Uint8Array {
  const packet = new Uint8Array(header.length + data.length);
  packet.set(header);
  packet.set(data, header.length);
  return packet;
}
