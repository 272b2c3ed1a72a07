// A learning bridge (IEEE 802.1D §7): several ports that act as one wire, which carries a frame only to
// where its receiver is known to be. No spanning tree: a loop of cables is the user's.

import { formatMac, isGroupMac, type MacAddress } from '../core/address.ts';
import { Alarm, type Clock } from '../core/clock.ts';
import type { Counters } from '../core/counters.ts';
import type { EventLog } from '../core/event-log.ts';
import type { FramePort, FrameReceiver } from '../core/frame-port.ts';
import { Recent } from '../core/recent.ts';
import {
  ETHERNET_HEADER_LENGTH,
  ETHERNET_OVERHEAD,
  ethernetDestination,
  ethernetSource,
} from '../wire/ethernet.ts';

/** ms without a frame from a station after which its place is forgotten, IEEE 802.1D §7.9.2. */
const AGEING_TIME = 300_000;
/** ms that an alarm may ring early. */
const ALARM_EARLY = 1;
const MAX_STATIONS = 4096;
/** ms; who was seen again after so long counts as seen last, when one has to make room. */
const ORDER_STEP = 1000;
/** 01:80:c2:00:00:00 to 0f: between neighbours, never passed on (IEEE 802.1D §7.12.6). */
const RESERVED_GROUP = 0x0180c2000000;

export interface BridgeOptions {
  readonly ports: readonly { readonly name: string; readonly port: FramePort }[];
  /** Of the device's own interface on the bridge; a bridge without one is a switch. */
  readonly mac?: MacAddress;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly counters: Counters;
}

/** Where a station is. */
export interface BridgeEntry {
  readonly mac: MacAddress;
  readonly port: string;
  /** ms since its last frame. */
  readonly age: number;
}

interface Station {
  port: BridgePort;
  seen: number;
}

export class Bridge {
  /** What the device's own interface stands on; its carrier is up while any port's is. */
  readonly port: FramePort;
  readonly #ports: readonly BridgePort[];
  readonly #own: OwnPort;
  readonly #ownMac: MacAddress | undefined;
  /** Who was seen first is first, to about a second. */
  readonly #stations = new Map<MacAddress, Station>();
  readonly #recent = new Recent<Station>();
  /** Forgets the silent, so that no frame that passes need ask for the time. */
  readonly #ageing: Alarm;
  readonly #clock: Clock;
  readonly #log: EventLog;
  readonly #counters: Counters;

  constructor(options: BridgeOptions) {
    this.#clock = options.clock;
    this.#log = options.log;
    this.#counters = options.counters;
    this.#ownMac = options.mac;
    this.#ageing = new Alarm(options.clock, () => this.#forgetSilent());
    this.#own = new OwnPort(
      Math.min(...options.ports.map(({ port }) => port.mtu)),
      () => this.#ports.some(({ carrier }) => carrier),
      (frame, forwarded) => this.#forward(frame, undefined, forwarded),
    );
    this.port = this.#own;
    this.#ports = options.ports.map(({ name, port }) => new BridgePort(name, port));
    for (const port of this.#ports)
      port.port.attach({
        frames: (batch) => this.#receive(batch, port),
        carrier: (up) => this.#changeCarrier(port, up),
      });
  }

  table(): readonly BridgeEntry[] {
    const now = this.#clock.now();
    return [...this.#stations]
      .filter(([, { seen }]) => now - seen < AGEING_TIME)
      .map(([mac, { port, seen }]) => ({ mac, port: port.name, age: now - seen }));
  }

  #receive(batch: readonly Uint8Array[], from: BridgePort): void {
    const now = this.#clock.now();
    for (const frame of batch)
      if (this.#isValid(frame, from)) {
        this.#learn(ethernetSource(frame), from, now);
        this.#forward(frame, from, true);
      }
    this.#own.flush();
  }

  #isValid(frame: Uint8Array, from: BridgePort): boolean {
    const fault = faultOf(frame, from.port.mtu) ?? (this.#isOwn(frame) ? 'own-source' : undefined);
    if (fault) this.#counters.add(`bridge.${fault}`);
    return !fault;
  }

