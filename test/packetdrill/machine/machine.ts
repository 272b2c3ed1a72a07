// The machine under test: our stack on one interface, on virtual time. The script is the network.

import { type Ipv4Address, type Ipv4Cidr, ipv4, mac } from '../../../shared/core/address.ts';
import { Counters } from '../../../shared/core/counters.ts';
import { silentLog } from '../../../shared/core/event-log.ts';
import { seededRandom } from '../../../shared/core/random.ts';
import { Stack } from '../../../shared/stack/stack.ts';
import { ETHERNET_HEADER_LENGTH } from '../../../shared/wire/ethernet.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { WirePort } from './wire-port.ts';

const INTERFACE = 'wire';
const OWN_MAC = mac('02:00:00:00:00:01');
/** ms on the clock when a script begins, as no clock begins at 0. */
const BOOT = 1000;

export interface MachineOptions {
  readonly address: Ipv4Cidr;
  /** In the network of `address`; everything else is sent there. */
  readonly gateway: Ipv4Address;
  readonly mtu: number;
}

export interface SentPacket {
  /** µs since the script began. */
  readonly at: number;
  readonly packet: Uint8Array;
}

export class Machine {
  readonly clock = new VirtualClock();
  readonly stack: Stack;
  readonly address: Ipv4Address;
  /** Told of each packet as it leaves. */
  sent: (packet: SentPacket) => void = () => {};

  constructor({ address, gateway, mtu }: MachineOptions) {
    this.address = address.address;
    this.clock.advance(BOOT);
    const port = new WirePort(this.clock, mtu, (packet) => this.sent({ at: this.now, packet }));
    this.stack = new Stack({
      clock: this.clock,
      random: (use) => seededRandom('packetdrill', use),
      log: silentLog,
      counters: new Counters(),
      interfaces: [{ name: INTERFACE, mac: OWN_MAC, port, addresses: [address] }],
      routes: [{ to: { address: ipv4('0.0.0.0'), prefixLength: 0 }, via: gateway }],
      forwarding: false,
    });
    this.clock.settle();
  }

  /** µs since the script began. */
  get now(): number {
    return Math.round((this.clock.now() - BOOT) * 1000);
  }

  /** Lets time pass until `at` µs. */
  advanceTo(at: number): void {
    this.clock.advance(Math.max(at / 1000 + BOOT - this.clock.now(), 0));
  }

  /** Whether anything will happen by itself up to `at` µs; if so, lets just that happen. */
  step(at: number): boolean {
    const due = this.clock.nextDue;
    if (due === undefined || due > at / 1000 + BOOT) return false;
    return this.clock.step();
  }

  /**
   * A packet arrives, as a batch of its own. It is handed to IPv4 itself, as scripts have packets that no
   * frame of this MTU would carry.
   */
  receive(packet: Uint8Array): void {
    const frame = new Uint8Array(ETHERNET_HEADER_LENGTH + packet.length);
    frame.set(packet, ETHERNET_HEADER_LENGTH);
    this.stack.ipv4.receive(frame, this.stack.interface(INTERFACE), false, true);
    this.clock.settle();
  }

  close(): void {
    this.stack.close();
  }
}
