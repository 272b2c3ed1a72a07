// The other end of the machine's interface: every neighbour is there, and what is sent is written down.

import { mac } from '../../../shared/core/address.ts';
import type { Clock } from '../../../shared/core/clock.ts';
import { Malformed } from '../../../shared/core/errors.ts';
import type { FramePort, FrameReceiver } from '../../../shared/core/frame-port.ts';
import { decodeArp, encodeArp } from '../../../shared/wire/arp.ts';
import {
  decodeEthernet,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  encodeEthernet,
} from '../../../shared/wire/ethernet.ts';
import { ipv4PacketAt } from '../../../shared/wire/ipv4.ts';

/** Of all neighbours. */
const NEIGHBOUR_MAC = mac('02:00:00:00:00:02');

export class WirePort implements FramePort {
  readonly carrier = true;
  #receiver: FrameReceiver | undefined;

  constructor(
    private readonly clock: Clock,
    readonly mtu: number,
    /** Gets each IPv4 packet, a copy. */
    private readonly sent: (packet: Uint8Array) => void,
  ) {}

  attach(receiver: FrameReceiver): void {
    this.#receiver = receiver;
    receiver.carrier(true);
  }

  send(frame: Uint8Array): void {
    const ethernet = decodeEthernet(frame);
    if (ethernet instanceof Malformed) throw new Error(`sent a malformed frame: ${ethernet.reason}`);
    const { type, payload } = ethernet;
    if (type === ETHERTYPE_IPV4) this.sent(ipv4PacketAt(payload, 0).slice());
    else if (type === ETHERTYPE_ARP) this.#answerArp(payload);
  }

  #answerArp(bytes: Uint8Array): void {
    const request = decodeArp(bytes);
    if (request instanceof Malformed) throw new Error(`sent malformed ARP: ${request.reason}`);
    const { operation, senderAddress, senderMac, targetAddress } = request;
    // Asking for its own address, it makes sure that nobody else has it.
    if (operation !== 'request' || targetAddress === senderAddress || senderAddress === 0) return;
    const payload = encodeArp({
      operation: 'reply',
      senderMac: NEIGHBOUR_MAC,
      senderAddress: targetAddress,
      targetMac: senderMac,
      targetAddress: senderAddress,
    });
    const frame = encodeEthernet({
      destination: senderMac,
      source: NEIGHBOUR_MAC,
      type: ETHERTYPE_ARP,
      payload,
    });
    this.clock.afterTurn(() => this.#receiver?.frames([frame]));
  }
}
