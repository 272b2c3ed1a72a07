// Network address and port translation (RFC 3022, 4787, 5382, 5508, 7857): what to do with each packet.
// Read first: sessions.ts (the table), packet.ts (how a packet is rewritten).
//
// A packet from inside gets the outer source when it leaves (postrouting), one from outside gets its inside
// destination when it arrives (prerouting), one from inside to the outer address (hairpinning) gets both
// when it arrives. The router's own flows hold sessions too, so that their answers pass the filter and
// their ports are not given to others.

import { IPV4_ANY, type Ipv4Address } from '../../core/address.ts';
import type { Clock } from '../../core/clock.ts';
import type { Counters } from '../../core/counters.ts';
import type { EventLog } from '../../core/event-log.ts';
import type { Random } from '../../core/random.ts';
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
import { entryOf, isOwnSession, type NatEndpoint, type NatEntry } from './entry.ts';
import { type DropReason, NatEvents } from './events.ts';
import { applyRewrite, type FragmentRewrite, FragmentTracker, fragmentKey } from './fragments.ts';
import { quotedSession, translateQuoteToInside, translateQuoteToOutside } from './icmp-errors.ts';
import {
  destinationPort,
  hasTransportHeader,
  kindOf,
  rewriteDestination,
  rewriteSource,
  sourcePort,
} from './packet.ts';
import { type Flow, type InsideEndpoint, type Session, SessionTable } from './sessions.ts';
import { isReset, type Side } from './tcp-tracking.ts';

/** A port of the outer address that leads to an inside service. */
export interface NatForward {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  readonly to: NatEndpoint;
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
  /** Whether an address is of a network behind an inside interface (the router's own ones there included). */
  isInside(address: Ipv4Address): boolean;
  readonly forwards?: readonly NatForward[];
  /** Goes on with a fragment that was stolen, as if it had just passed prerouting. */
  inject(packet: Uint8Array, from: string): void;
  /** How many sessions the table holds, 32,768 unless told; a single host gets half of them. */
  readonly maxSessions?: number;
}

const MAX_SESSIONS = 32_768;

const DHCP_SERVER_PORT = 67;
const DHCP_CLIENT_PORT = 68;

export class Nat implements PacketHook {
  readonly #options: NatOptions;
  readonly #random: Random;
  readonly #events: NatEvents;
  readonly #table: SessionTable;
  readonly #fragments: FragmentTracker;
  #outsideAddress: Ipv4Address | undefined;
  /** The session that the latest packet passed by, and by how many. */
  #passed: Session | undefined;
  #passes = 0;

  constructor(options: NatOptions) {
    const { clock, random, log, counters } = options;
    this.#options = options;
    this.#random = random;
    this.#events = new NatEvents(clock, log, counters);
    this.#table = new SessionTable(
      clock,
      random,
      counters,
      options.maxSessions ?? MAX_SESSIONS,
      (session) => {
        if (this.#outsideAddress !== undefined) this.#events.expire(session, this.#outsideAddress);
      },
    );
    this.#fragments = new FragmentTracker(clock, counters, (packet, from) => options.inject(packet, from));
    for (const { protocol, port, to } of options.forwards ?? [])
      this.#table.forward(protocol === 'tcp' ? PROTOCOL_TCP : PROTOCOL_UDP, port, to.address, to.port);
  }

