// Network address and port translation (RFC 3022, 4787, 5382, 5508, 7857): what to do with each packet.
// Read first: sessions.ts (the table), packet.ts (how a packet is rewritten).
//
// A packet from inside is given the outer source when it leaves (postrouting), one from outside is given
// its inside destination when it arrives (prerouting); one from inside to the outer address (hairpinning)
// gets both when it arrives. The router's own flows hold sessions too, so that their answers pass the
// filter and their ports are not given to others.

import { formatIpv4, IPV4_ANY, type Ipv4Address } from '../../core/address.ts';
import type { Clock } from '../../core/clock.ts';
import type { Counters } from '../../core/counters.ts';
import type { EventLog } from '../../core/event-log.ts';
import type { Random } from '../../core/random.ts';
import { ICMP_ECHO_REPLY, ICMP_ECHO_REQUEST, isIcmpError } from '../../wire/icmp.ts';
import {
  ipv4Destination,
  ipv4FragmentOffset,
  ipv4Protocol,
  ipv4Source,
  isIpv4Fragment,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from '../../wire/ipv4.ts';
import type { PacketHook, Verdict } from '../packet-hook.ts';
import { applyRewrite, type FragmentRewrite, FragmentTracker, fragmentKey } from './fragments.ts';
import { translateQuoteToInside, translateQuoteToOutside } from './icmp-errors.ts';
import {
  destinationPort,
  hasTransportHeader,
  icmpTypeOf,
  rewriteDestination,
  rewriteSource,
  sourcePort,
} from './packet.ts';
import { type Flow, type Session, SessionTable } from './sessions.ts';
import { isReset, type Side, type TcpSessionState } from './tcp-tracking.ts';

export interface NatEndpoint {
  readonly address: Ipv4Address;
  /** The echo id, for ICMP. */
  readonly port: number;
}

/** A port of the outer address that leads to an inside service. */
export interface NatForward {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  readonly to: NatEndpoint;
}

/** A row of the translation table. */
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

export interface NatOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: EventLog;
  readonly counters: Counters;
  /** Name of the outside interface. */
  readonly outside: string;
  /** The address of the outside interface, as it is now; undefined while it has none. */
  outsideAddress(): Ipv4Address | undefined;
  /** Whether an address belongs to a network behind an inside interface (the router's own there included). */
  isInside(address: Ipv4Address): boolean;
  readonly forwards?: readonly NatForward[];
  /** Takes in again, from prerouting on, a fragment that was stolen. */
  inject(packet: Uint8Array, from: string): void;
  /** How many sessions the table holds, 16,384 unless told. */
  readonly maxSessions?: number;
}

const MAX_SESSIONS = 16_384;
/** ms between two log lines about a full table. */
const FULL_LOG_INTERVAL = 1000;

const DHCP_SERVER = 67;
const DHCP_CLIENT = 68;

const PROTOCOL_NAMES = new Map<number, NatEntry['protocol']>([
  [PROTOCOL_TCP, 'tcp'],
  [PROTOCOL_UDP, 'udp'],
  [PROTOCOL_ICMP, 'icmp'],
]);

const hasPorts = (protocol: number): boolean => protocol === PROTOCOL_TCP || protocol === PROTOCOL_UDP;

export class Nat implements PacketHook {
  readonly #options: NatOptions;
  readonly #table: SessionTable;
  readonly #fragments: FragmentTracker;
  #outsideAddress: Ipv4Address | undefined;
  #fullLogged = Number.NEGATIVE_INFINITY;

