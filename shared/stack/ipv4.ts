// IPv4 (RFC 791, RFC 1122 §3, RFC 1812): takes packets in, delivers or forwards them, and sends those of
// this device (ipv4-output.ts), and errors about those that can't go on (ipv4-errors.ts). Read first: network-layer.ts, what transports see of it; routes.ts; local-addresses.ts.
//
// A packet is a view that begins at the IP header, with at least the 14 bytes of a frame's header free (or
// already used) in front of it in the same buffer: a forwarded packet leaves in the frame it came in.

import { formatIpv4, IPV4_ANY, type Ipv4Address } from '../core/address.ts';
import type { Clock } from '../core/clock.ts';
import type { Counters } from '../core/counters.ts';
import type { EventLog } from '../core/event-log.ts';
import type { Random } from '../core/random.ts';
import type { Train } from '../core/train.ts';
import { ETHERNET_HEADER_LENGTH } from '../wire/ethernet.ts';
import { UNREACHABLE_HOST } from '../wire/icmp.ts';
import {
  checkIpv4,
  decrementIpv4Ttl,
  ipv4Destination,
  ipv4DontFragment,
  ipv4FragmentOffset,
  ipv4PacketAt,
  ipv4Payload,
  ipv4Protocol,
  ipv4PseudoHeaderSum,
  ipv4Source,
  ipv4Tos,
  ipv4Ttl,
  isIpv4Fragment,
  PROTOCOL_UDP,
} from '../wire/ipv4.ts';
import type { Arp } from './arp.ts';
import {
  FlowCache,
  type FlowKey,
  type Follower,
  flowKeyOf,
  forwarder,
  isPlain,
  TRANSPORT,
} from './flow-cache.ts';
import { Fragments } from './fragments.ts';
import {
  fragmentationNeeded,
  HOST_UNREACHABLE,
  NET_UNREACHABLE,
  PORT_UNREACHABLE,
  PROTOCOL_UNREACHABLE,
  REASSEMBLY_EXCEEDED,
  TTL_EXCEEDED,
} from './icmp-errors.ts';
import type { NetworkInterface } from './interface.ts';
import { Ipv4Errors } from './ipv4-errors.ts';
import { IPV4_HEADROOM, Ipv4Output } from './ipv4-output.ts';
import { LocalAddresses } from './local-addresses.ts';
import type {
  NetworkLayer,
  Path,
  ReceivedError,
  ReceivedPacket,
  SendError,
  SendOptions,
  TransportHandler,
} from './network-layer.ts';
import type { PacketHook } from './packet-hook.ts';
import type { LearnedMtu } from './path-mtu.ts';
import { Paths } from './paths.ts';
import type { Route, RouteTable } from './routes.ts';

export interface Ipv4Options {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: EventLog;
  readonly counters: Counters;
  /** All interfaces, the loopback included. */
  readonly interfaces: readonly NetworkInterface[];
  /** ARP of each interface but the loopback. */
  readonly neighbours: ReadonlyMap<NetworkInterface, Arp>;
  readonly routes: RouteTable;
  /** Whether packets for others are passed on: a router, and not a host. */
  readonly forwarding: boolean;
}

export class Ipv4 implements NetworkLayer {
  readonly headroom = IPV4_HEADROOM;
  readonly #log: EventLog;
  readonly #counters: Counters;
  readonly #interfaces: readonly NetworkInterface[];
  readonly #paths: Paths;
  readonly #output: Ipv4Output;
  readonly #neighbours: ReadonlyMap<NetworkInterface, Arp>;
  readonly #routes: RouteTable;
  readonly #forwarding: boolean;
  readonly #local: LocalAddresses;
  readonly #fragments: Fragments;
  readonly #errors: Ipv4Errors;
  readonly #transports = new Map<number, TransportHandler>();
  readonly #flows = new FlowCache();
  /** Whether packets of its flow may follow the one that is being received. */
  #mayBeFollowed = false;
  /** Makes what takes the packets that follow the one that is being received. */
  #follower: ((flow: FlowKey, frame: Uint8Array) => Follower) | undefined;

