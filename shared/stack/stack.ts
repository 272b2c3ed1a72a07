// A device's network stack, put together: interfaces with ARP, IPv4, ICMP, UDP and TCP. Calls down are
// constructor arguments; calls up are the handlers that are registered here.

import {
  formatIpv4,
  IPV4_LOOPBACK,
  type Ipv4Address,
  type Ipv4Cidr,
  inNetwork,
  MAC_ZERO,
  type MacAddress,
} from '../core/address.ts';
import type { Clock } from '../core/clock.ts';
import type { Counters } from '../core/counters.ts';
import { systemError } from '../core/errors.ts';
import type { EventLog } from '../core/event-log.ts';
import type { FramePort } from '../core/frame-port.ts';
import type { Random } from '../core/random.ts';
import { ETHERTYPE_ARP, ETHERTYPE_IPV4 } from '../wire/ethernet.ts';
import { PROTOCOL_ICMP, PROTOCOL_UDP } from '../wire/ipv4.ts';
import { Arp } from './arp.ts';
import type { EchoApi, UdpApi } from './datagram-api.ts';
import { Icmp } from './icmp.ts';
import { NetworkInterface } from './interface.ts';
import { Ipv4 } from './ipv4.ts';
import { LOOPBACK_NAME, LoopbackPort } from './loopback.ts';
import type { PacketHook } from './packet-hook.ts';
import { type RouteProtocol, RouteTable } from './routes.ts';
import type { TcpApi } from './tcp/connection-api.ts';
import type { TcpSettings } from './tcp/settings.ts';
import { Tcp } from './tcp/tcp.ts';
import { Udp } from './udp.ts';

export interface StackInterfaceOptions {
  readonly name: string;
  readonly mac: MacAddress;
  readonly port: FramePort;
  readonly addresses?: readonly Ipv4Cidr[];
}

export interface StackRoute {
  /** 0.0.0.0/0 for the default route. */
  readonly to: Ipv4Cidr;
  /** The next hop, in the network of one of the interfaces. */
  readonly via: Ipv4Address;
}

export interface StackOptions {
  readonly clock: Clock;
  /** A generator of its own for each use. */
  random(use: string): Random;
  readonly log: EventLog;
  readonly counters: Counters;
  readonly interfaces: readonly StackInterfaceOptions[];
  readonly routes?: readonly StackRoute[];
  /** Whether packets for others are passed on. */
  readonly forwarding: boolean;
  /** Address translation, or a function that makes it out of the layer it sits in. */
  readonly hook?: PacketHook | ((ipv4: Ipv4) => PacketHook);
  /** Where TCP is to differ from its defaults. */
  readonly tcp?: Partial<TcpSettings>;
}

export class Stack {
  /** In the order given; the loopback is the first. */
  readonly interfaces: readonly NetworkInterface[];
  readonly routes = new RouteTable();
  readonly ipv4: Ipv4;
  readonly echo: EchoApi;
  readonly udp: UdpApi;
  readonly tcp: TcpApi;
  readonly #neighbours = new Map<NetworkInterface, Arp>();
  readonly #tcp: Tcp;

