// IPv4 on its way out (RFC 791, RFC 1122 §3.3.1): packets of this device get their header, and those that it passes
// on leave here too: past the hook, in fragments if they must, to the neighbour that is next.

import { IPV4_ANY, type Ipv4Address, isLoopbackIpv4, type MacAddress } from '../core/address.ts';
import { frameBuffer } from '../core/frame-buffer.ts';
import type { Random } from '../core/random.ts';
import type { Train } from '../core/train.ts';
import { ETHERNET_HEADER_LENGTH, ETHERTYPE_IPV4 } from '../wire/ethernet.ts';
import {
  copyIpv4Header,
  IPV4_HEADER_LENGTH,
  IPV4_MAX_LENGTH,
  ipv4Destination,
  setIpv4TotalLength,
  updateIpv4Checksum,
  writeIpv4Header,
} from '../wire/ipv4.ts';
import type { Arp } from './arp.ts';
import { fragmentIpv4 } from './fragmentation.ts';
import type { NetworkInterface } from './interface.ts';
import type { LocalAddresses } from './local-addresses.ts';
import type { SendError, SendOptions } from './network-layer.ts';
import type { PacketHook } from './packet-hook.ts';
import type { Paths } from './paths.ts';
import type { Route } from './routes.ts';

/** Bytes in front of what a packet carries, in its frame. */
export const IPV4_HEADROOM = ETHERNET_HEADER_LENGTH + IPV4_HEADER_LENGTH;

const DEFAULT_TTL = 64;

export interface Ipv4OutputOptions {
  readonly random: Random;
  readonly paths: Paths;
  readonly local: LocalAddresses;
  /** ARP of each interface but the loopback. */
  readonly neighbours: ReadonlyMap<NetworkInterface, Arp>;
  /** Told of a packet that the hook lets nobody have. */
  refused(packet: Uint8Array, from: NetworkInterface | undefined): void;
}

interface Way {
  readonly to: NetworkInterface;
  readonly mac: MacAddress;
}

export class Ipv4Output {
  /** None unless the device translates addresses. */
  hook: PacketHook | undefined;
  readonly #paths: Paths;
  readonly #local: LocalAddresses;
  readonly #neighbours: ReadonlyMap<NetworkInterface, Arp>;
  readonly #refused: Ipv4OutputOptions['refused'];
  #identification: number;

  constructor(options: Ipv4OutputOptions) {
    this.#paths = options.paths;
    this.#local = options.local;
    this.#neighbours = options.neighbours;
    this.#refused = options.refused;
    this.#identification = options.random.uint32() & 0xffff;
  }

  /** As `NetworkLayer.send`. */
  send(buffer: Uint8Array, options: SendOptions): SendError | undefined {
    const { source, destination } = options;
    const route = this.#paths.route(destination, options.interface);
    if (typeof route === 'string') return route;
    // 0.0.0.0 is the source of one who is about to get an address, on the interface that gets it.
    const isMine = source === IPV4_ANY ? options.interface !== undefined : this.#local.isOwn(source);
    if (!isMine || (isLoopbackIpv4(source) && !route.interface.loopback)) return 'EADDRNOTAVAIL';
    const packet = buffer.subarray(ETHERNET_HEADER_LENGTH);
    const mtu =
      options.dontFragment === 'probe' ? this.#paths.linkMtu(route) : this.#paths.mtu(destination, route);
    if (packet.length > (options.dontFragment ? mtu : IPV4_MAX_LENGTH)) return 'EMSGSIZE';
    this.writeHeader(packet, options);
    const link = options.link ?? route.interface.groupMacFor(destination);
    this.leave(packet, route, mtu, undefined, link);
    return undefined;
  }

