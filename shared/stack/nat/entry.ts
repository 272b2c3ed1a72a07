// A session as the translation table shows it.

import { formatIpv4, type Ipv4Address } from '../../core/address.ts';
import { PROTOCOL_ICMP, PROTOCOL_TCP } from '../../wire/ipv4.ts';
import type { Session } from './sessions.ts';
import type { TcpSessionState } from './tcp-tracking.ts';

export interface NatEndpoint {
  readonly address: Ipv4Address;
  /** The echo id, for ICMP. */
  readonly port: number;
}

export interface NatEntry {
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  readonly inside: NatEndpoint;
  readonly outside: NatEndpoint;
  readonly destination: NatEndpoint;
  /** `unreplied` and `assured` are of UDP and ICMP, `unreplied` also of a TCP connection met in midstream. */
  readonly state: TcpSessionState | 'assured';
  /** ms since the entry was made. */
  readonly age: number;
  /** ms until it times out without more traffic. */
  readonly expiresIn: number;
}

/** @param address the outer address, @param now ms on the clock that the session was made by */
export function entryOf(session: Session, address: Ipv4Address, now: number): NatEntry {
  const { endpoint, outsidePort, remoteAddress, remotePort } = session;
  const { protocol } = endpoint;
  return {
    protocol: protocol === PROTOCOL_TCP ? 'tcp' : protocol === PROTOCOL_ICMP ? 'icmp' : 'udp',
    inside: { address: endpoint.address, port: endpoint.port },
    outside: { address, port: outsidePort },
    destination: { address: remoteAddress, port: protocol === PROTOCOL_ICMP ? outsidePort : remotePort },
    state: session.tcp?.state ?? (session.replied ? 'assured' : 'unreplied'),
    age: now - session.created,
    expiresIn: session.expires - now,
  };
}

/** Whether a session is the router's own, and goes out as it is. */
export function isOwnSession(session: Session, address: Ipv4Address): boolean {
  return session.endpoint.address === address && session.endpoint.port === session.outsidePort;
}

export function formatEndpoint(endpoint: NatEndpoint): string {
  return `${formatIpv4(endpoint.address)}:${endpoint.port}`;
}
