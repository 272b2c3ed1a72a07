// What became of a packet becomes of those that follow it in the same message, as long as they are of its flow and
// nothing is special about them: they spare the way through the layers, as with Linux's GRO and flowtable. Nothing
// is remembered beyond the message, so that no change of a table need be told here.

import type { MacAddress } from '../core/address.ts';
import { readU16, writeU16, writeU32 } from '../core/bytes.ts';
import { foldSum } from '../core/checksum.ts';
import { ETHERNET_HEADER_LENGTH, ETHERTYPE_IPV4, ethernetType } from '../wire/ethernet.ts';
import { checkIpv4, IPV4_HEADER_LENGTH, PROTOCOL_TCP, PROTOCOL_UDP } from '../wire/ipv4.ts';
import { TCP_ACK, TCP_CHECKSUM, TCP_FLAGS, TCP_HEADER_LENGTH, TCP_PSH } from '../wire/tcp.ts';
import { UDP_CHECKSUM, UDP_HEADER_LENGTH } from '../wire/udp.ts';
import type { NetworkInterface } from './interface.ts';

/** Takes a packet, in its frame, as the one before of its flow; false if that one tells nothing of it. */
export type Follower = (frame: Uint8Array) => boolean;

/** Where fields stand in a frame whose IP header has no options. */
const TOTAL_LENGTH = ETHERNET_HEADER_LENGTH + 2;
const FRAGMENT = ETHERNET_HEADER_LENGTH + 6;
const TTL = ETHERNET_HEADER_LENGTH + 8;
const PROTOCOL = ETHERNET_HEADER_LENGTH + 9;
const CHECKSUM = ETHERNET_HEADER_LENGTH + 10;
const SOURCE = ETHERNET_HEADER_LENGTH + 12;
const DESTINATION = ETHERNET_HEADER_LENGTH + 16;
export const TRANSPORT = ETHERNET_HEADER_LENGTH + IPV4_HEADER_LENGTH;

const PLAIN_HEADER = 0x45;
const ANY_FRAGMENT = 0x3fff;
/** A power of two. */
const SLOTS = 64;

/** Signed numbers, which are cheaper to read and to compare than unsigned ones. */
export interface FlowKey {
  readonly protocol: number;
  readonly source: number;
  readonly destination: number;
  /** Both. */
  readonly ports: number;
}

interface Flow extends FlowKey {
  readonly follower: Follower;
}

export class FlowCache {
  readonly #flows = new Array<Flow | undefined>(SLOTS).fill(undefined);
  #count = 0;