  /** As `NetworkLayer.sendTrain`. */
  sendTrain(segments: Train, options: SendOptions): SendError | undefined {
    // The first goes as any other does: it is checked, and the neighbour asked whether it is there if that is due.
    const error = this.#sendOneOf(segments, 0, options);
    if (error) return error;
    const way = this.#wayOf(options, segments.length);
    if (way) way.to.transmitTrain(this.#followers(segments, options), way.mac, ETHERTYPE_IPV4);
    else for (let index = 1; index < segments.count; index++) this.#sendOneOf(segments, index, options);
    return undefined;
  }

  #sendOneOf(segments: Train, index: number, options: SendOptions): SendError | undefined {
    const buffer = frameBuffer(IPV4_HEADROOM + segments.length);
    segments.write(index, buffer, IPV4_HEADROOM);
    return this.send(buffer, options);
  }

  /** The packets of all segments but the first. */
  #followers(segments: Train, options: SendOptions): Train {
    const header = new Uint8Array(IPV4_HEADER_LENGTH);
    const length = IPV4_HEADER_LENGTH + segments.length;
    const count = segments.count - 1;
    this.writeHeader(header, options);
    setIpv4TotalLength(header, length);
    updateIpv4Checksum(header);
    const first = this.#identification;
    this.#identification = (first + count - 1) & 0xffff;
    return {
      count,
      length,
      write: (index, target, at) => {
        copyIpv4Header(header, target, at, (first + index) & 0xffff);
        segments.write(index + 1, target, at + IPV4_HEADER_LENGTH);
      },
    };
  }

  /** Where a segment of `length` that was just sent has gone, if nothing is to be asked about the next. */
  #wayOf({ destination, interface: through }: SendOptions, length: number): Way | undefined {
    const route = this.#paths.route(destination, through);
    if (this.hook || typeof route === 'string' || route.interface.loopback) return undefined;
    if (IPV4_HEADER_LENGTH + length > this.#paths.mtu(destination, route)) return undefined;
    const mac = this.#neighbours.get(route.interface)?.macOf(route.via ?? destination);
    return mac === undefined ? undefined : { to: route.interface, mac };
  }

  /** Sends a packet that has its header by a route; whether it was sent, and whole. */
  leave(
    packet: Uint8Array,
    route: Route,
    mtu: number,
    from: NetworkInterface | undefined,
    link: MacAddress | undefined,
  ): boolean {
    const to = route.interface;
    if (this.hook && !to.loopback) {
      const verdict = this.hook.postrouting(packet, to.name, from?.name);
      if (verdict === 'drop') this.#refused(packet, from);
      if (verdict !== 'accept') return false;
    }
    const nextHop = route.via ?? ipv4Destination(packet);
    if (packet.length <= mtu) {
      this.#transmit(packet, to, nextHop, from, link);
      return true;
    }
    for (const fragment of fragmentIpv4(packet, mtu)) this.#transmit(fragment, to, nextHop, from, link);
    return false;
  }

  #transmit(
    packet: Uint8Array,
    to: NetworkInterface,
    nextHop: Ipv4Address,
    from: NetworkInterface | undefined,
    link: MacAddress | undefined,
  ): void {
    const frame = new Uint8Array(
      packet.buffer,
      packet.byteOffset - ETHERNET_HEADER_LENGTH,
      packet.length + ETHERNET_HEADER_LENGTH,
    );
    if (link !== undefined) return to.transmit(frame, link, ETHERTYPE_IPV4);
    this.#neighbours.get(to)?.send(frame, nextHop, from);
  }

  /** Gives a packet of this device its header. */
  writeHeader(packet: Uint8Array, options: SendOptions): void {
    this.#identification = (this.#identification + 1) & 0xffff;
    writeIpv4Header(packet, {
      tos: options.tos ?? 0,
      identification: this.#identification,
      dontFragment: Boolean(options.dontFragment),
      moreFragments: false,
      fragmentOffset: 0,
      ttl: options.ttl ?? DEFAULT_TTL,
      protocol: options.protocol,
      source: options.source,
      destination: options.destination,
    });
  }
}
