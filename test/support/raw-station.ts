// The other end of a cable, in a test's hands: says what it likes and shows every frame that comes.

import { ipv4, type MacAddress, mac } from '../../shared/core/address.ts';
import { Malformed } from '../../shared/core/errors.ts';
import type { FramePort } from '../../shared/core/frame-port.ts';
import { type ArpPacket, decodeArp, encodeArp } from '../../shared/wire/arp.ts';
import { decodeEthernet, ETHERTYPE_ARP, ETHERTYPE_IPV4, encodeEthernet } from '../../shared/wire/ethernet.ts';
import { type ReadPacket, readPacket } from './packets.ts';
import type { VirtualClock } from './virtual-clock.ts';

export interface HeardArp extends ArpPacket {
  /** Destination of the frame. */
  readonly to: MacAddress;
}

export interface HeardPacket extends ReadPacket {
  readonly toMac: MacAddress;
  readonly fromMac: MacAddress;
}

export class RawStation {
  readonly mac: MacAddress;
  /** Frames since the last look, ARP and packets. */
  #heard: Uint8Array[] = [];

  constructor(
    private readonly clock: VirtualClock,
    private readonly port: FramePort,
    macText: string,
    /** Answered for when somebody asks; none: silence. */
    public address?: string | undefined,
  ) {
    this.mac = mac(macText);
    port.attach({
      frames: (batch) => {
        for (const frame of batch) this.#receive(frame.slice());
      },
      carrier: () => {},
    });
  }

  sendFrame(frame: Uint8Array): void {
    this.port.send(frame);
    this.clock.settle();
  }

  /** Sends an IPv4 packet to a MAC. */
  send(packet: Uint8Array, destination: MacAddress): void {
    this.sendFrame(encodeEthernet({ destination, source: this.mac, type: ETHERTYPE_IPV4, payload: packet }));
  }

  sendArp(packet: Partial<ArpPacket>, destination: MacAddress = 0xffffffffffff): void {
    const payload = encodeArp({
      operation: 'request',
      senderMac: this.mac,
      senderAddress: this.address ? ipv4(this.address) : 0,
      targetMac: 0,
      targetAddress: 0,
      ...packet,
    });
    this.sendFrame(encodeEthernet({ destination, source: this.mac, type: ETHERTYPE_ARP, payload }));
  }

  /** Whole frames that came since the last call of this or of `arps` or `packets`. */
  frames(): Uint8Array[] {
    this.clock.settle();
    const heard = this.#heard;
    this.#heard = [];
    return heard;
  }

  arps(): HeardArp[] {
    return this.frames().flatMap((bytes) => {
      const { type, payload, destination } = opened(bytes);
      return type === ETHERTYPE_ARP ? [{ ...read(decodeArp(payload)), to: destination }] : [];
    });
  }

  packets(): HeardPacket[] {
    return this.frames().flatMap((bytes) => {
      const { type, payload, destination, source } = opened(bytes);
      return type === ETHERTYPE_IPV4 ? [{ ...readPacket(payload), toMac: destination, fromMac: source }] : [];
    });
  }

  #receive(frame: Uint8Array): void {
    this.#heard.push(frame);
    const { type, payload } = opened(frame);
    if (type !== ETHERTYPE_ARP || !this.address) return;
    const { operation, targetAddress, senderMac, senderAddress } = read(decodeArp(payload));
    if (operation !== 'request' || targetAddress !== ipv4(this.address)) return;
    this.sendArp(
      {
        operation: 'reply',
        senderAddress: targetAddress,
        targetMac: senderMac,
        targetAddress: senderAddress,
      },
      senderMac,
    );
  }
}

function opened(frame: Uint8Array) {
  return read(decodeEthernet(frame));
}

function read<T>(value: T | Malformed): T {
  if (value instanceof Malformed) throw new Error(`malformed: ${value.reason}`);
  return value;
}