  /** Whether a frame was taken as one that follows. */
  follow(frame: Uint8Array): boolean {
    if (this.#count === 0 || !hasFlow(frame) || !isPlain(frame)) return false;
    const source = readI32(frame, SOURCE);
    const destination = readI32(frame, DESTINATION);
    const ports = readI32(frame, TRANSPORT);
    const flow = this.#flows[slotOf(source, destination, ports)];
    if (flow?.ports !== ports || flow.source !== source || flow.destination !== destination) return false;
    if (flow.protocol !== frame[PROTOCOL] || checkIpv4(frame, ETHERNET_HEADER_LENGTH)) return false;
    return flow.follower(frame);
  }

  add(key: FlowKey, follower: Follower): void {
    const { protocol, source, destination, ports } = key;
    const slot = slotOf(source, destination, ports);
    if (!this.#flows[slot]) this.#count++;
    this.#flows[slot] = { protocol, source, destination, ports, follower };
  }

  /** A packet of this flow goes the whole way: what it changes is not known yet. */
  delete({ source, destination, ports }: FlowKey): void {
    const slot = slotOf(source, destination, ports);
    if (!this.#flows[slot]) return;
    this.#flows[slot] = undefined;
    this.#count--;
  }

  clear(): void {
    if (this.#count === 0) return;
    this.#flows.fill(undefined);
    this.#count = 0;
  }
}

/** The flow of a frame; undefined for what has no ports, and for fragments. */
export function flowKeyOf(frame: Uint8Array): FlowKey | undefined {
  if (!hasFlow(frame)) return undefined;
  return {
    protocol: frame[PROTOCOL]!,
    source: readI32(frame, SOURCE),
    destination: readI32(frame, DESTINATION),
    ports: readI32(frame, TRANSPORT),
  };
}

/** TCP or UDP over IPv4 without options, whole, and nothing behind it; with its transport's header. */
function hasFlow(frame: Uint8Array): boolean {
  if (frame.length < TRANSPORT + UDP_HEADER_LENGTH || ethernetType(frame) !== ETHERTYPE_IPV4) return false;
  const protocol = frame[PROTOCOL]!;
  if (protocol === PROTOCOL_TCP) {
    if (frame.length < TRANSPORT + TCP_HEADER_LENGTH) return false;
  } else if (protocol !== PROTOCOL_UDP) return false;
  return (
    frame[ETHERNET_HEADER_LENGTH] === PLAIN_HEADER &&
    (readU16(frame, FRAGMENT) & ANY_FRAGMENT) === 0 &&
    readU16(frame, TOTAL_LENGTH) === frame.length - ETHERNET_HEADER_LENGTH
  );
}

/** A datagram, or a segment that opens and ends nothing. */
export function isPlain(frame: Uint8Array): boolean {
  return frame[PROTOCOL] === PROTOCOL_UDP || (frame[TRANSPORT + TCP_FLAGS]! & ~TCP_PSH) === TCP_ACK;
}

/**
 * Sends on by `to` what follows a packet that has just left so: `frame` is how it left, `before` its flow when it
 * came, and what was rewritten of it (NAT) is rewritten of them, checksums by their difference (RFC 1624).
 */
export function forwarder(
  before: FlowKey,
  frame: Uint8Array,
  to: NetworkInterface,
  mac: MacAddress,
): Follower {
  const source = readI32(frame, SOURCE);
  const destination = readI32(frame, DESTINATION);
  const ports = readI32(frame, TRANSPORT);
  const addresses = difference(before.source, source) + difference(before.destination, destination);
  const isTcp = before.protocol === PROTOCOL_TCP;
  const sumAt = TRANSPORT + (isTcp ? TCP_CHECKSUM : UDP_CHECKSUM);
  const transport = addresses + difference(before.ports, ports);
  return (next) => {
    if (next[TTL]! <= 1 || next.length - ETHERNET_HEADER_LENGTH > to.mtu) return false;
    next[TTL]!--;
    // ~m + m' for a TTL that is one less: it is the high half of its word.
    writeU16(next, CHECKSUM, adjusted(readU16(next, CHECKSUM), addresses + 0xfeff));
    if (transport > 0) {
      writeU32(next, SOURCE, source);
      writeU32(next, DESTINATION, destination);
      writeU32(next, TRANSPORT, ports);
      const sum = readU16(next, sumAt);
      // As in rewriting: a UDP checksum of 0 is none, and none that is computed is 0.
      if (isTcp) writeU16(next, sumAt, adjusted(sum, transport));
      else if (sum !== 0) writeU16(next, sumAt, adjusted(sum, transport) || 0xffff);
    }
    to.transmit(next, mac, ETHERTYPE_IPV4, true);
    return true;
  };
}

/** The sum of ~m + m' over the words of a field that differ. */
function difference(before: number, after: number): number {
  const high = before >>> 16 === after >>> 16 ? 0 : (~before >>> 16) + (after >>> 16);
  const low = (before & 0xffff) === (after & 0xffff) ? 0 : (~before & 0xffff) + (after & 0xffff);
  return high + low;
}

/** HC' = ~(~HC + ~m + m'), RFC 1624 §3, eqn. 3. */
function adjusted(checksum: number, change: number): number {
  return ~foldSum((~checksum & 0xffff) + change) & 0xffff;
}

function readI32(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!;
}

function slotOf(source: number, destination: number, ports: number): number {
  const mixed = source ^ destination ^ ports ^ (ports >>> 16);
  return (mixed ^ (mixed >>> 8)) & (SLOTS - 1);
}
