// As much of a router as translation needs around it: 192.168.0.0/24 inside, 51.0.0.20 outside.

import { type Ipv4Address, inNetwork, ipv4 } from '../../shared/core/address.ts';
import { Counters } from '../../shared/core/counters.ts';
import { seededRandom } from '../../shared/core/random.ts';
import { Nat, type NatOptions } from '../../shared/stack/nat/nat.ts';
import { ipv4Destination } from '../../shared/wire/ipv4.ts';
import { type ReadPacket, readPacket } from './packets.ts';
import { RecordedLog } from './recorded-log.ts';
import { VirtualClock } from './virtual-clock.ts';

export const OUTSIDE = '51.0.0.20';
const INSIDE = { address: ipv4('192.168.0.0'), prefixLength: 24 };
const LAN_ADDRESS = ipv4('192.168.0.1');

/** Where a packet went: through an interface, or up into the router's own stack. */
export interface Sent {
  readonly to: 'lan' | 'wan' | 'self';
  readonly packet: Uint8Array;
}

export class NatRouter {
  readonly clock = new VirtualClock();
  readonly log = new RecordedLog();
  readonly counters = new Counters();
  readonly nat: Nat;
  /** Changes as a DHCP client would change it. */
  outsideAddress: Ipv4Address | undefined = ipv4(OUTSIDE);
  /** What went on later, without a packet coming in: fragments that waited. */
  readonly released: Sent[] = [];

  constructor(options: Partial<NatOptions> = {}) {
    this.nat = new Nat({
      clock: this.clock,
      random: seededRandom('nat', 1),
      log: this.log,
      counters: this.counters,
      outside: 'wan',
      outsideAddress: () => this.outsideAddress,
      isInside,
      inject: (packet, from) => {
        const sent = this.#decide(packet, from);
        if (sent) this.released.push(sent);
      },
      ...options,
    });
  }

  /** A packet comes in by an interface; undefined if it was dropped or held. */
  receive(packet: Uint8Array, from: string): Sent | undefined {
    return this.nat.prerouting(packet, from) === 'accept' ? this.#decide(packet, from) : undefined;
  }

  /** The router itself sends a packet. */
  originate(packet: Uint8Array): Sent | undefined {
    return this.#route(packet, undefined);
  }

  /** From inside to the outside, read; fails unless it left there. */
  out(packet: Uint8Array): ReadPacket {
    return expectSent(this.receive(packet, 'lan'), 'wan');
  }

  /** From outside to the inside, read; fails unless it arrived there. */
  in(packet: Uint8Array): ReadPacket {
    return expectSent(this.receive(packet, 'wan'), 'lan');
  }

  /** From inside to the outer address and in again. */
  hairpin(packet: Uint8Array): ReadPacket {
    return expectSent(this.receive(packet, 'lan'), 'lan');
  }

  #decide(packet: Uint8Array, from: string): Sent | undefined {
    const destination = ipv4Destination(packet);
    const own = destination === this.outsideAddress || destination === LAN_ADDRESS;
    return own ? { to: 'self', packet } : this.#route(packet, from);
  }

  #route(packet: Uint8Array, from: string | undefined): Sent | undefined {
    const to = isInside(ipv4Destination(packet)) ? 'lan' : 'wan';
    return this.nat.postrouting(packet, to, from) === 'accept' ? { to, packet } : undefined;
  }
}

function isInside(address: Ipv4Address): boolean {
  return inNetwork(address, INSIDE);
}

function expectSent(sent: Sent | undefined, to: Sent['to']): ReadPacket {
  if (sent?.to !== to) throw new Error(`the packet went to ${sent?.to ?? 'nowhere'}, not to ${to}`);
  return readPacket(sent.packet);
}
