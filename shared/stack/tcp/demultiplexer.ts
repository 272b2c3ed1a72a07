// Who a segment is for: the pair of endpoints leads to a connection, a handshake or a TIME-WAIT.

import type { TcpSegment } from '../../wire/tcp.ts';
import type { ReceivedError } from '../network-layer.ts';
import type { TcpEndpoint, TcpSocketInfo } from './connection-api.ts';

/** Whoever holds a pair of endpoints. */
export interface Occupant {
  readonly local: TcpEndpoint;
  readonly remote: TcpEndpoint;
  /** @param marked whether the network met congestion (RFC 3168) */
  segmentArrives(segment: TcpSegment, marked: boolean): void;
  /** An ICMP error quotes a segment with this sequence number. */
  icmpErrorArrives(error: ReceivedError, sequence: number): void;
  info(): TcpSocketInfo;
}

/**
 * A map by the peer's address, then by both ports: however many peers, or connections to one, there are, each
 * is found at once. Own addresses are few. Addresses are looked into by nobody, only found again.
 */
export class Demultiplexer {
  readonly #byPeer = new Map<TcpEndpoint['address'], Map<number, Occupant[]>>();

  find(local: TcpEndpoint, remote: TcpEndpoint): Occupant | undefined {
    return this.#byPeer
      .get(remote.address)
      ?.get(portPair(local, remote))
      ?.find((occupant) => occupant.local.address === local.address);
  }

  add(occupant: Occupant): void {
    const { local, remote } = occupant;
    const pair = portPair(local, remote);
    const known = this.#byPeer.get(remote.address);
    const ofPeer = known ?? new Map<number, Occupant[]>();
    if (!known) this.#byPeer.set(remote.address, ofPeer);
    const there = ofPeer.get(pair);
    if (there) there.push(occupant);
    else ofPeer.set(pair, [occupant]);
  }

  remove(occupant: Occupant): void {
    const { local, remote } = occupant;
    const ofPeer = this.#byPeer.get(remote.address);
    const there = ofPeer?.get(portPair(local, remote));
    if (!ofPeer || !there) return;
    const left = there.filter((other) => other !== occupant);
    if (left.length > 0) ofPeer.set(portPair(local, remote), left);
    else ofPeer.delete(portPair(local, remote));
    if (ofPeer.size === 0) this.#byPeer.delete(remote.address);
  }

  clear(): void {
    this.#byPeer.clear();
  }

  *[Symbol.iterator](): Generator<Occupant> {
    for (const ofPeer of this.#byPeer.values()) for (const occupants of ofPeer.values()) yield* occupants;
  }
}

function portPair(local: TcpEndpoint, remote: TcpEndpoint): number {
  return local.port * 0x10000 + remote.port;
}