  constructor(options: Ipv4Options) {
    this.#log = options.log;
    this.#counters = options.counters;
    this.#interfaces = options.interfaces;
    this.#neighbours = options.neighbours;
    this.#routes = options.routes;
    this.#forwarding = options.forwarding;
    this.#local = new LocalAddresses(options.interfaces);
    this.#paths = new Paths({ ...options, local: this.#local });
    this.#fragments = new Fragments(options.clock, options.counters, (first, group) =>
      this.#errors.answer(first, REASSEMBLY_EXCEEDED, group),
    );
    this.#output = new Ipv4Output({
      ...options,
      paths: this.#paths,
      local: this.#local,
      refused: (packet, from) => this.#drop('refused-by-hook', packet, from),
    });
    this.#errors = new Ipv4Errors({
      ...options,
      paths: this.#paths,
      local: this.#local,
      output: this.#output,
    });
  }

  /** Set by who composes the stack. */
  get hook(): PacketHook | undefined {
    return this.#output.hook;
  }

  set hook(hook: PacketHook | undefined) {
    this.#output.hook = hook;
  }

  // Upwards: frames in.

  /**
   * A frame of ethertype IPv4 came in by `from`; `group`: to a broadcast or multicast MAC; `last`: no other follows
   * in its message.
   */
  receive(frame: Uint8Array, from: NetworkInterface, group: boolean, last: boolean): void {
    if (!group && this.#flows.follow(frame)) return;
    const flow = group || last ? undefined : flowKeyOf(frame);
    if (flow) this.#flows.delete(flow);
    else this.#flows.clear();
    this.#mayBeFollowed = flow !== undefined;
    this.#receiveFirst(frame, from, group);
    this.#mayBeFollowed = false;
    const follower = this.#takeFollower();
    if (flow && follower && isPlain(frame)) this.#flows.add(flow, follower(flow, frame));
  }

  #takeFollower() {
    const follower = this.#follower;
    this.#follower = undefined;
    return follower;
  }

  /** A packet that is not known to be like the one before goes the whole way. */
  #receiveFirst(frame: Uint8Array, from: NetworkInterface, group: boolean): void {
    const malformed = checkIpv4(frame, ETHERNET_HEADER_LENGTH);
    if (malformed) return this.#counters.add(`ipv4.${malformed.reason}`);
    const packet = ipv4PacketAt(frame, ETHERNET_HEADER_LENGTH);
    const destination = ipv4Destination(packet);
    if (!this.#local.isValidSource(ipv4Source(packet), destination, from))
      return this.#drop('bad-source', packet, from);
    if (!this.#local.isValidDestination(destination, from))
      return this.#drop('bad-destination', packet, from);
    this.#enter(packet, from, group);
  }

  /** All frames of one message have been received, or something came that may change what became of packets. */
  forgetFlows(): void {
    this.#flows.clear();
  }

  /** An interface has got or lost an address. */
  addressesChanged(): void {
    this.#local.refresh();
  }

  /** Nobody answered for the next hop of a packet that came from `from` (undefined: own) and was to leave by `to`. */
  unreachable(frame: Uint8Array, from: NetworkInterface | undefined, to: NetworkInterface): void {
    const packet = frame.subarray(ETHERNET_HEADER_LENGTH);
    if (from === undefined) return this.#reportOwnUnreachable(packet);
    this.#counters.add('ipv4.host-unreachable');
    if (!this.isLocal(ipv4Source(packet))) return this.#errors.answer(packet, HOST_UNREACHABLE, false);
    // The source was translated: the error comes in where an answer would have, and is translated back.
    const error = this.#errors.toOurselves(packet, HOST_UNREACHABLE);
    if (error) this.#enter(error, to, false);
  }

  /**
   * Goes on with a packet (copied) that a hook stole, as if it had just passed `prerouting` coming in by
   * `from`: it is routed, and delivered or forwarded.
   */
  inject(packet: Uint8Array, from: string): void {
    const source = this.#interfaces.find(({ name }) => name === from);
    if (!source) throw new Error(`no interface ${from}`);
    const frame = new Uint8Array(ETHERNET_HEADER_LENGTH + packet.length);
    frame.set(packet, ETHERNET_HEADER_LENGTH);
    this.#decide(frame.subarray(ETHERNET_HEADER_LENGTH), source, false);
  }

  // Downwards: what transports call.

  path(destination: Ipv4Address, source?: Ipv4Address, through?: string): Path | SendError {
    return this.#paths.path(destination, source, through);
  }

  isLocal(address: Ipv4Address): boolean {
    return this.#local.isOwn(address);
  }

  isBroadcast(address: Ipv4Address): boolean {
    return this.#local.isBroadcast(address);
  }

  pseudoHeaderSum(source: Ipv4Address, destination: Ipv4Address, protocol: number, length: number): number {
    return ipv4PseudoHeaderSum(source, destination, protocol, length);
  }

  send(buffer: Uint8Array, options: SendOptions): SendError | undefined {
    return this.#output.send(buffer, options);
  }

  sendTrain(segments: Train, options: SendOptions): SendError | undefined {
    return this.#output.sendTrain(segments, options);
  }

  refuse(packet: ReceivedPacket, what: 'port' | 'protocol'): void {
    const error = what === 'port' ? PORT_UNREACHABLE : PROTOCOL_UNREACHABLE;
    if (this.isLocal(packet.destination)) this.#errors.answer(packet.packet, error, packet.broadcast);
  }

  /** For a destination whose path is known to carry less than the link. */
  learnedMtu(destination: Ipv4Address): LearnedMtu | undefined {
    return this.#paths.learnedMtu(destination);
  }

  learnMtu(destination: Ipv4Address, mtu: number): void {
    this.#paths.learnMtu(destination, mtu);
  }

  register(protocol: number, handler: TransportHandler): void {
    this.#transports.set(protocol, handler);
  }

  format(address: Ipv4Address): string {
    return formatIpv4(address);
  }

  /** Hands an ICMP error to the transport whose packet it quotes. */
  reportError(protocol: number, error: ReceivedError): void {
    this.#transports.get(protocol)?.error(error);
  }

  /** Lets go of all timers. */
  close(): void {
    this.#fragments.close();
  }

  // Inside: a packet's way.

  #enter(packet: Uint8Array, from: NetworkInterface, group: boolean): void {
    if (this.hook && !from.loopback) {
      const verdict = this.hook.prerouting(packet, from.name);
      if (verdict === 'drop') return this.#drop('refused-by-hook', packet, from);
      if (verdict === 'stolen') return;
    }
    this.#decide(packet, from, group);
  }

  /** The routing decision: for this device, or for another. */
  #decide(packet: Uint8Array, from: NetworkInterface, group: boolean): void {
    const destination = ipv4Destination(packet);
    if (this.#local.isOwn(destination)) return this.#deliver(packet, from, group);
    if (this.#local.takesBroadcast(destination, from)) return this.#deliver(packet, from, true);
    // RFC 2131 §4.1: what a DHCP server sends to an address that this interface does not have yet.
    if (from.addresses.length === 0 && ipv4Protocol(packet) === PROTOCOL_UDP)
      return this.#deliver(packet, from, group);
    if (!this.#forwarding) return this.#drop('not-mine', packet, from);
    this.#forward(packet, from, group);
  }

  #deliver(packet: Uint8Array, from: NetworkInterface, broadcast: boolean): void {
    const whole = isIpv4Fragment(packet) ? this.#fragments.add(packet, broadcast) : packet;
    if (!whole) return;
    const received: ReceivedPacket = {
      source: ipv4Source(whole),
      destination: ipv4Destination(whole),
      protocol: ipv4Protocol(whole),
      ttl: ipv4Ttl(whole),
      tos: ipv4Tos(whole),
      packet: whole,
      payload: ipv4Payload(whole),
      interface: from.name,
      broadcast,
    };
    const transport = this.#transports.get(received.protocol);
    if (transport) {
      transport.receive(received);
      this.#noteDelivery(transport, received);
      return;
    }
    this.#drop('unknown-protocol', whole, from);
    this.refuse(received, 'protocol');
  }

  #forward(packet: Uint8Array, from: NetworkInterface, group: boolean): void {
    const destination = ipv4Destination(packet);
    // RFC 1122 §3.3.6: a unicast packet in a broadcast frame is nobody's to pass on.
    if (group || ipv4Source(packet) === IPV4_ANY || !this.#local.isForwardable(destination))
      return this.#drop('not-forwardable', packet, from);
    const route = this.#routes.lookup(destination);
    if (!route) {
      this.#drop('no-route', packet, from);
      return this.#errors.answer(packet, NET_UNREACHABLE, group);
    }
    if (ipv4Ttl(packet) <= 1) {
      this.#drop('ttl-exceeded', packet, from);
      return this.#errors.answer(packet, TTL_EXCEEDED, group);
    }
    const { mtu } = route.interface;
    if (packet.length > mtu && ipv4DontFragment(packet)) {
      this.#drop('too-long', packet, from);
      return this.#errors.answer(packet, fragmentationNeeded(mtu), group);
    }
    decrementIpv4Ttl(packet);
    if (this.#log.trace) this.#logForward(packet, from, route);
    const hasLeft = this.#output.leave(packet, route, mtu, from, undefined);
    if (hasLeft && !this.#log.trace) this.#noteDeparture(route, destination);
  }

  /** What follows a packet that was just delivered is delivered. */
  #noteDelivery(transport: TransportHandler, received: ReceivedPacket): void {
    if (!this.#mayBeFollowed || (this.hook && !this.hook.steady())) return;
    const follower = transport.follower?.(received);
    if (follower)
      this.#follower = () => (frame) => follower(frame, TRANSPORT, frame[ETHERNET_HEADER_LENGTH + 1]!);
  }

  /** What follows a packet that has just left for another is sent after it. */
  #noteDeparture({ interface: to, via }: Route, destination: Ipv4Address): void {
    if (!this.#mayBeFollowed || (this.hook && !this.hook.steady())) return;
    const mac = this.#neighbours.get(to)?.macOf(via ?? destination);
    if (mac !== undefined) this.#follower = (flow, frame) => forwarder(flow, frame, to, mac);
  }

  // Inside: what is told.

  /** As Linux does: the sender hears of it as if this device had got an ICMP error. */
  #reportOwnUnreachable(packet: Uint8Array): void {
    if (ipv4FragmentOffset(packet) !== 0) return;
    const source = ipv4Source(packet);
    this.reportError(ipv4Protocol(packet), {
      kind: 'unreachable',
      code: UNREACHABLE_HOST,
      mtu: 0,
      from: source,
      source,
      destination: ipv4Destination(packet),
      quoted: ipv4Payload(packet),
    });
  }

  #drop(reason: string, packet: Uint8Array, from: NetworkInterface | undefined): void {
    this.#counters.add(`ipv4.${reason}`);
    if (!this.#log.debug) return;
    const source = formatIpv4(ipv4Source(packet));
    const destination = formatIpv4(ipv4Destination(packet));
    this.#log.debug(
      'ip.drop',
      { reason, interface: from?.name, source, destination, protocol: ipv4Protocol(packet) },
      `drops a packet from ${source} to ${destination}: ${reason}`,
    );
  }

  #logForward(packet: Uint8Array, from: NetworkInterface, route: Route): void {
    const source = formatIpv4(ipv4Source(packet));
    const destination = formatIpv4(ipv4Destination(packet));
    const via = route.via === undefined ? undefined : formatIpv4(route.via);
    this.#log.trace?.(
      'ip.forward',
      { from: from.name, to: route.interface.name, via, source, destination, ttl: ipv4Ttl(packet) },
      `forwards a packet from ${source} to ${destination} by ${route.interface.name}`,
    );
  }
}