  constructor(options: NatOptions) {
    this.#options = options;
    this.#table = new SessionTable(
      options.clock,
      options.random,
      options.maxSessions ?? MAX_SESSIONS,
      (session) => this.#logExpiry(session),
    );
    this.#fragments = new FragmentTracker(options.clock, options.counters, (packet, from) =>
      options.inject(packet, from),
    );
    for (const { protocol, port, to } of options.forwards ?? [])
      this.#table.forward(protocol === 'tcp' ? PROTOCOL_TCP : PROTOCOL_UDP, port, to.address, to.port);
  }

  prerouting(packet: Uint8Array, from: string): Verdict {
    const address = this.#currentAddress();
    if (from === this.#options.outside) return this.#arriveFromOutside(packet, address);
    const destination = ipv4Destination(packet);
    if (destination === address) return this.#arriveForOutsideAddress(packet, from, address);
    if (!isIpv4Fragment(packet) || this.#options.isInside(destination)) return 'accept';
    return this.#awaitFirstFragment(packet, from);
  }

  postrouting(packet: Uint8Array, to: string, from: string | undefined): Verdict {
    if (to !== this.#options.outside) return 'accept';
    const address = this.#currentAddress();
    const source = ipv4Source(packet);
    // The router's own DHCP client, before it has an address.
    if (from === undefined && source === IPV4_ANY) return 'accept';
    if (address === undefined) return this.#drop(packet, 'no-address');
    if (from === undefined && source === address) return this.#leaveOwn(packet, address);
    if (source === address || !this.#options.isInside(source)) return this.#drop(packet, 'spoofed');
    return this.#leaveFromInside(packet, address);
  }

  /** The sessions of inside hosts, oldest first. */
  table(): NatEntry[] {
    const address = this.#outsideAddress;
    if (address === undefined) return [];
    const now = this.#options.clock.now();
    return this.#table
      .sessions()
      .filter((session) => !isOwn(session, address))
      .map((session) => ({
        ...endpointsOf(session, address),
        state: session.tcp?.state ?? (session.replied ? 'assured' : 'unreplied'),
        age: now - session.created,
        expiresIn: session.expires - now,
      }));
  }

  /** Forgets all sessions; the forwards stay. */
  flush(): void {
    this.#table.flush();
    this.#fragments.flush();
  }

  /** A new address of our own makes every session void: nothing can come back to it. */
  #currentAddress(): Ipv4Address | undefined {
    const address = this.#options.outsideAddress();
    if (address !== this.#outsideAddress) {
      this.flush();
      this.#outsideAddress = address;
    }
    return address;
  }

  // From inside, or from the router itself, to outside

  #leaveFromInside(packet: Uint8Array, address: Ipv4Address): Verdict {
    if (ipv4FragmentOffset(packet) > 0) {
      const rewrite = this.#fragments.rewriteOf(fragmentKey(packet));
      if (!rewrite) return this.#drop(packet, 'fragment-without-first');
      applyRewrite(packet, rewrite);
      return 'accept';
    }
    const key = isIpv4Fragment(packet) ? fragmentKey(packet) : undefined;
    const verdict = this.#translateSource(packet, address);
    if (key === undefined || verdict !== 'accept') return verdict;
    const rewrite = this.#fragments.rewriteOf(key) ?? { source: address, id: this.#newId() };
    this.#fragments.translate(key, rewrite);
    applyRewrite(packet, { id: rewrite.id });
    return 'accept';
  }

  /** Gives a packet that has its transport header the outer source, by its session or a new one. */
  #translateSource(packet: Uint8Array, address: Ipv4Address): Verdict {
    const protocol = ipv4Protocol(packet);
    if (!hasPorts(protocol) && protocol !== PROTOCOL_ICMP) return this.#drop(packet, 'unsupported');
    if (!hasTransportHeader(packet)) return this.#drop(packet, 'malformed');
    if (protocol === PROTOCOL_ICMP && !isQuery(icmpType(packet))) {
      if (!isError(icmpType(packet))) return this.#drop(packet, 'unsupported');
      return translateQuoteToOutside(packet, this.#table, address)
        ? 'accept'
        : this.#drop(packet, 'no-session');
    }
    const flow = flowFromInside(packet);
    let session = this.#table.findFromInside(flow);
    if (!session) {
      // A RST ends what there is not.
      if (protocol === PROTOCOL_TCP && isReset(packet)) return this.#drop(packet, 'no-session');
      session = this.#open(flow, address);
      if (!session) return this.#drop(packet, 'full');
    }
    this.#pass(session, packet, 'inside');
    rewriteSource(packet, address, session.outsidePort);
    return 'accept';
  }

  /** What the router itself sends: noted, so that the answer may come in; its port stays if it is free. */
  #leaveOwn(packet: Uint8Array, address: Ipv4Address): Verdict {
    const protocol = ipv4Protocol(packet);
    if (ipv4FragmentOffset(packet) > 0 || !hasTransportHeader(packet)) return 'accept';
    if (protocol === PROTOCOL_ICMP && isError(icmpType(packet))) {
      translateQuoteToOutside(packet, this.#table, address);
      return 'accept';
    }
    if (!hasPorts(protocol) && !(protocol === PROTOCOL_ICMP && isQuery(icmpType(packet)))) return 'accept';
    const flow = flowFromInside(packet);
    let session = this.#table.findFromInside(flow);
    if (!session) {
      if (protocol === PROTOCOL_TCP && isReset(packet)) return 'accept';
      session = this.#open(flow, address);
      if (!session) return this.#drop(packet, 'full');
    }
    this.#pass(session, packet, 'inside');
    if (session.outsidePort !== flow.port) rewriteSource(packet, address, session.outsidePort);
    return 'accept';
  }

  #awaitFirstFragment(packet: Uint8Array, from: string): Verdict {
    const key = fragmentKey(packet);
    if (ipv4FragmentOffset(packet) === 0) this.#fragments.start(key);
    else if (!this.#fragments.started(key)) {
      this.#fragments.hold(key, packet, from);
      return 'stolen';
    }
    return 'accept';
  }

  // From outside

  #arriveFromOutside(packet: Uint8Array, address: Ipv4Address | undefined): Verdict {
    if (isDhcpReply(packet)) return 'accept';
    const source = ipv4Source(packet);
    const forged = source === address || this.#options.isInside(source);
    if (address === undefined || ipv4Destination(packet) !== address || forged)
      return this.#drop(packet, 'unsolicited');
    return this.#withFragments(packet, this.#options.outside, () => {
      if (
        ipv4Protocol(packet) === PROTOCOL_ICMP &&
        hasTransportHeader(packet) &&
        isEchoRequest(icmpType(packet))
      )
        return {};
      const session = this.#translateDestination(packet, address);
      return session && { destination: session.endpoint.address };
    });
  }

  /** Gives a packet to the outer address its inside destination; undefined, and dropped, if it has none. */
  #translateDestination(packet: Uint8Array, address: Ipv4Address): Session | undefined {
    const protocol = ipv4Protocol(packet);
    if (!hasTransportHeader(packet)) return this.#refuse(packet, 'malformed');
    if (protocol === PROTOCOL_ICMP && isError(icmpType(packet)))
      return translateQuoteToInside(packet, this.#table, address) ?? this.#refuse(packet, 'unsolicited');
    if (!hasPorts(protocol) && !(protocol === PROTOCOL_ICMP && isReply(icmpType(packet))))
      return this.#refuse(packet, 'unsolicited');
    const remoteAddress = ipv4Source(packet);
    const remotePort = protocol === PROTOCOL_ICMP ? 0 : sourcePort(packet);
    const outsidePort = destinationPort(packet);
    let session = this.#table.findFromOutside(protocol, outsidePort, remoteAddress, remotePort);
    if (!session) {
      const owner = this.#table.owner(protocol, outsidePort);
      if (!owner?.forwarded || (protocol === PROTOCOL_TCP && isReset(packet)))
        return this.#refuse(packet, 'unsolicited');
      session = this.#table.openFromOutside(owner, outsidePort, remoteAddress, remotePort);
      if (!session) {
        this.#logFull();
        return this.#refuse(packet, 'full');
      }
      this.#logBinding(session, address);
    }
    this.#pass(session, packet, 'outside');
    const { endpoint } = session;
    if (!isOwn(session, address)) rewriteDestination(packet, endpoint.address, endpoint.port);
    return session;
  }

  // From inside to the outer address

  #arriveForOutsideAddress(packet: Uint8Array, from: string, address: Ipv4Address): Verdict {
    return this.#withFragments(packet, from, () => {
      if (!hasTransportHeader(packet)) return {};
      const protocol = ipv4Protocol(packet);
      if (protocol === PROTOCOL_ICMP && isError(icmpType(packet))) return this.#hairpinError(packet, address);
      const inside = this.#options.isInside(ipv4Source(packet));
      // What nobody inside owns is for the router's own stack.
      const owner = hasPorts(protocol) && this.#table.owner(protocol, destinationPort(packet));
      if (!inside || !owner || owner.address === address) return {};
      if (this.#translateSource(packet, address) !== 'accept') return undefined;
      const session = this.#translateDestination(packet, address);
      return session && { source: address, destination: session.endpoint.address, id: this.#newId() };
    });
  }

  /**
   * An error about a hairpinned packet, or one that the router itself reports after the translation (its
   * neighbour does not answer ARP): its quote shows outer endpoints where the sender knows inside ones.
   */
  #hairpinError(packet: Uint8Array, address: Ipv4Address): FragmentRewrite | undefined {
    if (isIpv4Fragment(packet)) return this.#refuse(packet, 'malformed');
    const inside = this.#options.isInside(ipv4Source(packet));
    const known = translateQuoteToOutside(packet, this.#table, address);
    if (inside && !known) return {};
    translateQuoteToInside(packet, this.#table, address);
    return {};
  }

  /**
   * Translates a whole packet or first fragment by `translate`, which gives undefined if it was dropped; a
   * later fragment gets what the first got, and waits for it if need be.
   */
  #withFragments(packet: Uint8Array, from: string, translate: () => FragmentRewrite | undefined): Verdict {
    if (!isIpv4Fragment(packet)) return translate() ? 'accept' : 'drop';
    const key = fragmentKey(packet);
    const known = this.#fragments.rewriteOf(key);
    if (ipv4FragmentOffset(packet) === 0) {
      const rewrite = translate();
      if (!rewrite) return 'drop';
      const id = known?.id ?? rewrite.id;
      this.#fragments.translate(key, { ...rewrite, id });
      applyRewrite(packet, { id });
      return 'accept';
    }
    if (known) {
      applyRewrite(packet, known);
      return 'accept';
    }
    this.#fragments.hold(key, packet, from);
    return 'stolen';
  }

  #open(flow: Flow, address: Ipv4Address): Session | undefined {
    const session = this.#table.openFromInside(flow, flow.address === address ? flow.port : undefined);
    if (session) this.#logBinding(session, address);
    else this.#logFull();
    return session;
  }

  /** Inbound traffic alone does not keep a UDP or ICMP session (RFC 4787 REQ-6). */
  #pass(session: Session, packet: Uint8Array, side: Side): void {
    session.tcp?.observe(packet, side);
    if (side === 'outside') session.replied = true;
    if (side === 'inside' || session.tcp) this.#table.refresh(session);
  }

  #newId(): number {
    return this.#options.random.integer(1, 0xffff);
  }

  #drop(packet: Uint8Array, reason: string): Verdict {
    this.#options.counters.add(`nat.${reason}`);
    this.#options.log.debug?.(
      'nat.drop',
      {
        reason,
        proto: PROTOCOL_NAMES.get(ipv4Protocol(packet)) ?? ipv4Protocol(packet),
        source: formatIpv4(ipv4Source(packet)),
        destination: formatIpv4(ipv4Destination(packet)),
      },
      `dropped a packet from ${formatIpv4(ipv4Source(packet))} to ${formatIpv4(ipv4Destination(packet))}: ${reason}`,
    );
    return 'drop';
  }

  #refuse(packet: Uint8Array, reason: string): undefined {
    this.#drop(packet, reason);
  }

  #logBinding(session: Session, address: Ipv4Address): void {
    if (isOwn(session, address)) return;
    const { proto, inside, outside, destination } = textOf(session, address);
    this.#options.log.info(
      'nat.bind',
      { proto, inside, outside, destination },
      session.replied
        ? `${proto}: ${destination} reaches ${inside} by the forwarded ${outside}`
        : `${proto}: ${inside} goes out as ${outside} to ${destination}`,
    );
  }

  #logExpiry(session: Session): void {
    const address = this.#outsideAddress;
    if (address === undefined || isOwn(session, address)) return;
    const { proto, inside, outside, destination } = textOf(session, address);
    this.#options.log.debug?.(
      'nat.expire',
      { proto, inside, outside, destination },
      `${proto}: the entry of ${inside} as ${outside} to ${destination} has timed out`,
    );
  }

  #logFull(): void {
    const now = this.#options.clock.now();
    if (now - this.#fullLogged < FULL_LOG_INTERVAL) return;
    this.#fullLogged = now;
    const sessions = this.#table.size;
    this.#options.log.warn(
      'nat.full',
      { sessions },
      `the translation table has no room for a new flow: ${sessions} sessions`,
    );
  }
}