  constructor(options: StackOptions) {
    const { clock, log, counters } = options;
    const loopback = new NetworkInterface({
      name: LOOPBACK_NAME,
      mac: MAC_ZERO,
      port: new LoopbackPort(clock),
      log,
      counters,
      loopback: true,
    });
    const cabled = options.interfaces.map(
      ({ name, mac, port }) => new NetworkInterface({ name, mac, port, log, counters }),
    );
    this.interfaces = [loopback, ...cabled];
    for (const each of cabled) {
      const random = options.random(`arp ${each.name}`);
      this.#neighbours.set(each, new Arp({ interface: each, clock, random, log, counters }));
    }
    this.ipv4 = new Ipv4({
      clock,
      random: options.random('ipv4'),
      log,
      counters,
      interfaces: this.interfaces,
      neighbours: this.#neighbours,
      routes: this.routes,
      forwarding: options.forwarding,
    });
    const icmp = new Icmp({ network: this.ipv4, random: options.random('icmp'), counters });
    const udp = new Udp({ network: this.ipv4, random: options.random('udp'), counters });
    this.#tcp = new Tcp({
      network: this.ipv4,
      clock,
      random: options.random('tcp'),
      log,
      counters,
      ...(options.tcp && { settings: options.tcp }),
    });
    this.echo = icmp;
    this.udp = udp;
    this.tcp = this.#tcp;

    icmp.reportError = (protocol, error) => this.ipv4.reportError(protocol, error);
    this.ipv4.register(PROTOCOL_ICMP, icmp);
    this.ipv4.register(PROTOCOL_UDP, udp);
    this.ipv4.hook = typeof options.hook === 'function' ? options.hook(this.ipv4) : options.hook;
    for (const each of this.interfaces) this.#connect(each);

    loopback.addAddress({ address: IPV4_LOOPBACK, prefixLength: 8 });
    for (const { name, addresses } of options.interfaces)
      for (const cidr of addresses ?? []) this.interface(name).addAddress(cidr);
    for (const { to, via } of options.routes ?? []) this.addRoute(to, via, 'static');
    for (const each of this.interfaces) each.open();
  }

  /** @throws Error if there is none of that name */
  interface(name: string): NetworkInterface {
    const found = this.interfaces.find((candidate) => candidate.name === name);
    if (!found)
      throw new Error(`no interface ${name}; there is ${this.interfaces.map((i) => i.name).join(', ')}`);
    return found;
  }

  /** ARP of an interface: its table, probes and announcements. @throws Error if it has none */
  arp(name: string): Arp {
    const arp = this.#neighbours.get(this.interface(name));
    if (!arp) throw new Error(`${name} has no ARP`);
    return arp;
  }

  /**
   * Adds a route through the interface that has `via` in one of its networks.
   * @throws SystemError ENETUNREACH if none has
   */
  addRoute(to: Ipv4Cidr, via: Ipv4Address, protocol: RouteProtocol): void {
    const through = this.interfaces.find(({ addresses }) => addresses.some((cidr) => inNetwork(via, cidr)));
    if (!through) throw systemError('ENETUNREACH', 'route', formatIpv4(via));
    this.routes.add({ destination: to, via, interface: through, protocol });
  }

  /** Changes settings of TCP, for the listeners and connections that are made from now on. */
  configureTcp(settings: Partial<TcpSettings>): void {
    this.#tcp.configure(settings);
  }

  /** Lets go of all timers; what comes in afterwards is ignored. */
  close(): void {
    this.#tcp.close();
    this.ipv4.close();
    for (const arp of this.#neighbours.values()) arp.close();
    for (const each of this.interfaces) each.close();
  }

  /** Registers who is told of what an interface receives and of how it changes. */
  #connect(each: NetworkInterface): void {
    const arp = this.#neighbours.get(each);
    each.handle(ETHERTYPE_IPV4, (frame, group, last) => this.ipv4.receive(frame, each, group, last));
    if (arp) {
      each.handle(ETHERTYPE_ARP, (frame) => {
        this.ipv4.forgetFlows();
        arp.receive(frame);
      });
      arp.unreachable = (frame, from) => this.ipv4.unreachable(frame, from, each);
    }
    each.observe({
      carrier: (up) => arp?.carrier(up),
      addressAdded: (cidr) => {
        this.routes.addressAdded(each, cidr);
        this.ipv4.addressesChanged();
      },
      addressRemoved: (cidr) => {
        this.routes.addressRemoved(each, cidr);
        this.ipv4.addressesChanged();
      },
      endOfBatch: () => this.ipv4.forgetFlows(),
    });
  }
}

export function createStack(options: StackOptions): Stack {
  return new Stack(options);
}
