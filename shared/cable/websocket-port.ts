// The port at a cable's end. It lives as long as its device; the WebSocket connection behind it comes and
// goes, and with it the carrier.

import type { WebSocket } from 'ws';
import { isGroupMac } from '../core/address.ts';
import type { Clock } from '../core/clock.ts';
import { Counters } from '../core/counters.ts';
import type { EventLog } from '../core/event-log.ts';
import type { FramePort, FrameReceiver } from '../core/frame-port.ts';
import type { Train } from '../core/train.ts';
import { ethernetDestination } from '../wire/ethernet.ts';
import { CableLink, CLOSE_GOING_AWAY, type LinkOwner } from './cable-link.ts';
import { Dialer, openCable } from './dialer.ts';
import { type Batch, EgressQueue } from './egress-queue.ts';
import type { Hello } from './hello.ts';

/** Ethernet II: destination, source, type. */
const ETHERNET_HEADER = 14;
/** Beyond the MTU: the header and a VLAN tag. */
const FRAME_OVERHEAD = ETHERNET_HEADER + 4;

/** The reason that a cut gives to the other end. */
const CUT = 'the cable is cut';

/** Connections to a cabled interface whose hello is still to come. */
const MOST_STRANGERS = 8;

export interface CablePortOptions {
  /** Who this end is, as its hello says. */
  readonly own: Hello;
  /** The cable that ends here; none: a free interface, where anyone with the token may sit. */
  readonly cable?:
    | {
        readonly name: string;
        readonly peer: { readonly device: string; readonly interface: string };
        readonly dials: boolean;
      }
    | undefined;
  /** The net's, sent when dialing. */
  readonly token: string;
  readonly clock: Clock;
  readonly log: EventLog;
}

/** Frames and bytes of frames that crossed the cable's end. */
export interface Traffic {
  framesIn: number;
  bytesIn: number;
  framesOut: number;
  bytesOut: number;
}

/** Why an upgrade is refused: an HTTP status and a sentence. */
export interface Refusal {
  readonly status: number;
  readonly why: string;
}

export class CablePort implements FramePort {
  readonly mtu: number;
  readonly traffic: Traffic = { framesIn: 0, bytesIn: 0, framesOut: 0, bytesOut: 0 };
  /** What was dropped: `cable.` egress-overflow, no-carrier, broadcast-no-carrier, carrier-lost, cut, frame-too-short, frame-too-long. */
  readonly counters = new Counters();
  /** `device:interface` */
  readonly #name: string;
  readonly #longest: number;
  readonly #queue: EgressQueue;
  readonly #dialer: Dialer;
  readonly #owner: LinkOwner;
  #receiver: FrameReceiver | undefined;
  /** The connection that carries frames. */
  #link: CableLink | undefined;
  /** Connections whose hello is still to come. */
  readonly #strangers = new Set<CableLink>();
  /** The one of all these that this end dialed. */
  #dialed: CableLink | undefined;
  #cut = false;
  /** The other end has told that it is cut, and has not come back. */
  #cutThere = false;
  #closed = false;
  #flushing = false;
  #overflowing = false;
  #tooLongTold = false;

