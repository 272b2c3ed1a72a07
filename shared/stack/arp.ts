// ARP on one interface (RFC 826): asks for neighbours, answers for own addresses, and sees to it that an
// address has one holder (RFC 5227).

import {
  formatIpv4,
  formatMac,
  IPV4_ANY,
  IPV4_BROADCAST,
  type Ipv4Address,
  isGroupMac,
  isLoopbackIpv4,
  isMulticastIpv4,
  MAC_BROADCAST,
  MAC_ZERO,
  type MacAddress,
} from '../core/address.ts';
import type { Clock, Timer } from '../core/clock.ts';
import type { Counters } from '../core/counters.ts';
import { Malformed } from '../core/errors.ts';
import type { EventLog } from '../core/event-log.ts';
import type { Random } from '../core/random.ts';
import { ARP_LENGTH, type ArpPacket, decodeArp, writeArp } from '../wire/arp.ts';
import { ETHERNET_HEADER_LENGTH, ETHERTYPE_ARP, ETHERTYPE_IPV4 } from '../wire/ethernet.ts';
import { ipv4Destination } from '../wire/ipv4.ts';
import { AddressProbe, announceInterval, type ProbeTiming } from './address-probe.ts';
import type { NetworkInterface } from './interface.ts';
import { NeighbourCache, type NeighbourInfo } from './neighbours.ts';

/** ms after a defence during which another conflict is not answered, so that two stations don't fight (RFC 5227 §2.4). */
const DEFEND_INTERVAL = 10_000;

/** Told of a packet that could not be sent, by its frame and the interface it came from (undefined: own). */
export type UnreachableHandler = (frame: Uint8Array, from: NetworkInterface | undefined) => void;

export interface ArpOptions {
  readonly interface: NetworkInterface;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: EventLog;
  readonly counters: Counters;
}

export class Arp {
  /** Set by who composes the stack. */
  unreachable: UnreachableHandler = () => {};
  readonly #interface: NetworkInterface;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: EventLog;
  readonly #counters: Counters;
  readonly #cache: NeighbourCache<NetworkInterface | undefined>;
  readonly #probes = new Map<AddressProbe, Ipv4Address>();
  readonly #announcements = new Set<Timer>();
  /** When an address was last defended. */
  readonly #defended = new Map<Ipv4Address, number>();