  prerouting(packet: Uint8Array, from: string): Verdict {
    const address = this.#currentAddress();
    this.#passes = 0;
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

  steady(): boolean {
    return this.#passes === 1 && (this.#passed?.tcp?.steady ?? true);
  }

  /** Whether a packet that comes in for the outer address goes on to an inside host; changes nothing. */
  isForInside(packet: Uint8Array): boolean {
    const address = this.#options.outsideAddress();
    if (address === undefined || ipv4Destination(packet) !== address) return false;
    if (ipv4FragmentOffset(packet) > 0) {
      const known = this.#fragments.rewriteOf(fragmentKey(packet));
      // Who it is for is not known before the first fragment.
      return !known || (known.destination ?? address) !== address;
    }
    if (!hasTransportHeader(packet)) return false;
    const kind = kindOf(packet);
    if (kind === 'icmp-error') {
      const session = quotedSession(packet, this.#table, address);
      return session !== undefined && !isOwnSession(session, address);
    }
    if (kind !== 'flow' && kind !== 'echo-reply') return false;
    const owner = this.#table.owner(ipv4Protocol(packet), destinationPort(packet));
    return owner !== undefined && owner.address !== address;
  }

  /** The sessions of inside hosts, oldest first; the router's own, which are not translated, are left out. */
  table(): NatEntry[] {
    const address = this.#currentAddress();
    if (address === undefined) return [];
    const now = this.#options.clock.now();
    return this.#table
      .sessions()
      .filter((session) => !isOwnSession(session, address))
      .map((session) => entryOf(session, address, now));
  }

  /** Forgets all sessions and returns how many they were, the router's own included; the forwards stay. */
  flush(): number {
    const sessions = this.#table.size;
    this.#table.flush();
    this.#fragments.flush();
    return sessions;
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

  // To outside: from inside, or from the router itself

  #leaveFromInside(packet: Uint8Array, address: Ipv4Address): Verdict {
    if (!isIpv4Fragment(packet)) return this.#translateSource(packet, address);
    const key = fragmentKey(packet);
    const known = this.#fragments.rewriteOf(key);
    if (ipv4FragmentOffset(packet) > 0) {
      if (!known) return this.#drop(packet, 'orphan-fragment');
      applyRewrite(packet, known);
      return 'accept';
    }
    if (this.#translateSource(packet, address) === 'drop') return 'drop';
    const rewrite = known ?? { source: address, id: this.#newId() };
    this.#fragments.translate(key, rewrite);
    applyRewrite(packet, rewrite);
    return 'accept';
  }

  /** Gives a packet that has its transport header the outer source, by its session or a new one. */
  #translateSource(packet: Uint8Array, address: Ipv4Address): Verdict {
    if (!hasTransportHeader(packet)) return this.#drop(packet, 'malformed');
    const kind = kindOf(packet);
    if (kind === 'icmp-error') {
      const known = translateQuoteToOutside(packet, this.#table, address);
      return known ? 'accept' : this.#drop(packet, 'no-session');
    }
    if (kind !== 'flow' && kind !== 'echo-request') return this.#drop(packet, 'unsupported');
    const flow = flowFromInside(packet);
    let session = this.#table.findFromInside(flow);
    if (!session) {
      if (isReset(packet)) return this.#drop(packet, 'no-session');
      session = this.#open(flow, address);
      if (!session) return this.#drop(packet, 'full');
    }
    this.#pass(session, packet, 'inside');
    rewriteSource(packet, address, session.outsidePort);
    return 'accept';
  }

  /** The router's own packet: noted, so that the answer may come in. Its port stays unless it is taken. */
  #leaveOwn(packet: Uint8Array, address: Ipv4Address): Verdict {
    if (ipv4FragmentOffset(packet) > 0 || !hasTransportHeader(packet)) return 'accept';
    const kind = kindOf(packet);
    if (kind === 'icmp-error') translateQuoteToOutside(packet, this.#table, address);
    if (kind !== 'flow' && kind !== 'echo-request') return 'accept';
    const flow = flowFromInside(packet);
    let session = this.#table.findFromInside(flow);
    if (!session) {
      if (isReset(packet)) return 'accept';
      session = this.#open(flow, address, flow.port);
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
    const destination = ipv4Destination(packet);
    if (isDhcpReply(packet) && !this.#options.isInside(destination)) return 'accept';
    if (address === undefined || destination !== address || this.#options.isInside(ipv4Source(packet)))
      return this.#drop(packet, 'unsolicited');
    return this.#withFragments(packet, this.#options.outside, () => {
      if (hasTransportHeader(packet) && kindOf(packet) === 'echo-request') return {};
      const to = this.#translateDestination(packet, address);
      return to && { destination: to.address };
    });
  }

  /** Gives a packet to the outer address its inside destination; undefined, and dropped, if it has none. */
  #translateDestination(packet: Uint8Array, address: Ipv4Address): InsideEndpoint | undefined {
    if (!hasTransportHeader(packet)) return this.#dropped(packet, 'malformed');
    const kind = kindOf(packet);
    if (kind === 'icmp-error') {
      const session = translateQuoteToInside(packet, this.#table, address);
      return session ? session.endpoint : this.#dropped(packet, 'unsolicited');
    }
    if (kind !== 'flow' && kind !== 'echo-reply') return this.#dropped(packet, 'unsolicited');
    const session = this.#sessionFromOutside(packet, address);
    if (!session) return undefined;
    const { endpoint } = session;
    this.#pass(session, packet, 'outside');
    if (!isOwnSession(session, address)) rewriteDestination(packet, endpoint.address, endpoint.port);
    return endpoint;
  }

  #sessionFromOutside(packet: Uint8Array, address: Ipv4Address): Session | undefined {
    const protocol = ipv4Protocol(packet);
    const outsidePort = destinationPort(packet);
    const remote = ipv4Source(packet);
    const remotePort = protocol === PROTOCOL_ICMP ? 0 : sourcePort(packet);
    const known = this.#table.findFromOutside(protocol, outsidePort, remote, remotePort);
    if (known) return known;
    const owner = this.#table.owner(protocol, outsidePort);
    // In silence: a SYN may cross one from inside, and a guard of its inside tells nobody what is there
    // (RFC 5382 REQ-4).
    if (!owner?.forwarded || isReset(packet)) return this.#dropped(packet, 'unsolicited');
    // Served already by way of another outer port: the inside host could not tell the two apart.
    if (this.#table.find(owner, remote, remotePort)) return this.#dropped(packet, 'unsolicited');
    const session = this.#table.openFromOutside(owner, outsidePort, remote, remotePort);
    if (!session) {
      this.#events.full(owner.address, this.#table);
      return this.#dropped(packet, 'full');
    }
    this.#events.bind(session, address);
    return session;
  }

  // From inside to the outer address

  #arriveForOutsideAddress(packet: Uint8Array, from: string, address: Ipv4Address): Verdict {
    return this.#withFragments(packet, from, () => {
      // What no inside host owns is for the router's own stack.
      if (!hasTransportHeader(packet)) return {};
      const kind = kindOf(packet);
      if (kind === 'icmp-error') this.#hairpinError(packet, address);
      if (kind !== 'flow' || !this.#options.isInside(ipv4Source(packet))) return {};
      const owner = this.#table.owner(ipv4Protocol(packet), destinationPort(packet));
      if (!owner || owner.address === address) return {};
      if (this.#translateSource(packet, address) === 'drop') return undefined;
      const to = this.#translateDestination(packet, address);
      return to && { source: address, destination: to.address, id: this.#newId() };
    });
  }

  /**
   * An error about a hairpinned packet, or one that the router itself reports after the translation (its
   * neighbour does not answer ARP): the quote shows outer endpoints, and may have to go back inside.
   */
  #hairpinError(packet: Uint8Array, address: Ipv4Address): void {
    const known = translateQuoteToOutside(packet, this.#table, address);
    if (known || !this.#options.isInside(ipv4Source(packet)))
      translateQuoteToInside(packet, this.#table, address);
  }

  /**
   * Translates a whole packet or first fragment by `translate`, which gives undefined if it was dropped; a
   * later fragment gets what the first got, and waits for it if need be.
   */
  #withFragments(packet: Uint8Array, from: string, translate: () => FragmentRewrite | undefined): Verdict {
    if (!isIpv4Fragment(packet)) return translate() ? 'accept' : 'drop';
    const key = fragmentKey(packet);
    const known = this.#fragments.rewriteOf(key);
    if (ipv4FragmentOffset(packet) > 0) {
      if (known) applyRewrite(packet, known);
      else this.#fragments.hold(key, packet, from);
      return known ? 'accept' : 'stolen';
    }
    const translated = translate();
    if (!translated) return 'drop';
    const rewrite = { ...translated, id: known?.id ?? translated.id };
    this.#fragments.translate(key, rewrite);
    applyRewrite(packet, rewrite);
    return 'accept';
  }

  #open(flow: Flow, address: Ipv4Address, preferredPort?: number): Session | undefined {
    const session = this.#table.openFromInside(flow, preferredPort);
    if (session) this.#events.bind(session, address);
    else this.#events.full(flow.address, this.#table);
    return session;
  }

  /** Inbound traffic alone does not keep a UDP or ICMP session (RFC 4787 REQ-6). */
  #pass(session: Session, packet: Uint8Array, side: Side): void {
    this.#passed = session;
    this.#passes++;
    session.tcp?.observe(packet, side);
    if (side === 'outside') session.replied = true;
    if (session.opener === 'outside' && isMeant(session, side)) this.#table.prove(session);
    if (side === 'inside' || session.tcp) this.#table.refresh(session);
  }

  #newId(): number {
    return this.#random.integer(1, 0xffff);
  }

  #drop(packet: Uint8Array, reason: DropReason): 'drop' {
    this.#events.drop(packet, reason);
    return 'drop';
  }

  #dropped(packet: Uint8Array, reason: DropReason): undefined {
    this.#events.drop(packet, reason);
  }
}

/** Whether a packet of a session from outside shows that the other side answers: of TCP, that the handshake is done. */
function isMeant({ tcp }: Session, side: Side): boolean {
  return tcp ? tcp.state === 'established' : side === 'inside';
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
    sourcePort(packet) === DHCP_SERVER_PORT &&
    destinationPort(packet) === DHCP_CLIENT_PORT
  );
}
