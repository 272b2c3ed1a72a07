// A network interface: a name, a MAC and addresses, standing on a frame port (a cable, a bridge, the
// loopback). It frames what goes down and hands what comes up to the handler of its ethertype.

import {
  broadcastOf,
  formatCidr,
  IPV4_BROADCAST,
  type Ipv4Address,
  type Ipv4Cidr,
  inNetwork,
  isGroupMac,
  isMulticastIpv4,
  MAC_BROADCAST,
  type MacAddress,
} from '../core/address.ts';
import type { Counters } from '../core/counters.ts';
import type { EventLog } from '../core/event-log.ts';
import type { FramePort } from '../core/frame-port.ts';
import { sendTrain } from '../core/frame-train.ts';
import type { Train } from '../core/train.ts';
import {
  ETHERNET_HEADER_LENGTH,
  ethernetDestination,
  ethernetSource,
  ethernetType,
  writeEthernet,
} from '../wire/ethernet.ts';

/** 01:00:5e, and the lower 23 bits of the group. */
const MULTICAST_PREFIX = 0x01005e000000;

/**
 * Gets a whole frame, which it may rewrite; `group` is set if it was sent to a broadcast or multicast MAC, `last` if
 * no other follows in its message.
 */
export type FrameHandler = (frame: Uint8Array, group: boolean, last: boolean) => void;

/** What an interface tells whoever asked to be told. */
export interface InterfaceObserver {
  carrier?(up: boolean): void;
  addressAdded?(cidr: Ipv4Cidr): void;
  addressRemoved?(cidr: Ipv4Cidr): void;
  /** Another station uses this interface's address (RFC 5227 §2.4); `again`: although it was defended just now. */
  conflict?(address: Ipv4Address, mac: MacAddress, again: boolean): void;
  /** All frames of one cable message have been handled. */
  endOfBatch?(): void;
}

export interface InterfaceOptions {
  readonly name: string;
  readonly mac: MacAddress;
  readonly port: FramePort;
  readonly log: EventLog;
  readonly counters: Counters;
  /** Frames go back to this device: no ARP, and addresses of 127/8 are at home here. */
  readonly loopback?: boolean;
}

export class NetworkInterface {
  readonly name: string;
  readonly mac: MacAddress;
  /** The longest packet in bytes. */
  readonly mtu: number;
  readonly loopback: boolean;
  readonly #port: FramePort;
  readonly #log: EventLog;
  readonly #counters: Counters;
  readonly #handlers = new Map<number, FrameHandler>();
  readonly #observers = new Set<InterfaceObserver>();
  #addresses: readonly Ipv4Cidr[] = [];
  #carrier = false;
  #closed = false;

  constructor(options: InterfaceOptions) {
    this.name = options.name;
    this.mac = options.mac;
    this.mtu = options.port.mtu;
    this.loopback = options.loopback ?? false;
    this.#port = options.port;
    this.#log = options.log;
    this.#counters = options.counters;
  }

  get carrier(): boolean {
    return this.#carrier;
  }

  get addresses(): readonly Ipv4Cidr[] {
    return this.#addresses;
  }