  constructor(options: ArpOptions) {
    this.#interface = options.interface;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#log = options.log;
    this.#counters = options.counters;
    this.#cache = new NeighbourCache(options.clock, options.counters, {
      transmit: (frame, mac, from) =>
        this.#interface.transmit(frame, mac, ETHERTYPE_IPV4, from !== undefined),
      ask: (address, mac, frame) => this.#ask(address, mac, frame),
      failed: (address) => this.#logFailure(address),
      unreachable: (frame, from) => this.unreachable(frame, from),
    });
  }

  /** Sends an IPv4 packet, in its frame, to a neighbour; it waits while the neighbour's MAC is not known. */
  send(frame: Uint8Array, nextHop: Ipv4Address, from: NetworkInterface | undefined): void {
    this.#cache.send(frame, nextHop, from);
  }

  /** The MAC that packets to a neighbour go to now, if it is known. */
  macOf(nextHop: Ipv4Address): MacAddress | undefined {
    return this.#cache.macOf(nextHop);
  }

  /**
   * Asks whether anybody holds or wants `address` (RFC 5227 §2.1.1): three probes, then `done` with the
   * MAC of who does, or undefined.
   */
  probe(address: Ipv4Address, timing: ProbeTiming, done: (holder: MacAddress | undefined) => void): void {
    const probe = new AddressProbe(
      this.#clock,
      this.#random,
      timing,
      () => this.#request(IPV4_ANY, address, MAC_BROADCAST),
      (holder) => {
        this.#probes.delete(probe);
        done(holder);
      },
    );
    this.#probes.set(probe, address);
  }

  /** Tells everybody twice that `address` is here (RFC 5227 §2.3), so that old entries are renewed. */
  announce(address: Ipv4Address, timing: ProbeTiming): void {
    this.#announceOnce(address);
    const second = this.#clock.after(announceInterval(timing), () => {
      this.#announcements.delete(second);
      if (this.#interface.hasAddress(address)) this.#announceOnce(address);
    });
    this.#announcements.add(second);
  }

  table(): readonly NeighbourInfo[] {
    return this.#cache.table();
  }

  /** After the carrier was gone somebody else may sit at the other end: what was learned is forgotten. */
  carrier(up: boolean): void {
    if (!up) this.#cache.flush();
  }

  /** Forgets all neighbours but those that are being asked for; returns how many they were. */
  flush(): number {
    return this.#cache.flush();
  }

  close(): void {
    this.#cache.close();
    for (const probe of this.#probes.keys()) probe.cancel();
    for (const timer of this.#announcements) timer.cancel();
  }

  receive(frame: Uint8Array): void {
    const packet = decodeArp(frame.subarray(ETHERNET_HEADER_LENGTH));
    if (packet instanceof Malformed) return this.#counters.add(`arp.${packet.reason}`);
    const { senderMac, senderAddress, targetAddress } = packet;
    if (!isStation(senderMac) || !isStationAddress(senderAddress))
      return this.#counters.add('arp.bad-sender');
    // Our own frame, come back over a loop in the cabling.
    if (senderMac === this.#interface.mac) return this.#counters.add('arp.own');
    this.#checkProbes(packet);
    if (this.#interface.hasAddress(senderAddress)) return this.#defend(senderAddress, senderMac);
    const forMe = this.#interface.hasAddress(targetAddress);
    // RFC 826: who is known is renewed by whatever it says; who is new is worth an entry if it talks to us.
    // A reply that nobody asked for makes none, or anyone could fill the table.
    const asksMe = forMe && packet.operation === 'request';
    if (senderAddress !== IPV4_ANY && (asksMe || this.#cache.has(senderAddress)))
      this.#learn(senderAddress, senderMac);
    if (asksMe) this.#answer(packet);
  }

  /** RFC 5227 §2.1.1: who uses the address conflicts, and so does another who probes for it. */
  #checkProbes({ senderAddress, senderMac, targetAddress }: ArpPacket): void {
    for (const [probe, address] of [...this.#probes])
      if (senderAddress === address || (senderAddress === IPV4_ANY && targetAddress === address))
        probe.conflict(senderMac);
  }

  /**
   * RFC 5227 §2.4 (c): what is configured stays, with one announcement and then silence for a while. Who has
   * the address on loan is told of each conflict, and may give it up (b).
   */
  #defend(address: Ipv4Address, mac: MacAddress): void {
    this.#counters.add('arp.conflict');
    const now = this.#clock.now();
    const again = now - (this.#defended.get(address) ?? Number.NEGATIVE_INFINITY) < DEFEND_INTERVAL;
    if (!again) this.#announceDefence(address, mac, now);
    this.#interface.reportConflict(address, mac, again);
  }

  #announceDefence(address: Ipv4Address, mac: MacAddress, now: number): void {
    this.#defended.set(address, now);
    this.#log.warn(
      'arp.conflict',
      { interface: this.#interface.name, address: formatIpv4(address), mac: formatMac(mac) },
      `${formatMac(mac)} uses ${formatIpv4(address)} too, which ${this.#interface.name} has; defending it`,
    );
    this.#announceOnce(address);
  }

  #learn(address: Ipv4Address, mac: MacAddress): void {
    const outcome = this.#cache.confirm(address, mac);
    if (outcome === 'known') return;
    const log = outcome === 'answer' ? this.#log.info : this.#log.debug;
    log?.(
      'arp.learn',
      { interface: this.#interface.name, address: formatIpv4(address), mac: formatMac(mac) },
      `${formatIpv4(address)} is at ${formatMac(mac)} on ${this.#interface.name}`,
    );
  }

  #answer({ senderMac, senderAddress, targetAddress }: ArpPacket): void {
    this.#log.info(
      'arp.reply',
      {
        interface: this.#interface.name,
        address: formatIpv4(targetAddress),
        mac: formatMac(this.#interface.mac),
        to: formatMac(senderMac),
      },
      `tells ${formatMac(senderMac)} that ${formatIpv4(targetAddress)} is at ${formatMac(this.#interface.mac)}`,
    );
    this.#transmit(senderMac, {
      operation: 'reply',
      senderMac: this.#interface.mac,
      senderAddress: targetAddress,
      targetMac: senderMac,
      targetAddress: senderAddress,
    });
  }

  #ask(address: Ipv4Address, mac: MacAddress | undefined, frame: Uint8Array | undefined): void {
    const sender = this.#interface.addressFor(address) ?? IPV4_ANY;
    this.#logRequest(address, sender, mac, frame);
    this.#request(sender, address, mac ?? MAC_BROADCAST);
  }

  #announceOnce(address: Ipv4Address): void {
    this.#request(address, address, MAC_BROADCAST);
  }

  #request(sender: Ipv4Address, target: Ipv4Address, to: MacAddress): void {
    this.#transmit(to, {
      operation: 'request',
      senderMac: this.#interface.mac,
      senderAddress: sender,
      targetMac: MAC_ZERO,
      targetAddress: target,
    });
  }

  #transmit(to: MacAddress, packet: ArpPacket): void {
    const frame = new Uint8Array(ETHERNET_HEADER_LENGTH + ARP_LENGTH);
    writeArp(frame, ETHERNET_HEADER_LENGTH, packet);
    this.#interface.transmit(frame, to, ETHERTYPE_ARP);
  }

  #logRequest(
    address: Ipv4Address,
    sender: Ipv4Address,
    mac: MacAddress | undefined,
    frame: Uint8Array | undefined,
  ): void {
    // A neighbour that is only asked whether it still is there is no news.
    const log = mac === undefined ? this.#log.info : this.#log.debug;
    if (!log || !this.#interface.carrier) return;
    const destination = frame && formatIpv4(ipv4Destination(frame.subarray(ETHERNET_HEADER_LENGTH)));
    const wanted = formatIpv4(address);
    const fields = {
      interface: this.#interface.name,
      address: wanted,
      sender: formatIpv4(sender),
      destination,
    };
    const why = destination && destination !== wanted ? ` (the next hop to ${destination})` : '';
    const whom = mac === undefined ? 'everybody' : formatMac(mac);
    log('arp.request', fields, `asks ${whom} on ${this.#interface.name} who has ${wanted}${why}`);
  }

  #logFailure(address: Ipv4Address): void {
    this.#log.info(
      'arp.failed',
      { interface: this.#interface.name, address: formatIpv4(address) },
      `nobody on ${this.#interface.name} answers for ${formatIpv4(address)}`,
    );
  }
}

function isStationAddress(address: Ipv4Address): boolean {
  return !isLoopbackIpv4(address) && !isMulticastIpv4(address) && address !== IPV4_BROADCAST;
}

/** ARP-5: a station's own MAC is never a group address, nor zero. */
function isStation(mac: MacAddress): boolean {
  return mac !== MAC_ZERO && !isGroupMac(mac);
}