  constructor(private readonly options: CablePortOptions) {
    const { own, clock } = options;
    this.mtu = own.mtu;
    this.#name = `${own.device}:${own.interface}`;
    this.#longest = own.mtu + FRAME_OVERHEAD;
    this.#queue = new EgressQueue(this.#longest);
    this.#dialer = new Dialer(clock, (url) => this.#call(url));
    this.#owner = {
      introduced: (link, peer) => this.#introduced(link, peer),
      frames: (batch) => this.#receive(batch),
      late: (frames) => this.#lose('carrier-lost', frames),
      writable: (batch) => this.#writable(batch),
      closed: (link, code, reason) => this.#linkClosed(link, code, reason),
    };
  }

  get carrier(): boolean {
    return this.#link !== undefined;
  }

  /** Who is at the other end now. */
  get peer(): Hello | undefined {
    return this.#link?.peer;
  }

  get isCut(): boolean {
    return this.#cut;
  }

  attach(receiver: FrameReceiver): void {
    this.#receiver = receiver;
    if (this.carrier) receiver.carrier(true);
  }

  send(frame: Uint8Array): void {
    if (!this.#link)
      return this.#lose(isGroupMac(ethernetDestination(frame)) ? 'broadcast-no-carrier' : 'no-carrier', 1);
    if (!this.#hasGoodLength(frame)) return;
    if (!this.#queue.append(frame)) return this.#overflow(1);
    this.#flush();
  }

  sendTrain(frames: Train): void {
    if (!this.#link) return this.#lose('no-carrier', frames.count);
    const taken = this.#queue.appendTrain(frames);
    if (taken < frames.count) this.#overflow(frames.count - taken);
    this.#flush();
  }

  /** Sends messages that are full now, and the last one after the turn. */
  #flush(): void {
    if (this.#queue.hasFullBatch) this.#transmit(true);
    if (this.#flushing) return;
    this.#flushing = true;
    this.options.clock.afterTurn(() => {
      this.#flushing = false;
      this.#transmit(false);
    });
  }

  /** Where the other end's device is served from now on: its base URL, to which `/cable/…` is appended. */
  setPeerUrl(url: string): void {
    if (!this.options.cable?.dials || this.#closed || !this.#dialer.setUrl(url)) return;
    if (this.#link || this.#cut) return;
    this.#dialed?.close(CLOSE_GOING_AWAY, 'the peer has moved');
    this.#dialer.dial();
  }

  /** Why nobody may connect here now, if so: asked before an upgrade is accepted. */
  refusal(): Refusal | undefined {
    const { cable } = this.options;
    if (this.#cut || this.#closed)
      return { status: 503, why: `cable ${cable?.name ?? `at ${this.#name}`} is cut` };
    // Whoever has not said yet that it is the right peer must not keep the right peer out.
    const occupied =
      this.#link || (cable ? this.#strangers.size >= MOST_STRANGERS : this.#strangers.size > 0);
    return occupied ? { status: 409, why: `${this.#name} is occupied` } : undefined;
  }

  /** Takes a connection that a device server has accepted. */
  accept(socket: WebSocket): void {
    this.#adopt(socket);
  }

  /** Pulls the plug: no carrier, and nobody gets in, until `splice`. */
  cut(): void {
    this.#cut = true;
    this.#dialer.pause();
    this.#hangUp(CUT);
  }

  splice(): void {
    if (!this.#cut || this.#closed) return;
    this.#cut = false;
    this.#dialer.resume();
  }

  /** Ends the port, with its device. */
  close(): void {
    this.#closed = true;
    this.#dialer.pause();
    this.#hangUp('the device stops');
  }

  #call(url: string): void {
    const { cable, token, log, own } = this.options;
    if (!cable) return;
    const peer = `${cable.peer.device}:${cable.peer.interface}`;
    log.debug?.('cable.dial', { interface: own.interface, cable: cable.name, peer, url }, `Dialing ${peer}`);
    this.#dialed = this.#adopt(openCable(url, cable.peer.interface, token));
  }

  #adopt(socket: WebSocket): CableLink {
    const link = new CableLink(socket, this.options.own, this.#owner, this.options.clock);
    this.#strangers.add(link);
    return link;
  }

  #introduced(link: CableLink, peer: Hello): string | undefined {
    const right = this.options.cable?.peer;
    if (right && (peer.device !== right.device || peer.interface !== right.interface))
      return `${this.#name} is cabled to ${right.device}:${right.interface}`;
    this.#strangers.delete(link);
    // The same peer once more: it started again, and the loss of its old connection is yet to be noticed.
    this.#link?.close(CLOSE_GOING_AWAY, 'replaced by a newer connection');
    this.#link = link;
    this.#cutThere = false;
    this.#tooLongTold = false;
    this.#setCarrier(true, peer);
    this.#compareMtu(peer);
    return undefined;
  }

  /** The MTU is that of the cable, and no hello changes it; but who speaks of another will miss frames, or lose some. */
  #compareMtu(peer: Hello): void {
    const { own, cable, log } = this.options;
    if (peer.mtu === this.mtu) return;
    const name = `${peer.device}:${peer.interface}`;
    log.warn(
      'cable.mtu-differs',
      { interface: own.interface, cable: cable?.name, peer: name, mtu: this.mtu, peerMtu: peer.mtu },
      `${name} says that its MTU is ${peer.mtu}, and that of ${this.#name} is ${this.mtu}, by which both are to go`,
    );
  }

  #linkClosed(link: CableLink, code: number, reason: string): void {
    const { own, cable, log } = this.options;
    this.#strangers.delete(link);
    const fields = { interface: own.interface, cable: cable?.name, code, reason };
    const text = `Connection at ${this.#name} closed with ${code}${reason && `: ${reason}`}`;
    if (DISAGREEMENTS.has(code)) log.warn('cable.closed', fields, text);
    else if (link === this.#link) log.info('cable.closed', fields, text);
    else log.debug?.('cable.closed', fields, text);
    if (link === this.#link) {
      this.#link = undefined;
      this.#cutThere = code === CLOSE_GOING_AWAY && reason === CUT;
      this.#lose('carrier-lost', this.#queue.clear());
      this.#setCarrier(false, link.peer);
    }
    if (link !== this.#dialed) return;
    this.#dialed = undefined;
    this.#dialer.lost();
  }

  #hangUp(reason: string): void {
    for (const link of this.#strangers) link.close(CLOSE_GOING_AWAY, reason);
    this.#link?.close(CLOSE_GOING_AWAY, reason);
  }

  /** Counts frames that no carrier took: they are the cut's if it was one. */
  #lose(otherwise: 'no-carrier' | 'broadcast-no-carrier' | 'carrier-lost', frames: number): void {
    // At a free interface where nobody sits nothing is lost.
    if (frames === 0 || (!this.options.cable && otherwise !== 'carrier-lost')) return;
    this.counters.add(`cable.${this.#cut || this.#cutThere ? 'cut' : otherwise}`, frames);
  }

  #setCarrier(up: boolean, peer: Hello | undefined): void {
    const { own, cable, log } = this.options;
    const name = peer ? `${peer.device}:${peer.interface}` : '';
    log.info(
      'cable.carrier',
      { interface: own.interface, cable: cable?.name, peer: name, up },
      `Carrier ${up ? 'up' : 'down'} at ${this.#name}, ${up ? 'joined to' : 'was joined to'} ${name}`,
    );
    this.#receiver?.carrier(up);
  }

  #receive(batch: Uint8Array[]): void {
    const good = batch.every((frame) => this.#isGoodLength(frame.length))
      ? batch
      : batch.filter((frame) => this.#hasGoodLength(frame));
    this.traffic.framesIn += good.length;
    for (const frame of good) this.traffic.bytesIn += frame.length;
    if (good.length > 0) this.#receiver?.frames(good);
  }

  #isGoodLength(length: number): boolean {
    return length >= ETHERNET_HEADER && length <= this.#longest;
  }

  #hasGoodLength(frame: Uint8Array): boolean {
    if (this.#isGoodLength(frame.length)) return true;
    if (frame.length < ETHERNET_HEADER) this.counters.add('cable.frame-too-short');
    else this.#tooLong(frame.length);
    return false;
  }

  /** The log says it once of a connection. */
  #tooLong(length: number): void {
    this.counters.add('cable.frame-too-long');
    if (this.#tooLongTold) return;
    this.#tooLongTold = true;
    const { own, cable, log } = this.options;
    log.warn(
      'cable.too-long',
      { interface: own.interface, cable: cable?.name, mtu: this.mtu, length },
      `A frame of ${length} bytes is too long for ${this.#name}, of MTU ${this.mtu}; it is dropped, and more may be`,
    );
  }

  /** Hands messages to the socket while it takes them: all that wait, or only those that are full. */
  #transmit(onlyFull: boolean): void {
    while (this.#link?.writable && (!onlyFull || this.#queue.hasFullBatch)) {
      const batch = this.#queue.shift();
      if (!batch) return;
      this.traffic.framesOut += batch.frames;
      this.traffic.bytesOut += batch.bytes;
      this.#link.send(batch);
    }
  }

  #writable(sent: Batch): void {
    this.#queue.recycle(sent);
    if (this.#queue.frames === 0) this.#overflowing = false;
    // Frames of the present turn wait for its end, those of earlier ones go now.
    this.#transmit(this.#flushing);
  }

  #overflow(frames: number): void {
    this.counters.add('cable.egress-overflow', frames);
    if (this.#overflowing) return;
    this.#overflowing = true;
    const { own, cable, log } = this.options;
    log.debug?.(
      'cable.overflow',
      { interface: own.interface, cable: cable?.name, frames: this.#queue.frames },
      `The egress queue of ${this.#name} is full: the peer does not keep up`,
    );
  }
}

/** Closing codes by which one side tells the other that it did wrong. */
const DISAGREEMENTS: ReadonlySet<number> = new Set([1002, 1003, 1007, 1008, 1009]);
