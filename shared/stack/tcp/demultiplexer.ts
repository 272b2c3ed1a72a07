// Who a segment is for: the pair of endpoints leads to a connection, a handshake or a TIME-WAIT.

import type { TcpSegment } from '../../wire/tcp.ts';
import type { ReceivedError } from '../network-layer.ts';
import type { TcpEndpoint, TcpSocketInfo } from './connection-api.ts';

/** Whoever holds a pair of endpoints. */
export interface Occupant {
  readonly local: TcpEndpoint;
  readonly remote: TcpEndpoint;
  segmentArrives(segment: TcpSegment): void;
  /** An ICMP error quotes a segment with this sequence number. */
  icmpErrorArrives(error: ReceivedError, sequence: number): void;
  info(): TcpSocketInfo;
}

/** A map by both ports, then by both addresses, which only `===` looks into. */
export class Demultiplexer {
  readonly #byPorts = new Map<number, Occupant[]>();

  find(local: TcpEndpoint, remote: TcpEndpoint): Occupant | undefined {
    return this.#byPorts
      .get(portPair(local, remote))
      ?.find(
        (occupant) => occupant.local.address === local.address && occupant.remote.address === remote.address,
      );
  }

  add(occupant: Occupant): void {
    const pair = portPair(occupant.local, occupant.remote);
    const there = this.#byPorts.get(pair);
    if (there) there.push(occupant);
    else this.#byPorts.set(pair, [occupant]);
  }

  remove(occupant: Occupant): void {
    const pair = portPair(occupant.local, occupant.remote);
    const left = (this.#byPorts.get(pair) ?? []).filter((other) => other !== occupant);
    if (left.length > 0) this.#byPorts.set(pair, left);
    else this.#byPorts.delete(pair);
  }

  clear(): void {
    this.#byPorts.clear();
  }

  *[Symbol.iterator](): Generator<Occupant> {
    for (const occupants of this.#byPorts.values()) yield* occupants;
  }
}

function portPair(local: TcpEndpoint, remote: TcpEndpoint): number {
  return local.port * 0x10000 + remote.port;
}