  /** The device's own frame, come back over a loop. */
  #isOwn(frame: Uint8Array): boolean {
    return this.#ownMac !== undefined && ethernetSource(frame) === this.#ownMac;
  }

  #learn(mac: MacAddress, port: BridgePort, now: number): void {
    const known = this.#station(mac);
    if (known) {
      known.port = port;
      if (now - known.seen >= ORDER_STEP) {
        this.#stations.delete(mac);
        this.#stations.set(mac, known);
      }
      known.seen = now;
      return;
    }
    if (this.#stations.size >= MAX_STATIONS) this.#forgetOldest();
    this.#stations.set(mac, { port, seen: now });
    if (this.#ageing.deadline === undefined) this.#ageing.set(AGEING_TIME);
  }

  #forgetSilent(): void {
    const now = this.#clock.now();
    let oldest = Number.POSITIVE_INFINITY;
    for (const [mac, { seen }] of [...this.#stations]) {
      if (now - seen > AGEING_TIME - ALARM_EARLY) this.#forget(mac);
      else oldest = Math.min(oldest, seen);
    }
    if (this.#stations.size > 0) this.#ageing.set(oldest + AGEING_TIME - now);
  }

  /** Who was silent for longest makes room: a flood of MACs costs floods, never memory. */
  #forgetOldest(): void {
    const oldest = this.#stations.keys().next();
    if (!oldest.done) this.#forget(oldest.value);
    this.#counters.add('bridge.table-full');
  }

  /** Passes a frame on; `from` is undefined for one of the device's own interface. */
  #forward(frame: Uint8Array, from: BridgePort | undefined, forwarded: boolean): void {
    const destination = ethernetDestination(frame);
    if (isGroupMac(destination)) return this.#flood(frame, from, from !== undefined, forwarded);
    if (destination === this.#ownMac) return this.#own.take(frame);
    const station = this.#station(destination);
    if (!station) return this.#flood(frame, from, false, forwarded);
    // The receiver is on the side that the frame came from, and has it already.
    if (station.port === from) return this.#counters.add('bridge.same-port');
    this.#send(frame, station.port, forwarded);
  }

  #station(mac: MacAddress): Station | undefined {
    const recent = this.#recent.get(mac);
    if (recent) return recent;
    const station = this.#stations.get(mac);
    if (station) this.#recent.set(mac, station);
    return station;
  }

  #forget(mac: MacAddress): void {
    this.#stations.delete(mac);
    this.#recent.delete(mac);
  }

  /** Whoever gets a frame may rewrite it, so each gets a copy of its own, and the last the frame itself. */
  #flood(frame: Uint8Array, from: BridgePort | undefined, toOwn: boolean, forwarded: boolean): void {
    let last: BridgePort | undefined;
    for (const port of this.#ports) {
      if (port === from) continue;
      // A port without carrier only counts it.
      if (!port.carrier) {
        this.#send(frame, port, forwarded);
        continue;
      }
      if (last) this.#send(frame.slice(), last, forwarded);
      last = port;
    }
    if (toOwn && this.#ownMac !== undefined) this.#own.take(last ? frame.slice() : frame);
    if (last) this.#send(frame, last, forwarded);
  }

  #send(frame: Uint8Array, port: BridgePort, forwarded: boolean): void {
    if (port.carrier && frame.length > port.port.mtu + ETHERNET_OVERHEAD) return this.#tooLong(frame, port);
    port.port.send(frame, forwarded);
  }

  /** Nobody is told (RFC 1191 is for routers), so that the log says it once of a port. */
  #tooLong(frame: Uint8Array, to: BridgePort): void {
    this.#counters.add('bridge.too-long');
    if (to.tooLongTold) return;
    to.tooLongTold = true;
    const { name: port } = to;
    const { mtu } = to.port;
    const { length } = frame;
    const source = formatMac(ethernetSource(frame));
    const destination = formatMac(ethernetDestination(frame));
    this.#log.warn(
      'bridge.too-long',
      { interface: port, mtu, length, source, destination },
      `A frame of ${length} bytes from ${source} to ${destination} is too long for ${port}, of MTU ${mtu}; it is dropped, and more may be`,
    );
  }

  #changeCarrier(port: BridgePort, up: boolean): void {
    port.carrier = up;
    if (!up) for (const [mac, station] of [...this.#stations]) if (station.port === port) this.#forget(mac);
    this.#own.tellCarrier();
  }
}

class BridgePort {
  carrier = false;
  tooLongTold = false;

  constructor(
    readonly name: string,
    readonly port: FramePort,
  ) {}
}

/** The port on which the device's own interface stands. */
class OwnPort implements FramePort {
  #receiver: FrameReceiver | undefined;
  #batch: Uint8Array[] = [];
  #told = false;

  constructor(
    readonly mtu: number,
    private readonly hasCarrier: () => boolean,
    private readonly forward: (frame: Uint8Array, forwarded: boolean) => void,
  ) {}

  get carrier(): boolean {
    return this.hasCarrier();
  }

  attach(receiver: FrameReceiver): void {
    this.#receiver = receiver;
    this.#told = false;
    this.tellCarrier();
  }

  send(frame: Uint8Array, forwarded = false): void {
    this.forward(frame, forwarded);
  }

  tellCarrier(): void {
    if (!this.#receiver || this.#told === this.carrier) return;
    this.#told = this.carrier;
    this.#receiver.carrier(this.carrier);
  }

  take(frame: Uint8Array): void {
    this.#batch.push(frame);
  }

  /** Hands up what one message brought, as one batch. */
  flush(): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#receiver?.frames(batch);
  }
}

function faultOf(frame: Uint8Array, mtu: number): string | undefined {
  if (frame.length < ETHERNET_HEADER_LENGTH) return 'too-short';
  if (frame.length > mtu + ETHERNET_OVERHEAD) return 'too-long';
  if (isGroupMac(ethernetSource(frame))) return 'bad-source';
  return Math.floor(ethernetDestination(frame) / 16) === RESERVED_GROUP / 16 ? 'reserved' : undefined;
}