  /** Begins to receive; handlers and observers are in place by now. */
  open(): void {
    this.#port.attach({
      frames: (batch) => this.#receiveBatch(batch),
      carrier: (up) => this.#changeCarrier(up),
    });
  }

  /** From now on nothing is received, sent or told. */
  close(): void {
    this.#closed = true;
    this.#carrier = false;
    this.#handlers.clear();
    this.#observers.clear();
  }

  handle(ethertype: number, handler: FrameHandler): void {
    this.#handlers.set(ethertype, handler);
  }

  /** Returns the call that ends it. */
  observe(observer: InterfaceObserver): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  hasAddress(address: Ipv4Address): boolean {
    return this.#addresses.some((cidr) => cidr.address === address);
  }

  /** The address that speaks for this interface to `neighbour`: the one of its network, else the first. */
  addressFor(neighbour: Ipv4Address): Ipv4Address | undefined {
    return (this.#addresses.find((cidr) => inNetwork(neighbour, cidr)) ?? this.#addresses[0])?.address;
  }

  /** Whether `address` is the directed broadcast address of one of this interface's networks. */
  isDirectedBroadcast(address: Ipv4Address): boolean {
    return this.#addresses.some((cidr) => broadcastOf(cidr) === address);
  }

  /** The MAC for packets that no ARP is needed for: broadcasts, multicasts (RFC 1112 §6.4), the loopback's own. */
  groupMacFor(destination: Ipv4Address): MacAddress | undefined {
    if (this.loopback) return this.mac;
    if (destination === IPV4_BROADCAST || this.isDirectedBroadcast(destination)) return MAC_BROADCAST;
    return isMulticastIpv4(destination) ? MULTICAST_PREFIX + (destination & 0x7fffff) : undefined;
  }

  /** Adds an address, or changes its prefix length if it is there with another. */
  addAddress(cidr: Ipv4Cidr): void {
    const known = this.#addresses.find(({ address }) => address === cidr.address);
    if (known?.prefixLength === cidr.prefixLength) return;
    if (known) this.removeAddress(known.address);
    this.#addresses = [...this.#addresses, cidr];
    this.#logAddress('added', cidr);
    for (const observer of this.#observers) observer.addressAdded?.(cidr);
  }

  removeAddress(address: Ipv4Address): void {
    const cidr = this.#addresses.find((candidate) => candidate.address === address);
    if (!cidr) return;
    this.#addresses = this.#addresses.filter((candidate) => candidate !== cidr);
    this.#logAddress('removed', cidr);
    for (const observer of this.#observers) observer.addressRemoved?.(cidr);
  }

  /** Tells the observers of a station that uses `address` too. */
  reportConflict(address: Ipv4Address, mac: MacAddress, again: boolean): void {
    for (const observer of this.#observers) observer.conflict?.(address, mac, again);
  }

  /**
   * Sends `frame`, whose first 14 bytes are free for the header and which belongs to the port from now on.
   * Without carrier it is the port that drops it, as it knows why there is none.
   */
  transmit(frame: Uint8Array, destination: MacAddress, ethertype: number, forwarded = false): void {
    if (this.#closed) return;
    writeEthernet(frame, destination, this.mac, ethertype);
    this.#port.send(frame, forwarded);
  }

  /** As `transmit`, for own packets that are still to be written. */
  transmitTrain(packets: Train, destination: MacAddress, ethertype: number): void {
    if (this.#closed) return;
    const header = new Uint8Array(ETHERNET_HEADER_LENGTH);
    writeEthernet(header, destination, this.mac, ethertype);
    sendTrain(this.#port, {
      count: packets.count,
      length: ETHERNET_HEADER_LENGTH + packets.length,
      write: (index, target, at) => {
        for (let each = 0; each < ETHERNET_HEADER_LENGTH; each++) target[at + each] = header[each]!;
        packets.write(index, target, at + ETHERNET_HEADER_LENGTH);
      },
    });
  }

  #receiveBatch(batch: readonly Uint8Array[]): void {
    if (this.#closed) return;
    const last = batch.length - 1;
    for (let index = 0; index <= last; index++) this.#receive(batch[index]!, index === last);
    for (const observer of this.#observers) observer.endOfBatch?.();
  }

  #changeCarrier(up: boolean): void {
    if (up === this.#carrier || this.#closed) return;
    this.#carrier = up;
    for (const observer of this.#observers) observer.carrier?.(up);
  }

  #receive(frame: Uint8Array, last: boolean): void {
    if (frame.length < ETHERNET_HEADER_LENGTH) return this.#counters.add('ethernet.too-short');
    const destination = ethernetDestination(frame);
    const group = isGroupMac(destination);
    if (!group && destination !== this.mac) return this.#counters.add('ethernet.not-mine');
    if (isGroupMac(ethernetSource(frame))) return this.#counters.add('ethernet.bad-source');
    const handler = this.#handlers.get(ethernetType(frame));
    if (!handler) return this.#counters.add('ethernet.unknown-type');
    handler(frame, group, last);
  }

  #logAddress(change: 'added' | 'removed', cidr: Ipv4Cidr): void {
    this.#log.info(
      'interface.address',
      { interface: this.name, address: formatCidr(cidr), change },
      `${this.name} ${change === 'added' ? 'has' : 'gives up'} address ${formatCidr(cidr)}`,
    );
  }
}
