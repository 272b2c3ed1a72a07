// What translation says of itself: log lines and counters.

import { formatIpv4, type Ipv4Address } from '../../core/address.ts';
import type { Clock } from '../../core/clock.ts';
import type { Counters } from '../../core/counters.ts';
import type { EventLog } from '../../core/event-log.ts';
import { ipv4Destination, ipv4Protocol, ipv4Source } from '../../wire/ipv4.ts';
import { entryOf, formatEndpoint, isOwnSession } from './entry.ts';
import type { Session, SessionTable } from './sessions.ts';

/**
 * Why a packet was dropped, counted as `nat.<reason>`. `unsolicited`: from outside, and of no session;
 * `full`: a new flow of a host that has its share of the table; `no-session`: a RST or ICMP error of no session; `unsupported`: of a
 * protocol that has no ports; `spoofed`: leaving with a source that is not from inside; `no-address`: the
 * outside interface has none; `malformed`: without a whole transport header; `orphan-fragment`: the first
 * fragment of its datagram was not translated.
 */
export type DropReason =
  | 'unsolicited'
  | 'full'
  | 'no-session'
  | 'unsupported'
  | 'spoofed'
  | 'no-address'
  | 'malformed'
  | 'orphan-fragment';

/** ms between two log lines about a full table. */
const FULL_LOG_INTERVAL = 1000;

export class NatEvents {
  readonly #clock: Clock;
  readonly #log: EventLog;
  readonly #counters: Counters;
  #fullLogged = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, log: EventLog, counters: Counters) {
    this.#clock = clock;
    this.#log = log;
    this.#counters = counters;
  }

  bind(session: Session, address: Ipv4Address): void {
    if (isOwnSession(session, address)) return;
    const fields = this.#fields(session, address);
    const { proto, inside, outside, destination } = fields;
    this.#log.info(
      'nat.bind',
      fields,
      session.opener === 'inside'
        ? `${proto} from ${inside} to ${destination} goes out as ${outside}`
        : `${proto} from ${destination} to ${outside} is forwarded to ${inside}`,
    );
  }

  expire(session: Session, address: Ipv4Address): void {
    if (!this.#log.debug || isOwnSession(session, address)) return;
    const fields = this.#fields(session, address);
    const { proto, inside, outside, destination } = fields;
    this.#log.debug(
      'nat.expire',
      fields,
      `${proto} entry of ${inside} as ${outside} to ${destination} has timed out`,
    );
  }

  /** There is no room for another flow of an inside host. */
  full(host: Ipv4Address, table: SessionTable): void {
    const now = this.#clock.now();
    if (now - this.#fullLogged < FULL_LOG_INTERVAL) return;
    this.#fullLogged = now;
    const inside = formatIpv4(host);
    const held = table.held(host);
    this.#log.warn(
      'nat.full',
      { inside, held, sessions: table.size },
      `no room for another flow of ${inside}, which has ${held} of ${table.size} translated sessions`,
    );
  }

  drop(packet: Uint8Array, reason: DropReason): void {
    this.#counters.add(`nat.${reason}`);
    if (!this.#log.debug) return;
    const source = formatIpv4(ipv4Source(packet));
    const destination = formatIpv4(ipv4Destination(packet));
    this.#log.debug(
      'nat.drop',
      { reason, protocol: ipv4Protocol(packet), source, destination },
      `dropped a packet from ${source} to ${destination}: ${reason}`,
    );
  }

  #fields(session: Session, address: Ipv4Address) {
    const { protocol, inside, outside, destination } = entryOf(session, address, this.#clock.now());
    return {
      proto: protocol,
      inside: formatEndpoint(inside),
      outside: formatEndpoint(outside),
      destination: formatEndpoint(destination),
    };
  }
}