function flowFromInside(packet: Uint8Array): Flow {
  const protocol = ipv4Protocol(packet);
  return {
    protocol,
    address: ipv4Source(packet),
    port: sourcePort(packet),
    remoteAddress: ipv4Destination(packet),
    remotePort: protocol === PROTOCOL_ICMP ? 0 : destinationPort(packet),
  };
}

/** The server's answer to the router's own client, which asked by broadcast: no session tells who answers. */
function isDhcpReply(packet: Uint8Array): boolean {
  return (
    ipv4Protocol(packet) === PROTOCOL_UDP &&
    !isIpv4Fragment(packet) &&
    hasTransportHeader(packet) &&
    sourcePort(packet) === DHCP_SERVER &&
    destinationPort(packet) === DHCP_CLIENT
  );
}

/** Whether a session is the router's own, that needs no translation. */
function isOwn(session: Session, address: Ipv4Address): boolean {
  return session.endpoint.address === address && session.endpoint.port === session.outsidePort;
}

function endpointsOf(
  session: Session,
  address: Ipv4Address,
): Pick<NatEntry, 'protocol' | 'inside' | 'outside' | 'destination'> {
  const { endpoint, outsidePort, remoteAddress, remotePort } = session;
  return {
    protocol: PROTOCOL_NAMES.get(endpoint.protocol) ?? 'icmp',
    inside: { address: endpoint.address, port: endpoint.port },
    outside: { address, port: outsidePort },
    destination: {
      address: remoteAddress,
      port: endpoint.protocol === PROTOCOL_ICMP ? outsidePort : remotePort,
    },
  };
}

function textOf(session: Session, address: Ipv4Address) {
  const { protocol, inside, outside, destination } = endpointsOf(session, address);
  const text = (endpoint: NatEndpoint) => `${formatIpv4(endpoint.address)}:${endpoint.port}`;
  return { proto: protocol, inside: text(inside), outside: text(outside), destination: text(destination) };
}
