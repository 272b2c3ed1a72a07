// Looks at every frame that crosses a cable: are its lengths and checksums right, and does it keep private
// addresses where they belong?

import { formatIpv4, isPrivateIpv4 } from '../../shared/core/address.ts';
import { Malformed } from '../../shared/core/errors.ts';
import { decodeArp } from '../../shared/wire/arp.ts';
import {
  decodeEthernet,
  ETHERNET_OVERHEAD,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
} from '../../shared/wire/ethernet.ts';
import { isIcmpError } from '../../shared/wire/icmp.ts';
import {
  checkIpv4,
  decodeIpv4,
  ipv4Destination,
  ipv4FragmentOffset,
  ipv4Identification,
  ipv4MoreFragments,
  ipv4Payload,
  ipv4Source,
  ipv4TotalLength,
  isIpv4Fragment,
} from '../../shared/wire/ipv4.ts';
import { readPacket, reassemble } from './packets.ts';

/** The shortest frame that Ethernet carries (without FCS): below it there may be padding. */
const MIN_FRAME = 60;

export interface FrameCheckerOptions {
  readonly name: string;
  readonly mtu?: number;
  /** No private address may show here, be it in a quote. */
  readonly public?: boolean;
}

export class FrameChecker {
  frames = 0;
  /** What was wrong, a line each; the first hundred. */
  readonly faults: string[] = [];
  readonly #datagrams = new Map<string, Map<number, Uint8Array>>();

  constructor(private readonly options: FrameCheckerOptions) {}

  check(frame: Uint8Array): void {
    this.frames++;
    try {
      this.#checkFrame(frame);
    } catch (error) {
      const hex = Buffer.from(frame.subarray(0, 100)).toString('hex');
      const fault = `${this.options.name}: ${error instanceof Error ? error.message : error}: ${hex}`;
      if (this.faults.length < 100) this.faults.push(fault);
    }
  }

  #checkFrame(frame: Uint8Array): void {
    const mtu = this.options.mtu ?? 1500;
    if (frame.length > mtu + ETHERNET_OVERHEAD - 4) throw new Error(`${frame.length} bytes in one frame`);
    const ethernet = decodeEthernet(frame);
    if (ethernet instanceof Malformed) throw new Error(`malformed frame: ${ethernet.reason}`);
    if (ethernet.type === ETHERTYPE_ARP) return this.#checkArp(ethernet.payload);
    if (ethernet.type !== ETHERTYPE_IPV4) throw new Error(`ethertype ${ethernet.type.toString(16)}`);
    const malformed = checkIpv4(ethernet.payload);
    if (malformed) throw new Error(`malformed IPv4: ${malformed.reason}`);
    const length = ipv4TotalLength(ethernet.payload);
    if (length < ethernet.payload.length && frame.length > MIN_FRAME) throw new Error('padding');
    this.#checkPacket(ethernet.payload.subarray(0, length));
  }

  #checkArp(bytes: Uint8Array): void {
    const arp = decodeArp(bytes);
    if (arp instanceof Malformed) throw new Error(`malformed ARP: ${arp.reason}`);
    this.#checkAddresses(arp.senderAddress, arp.targetAddress);
  }

  #checkPacket(packet: Uint8Array): void {
    this.#checkAddresses(ipv4Source(packet), ipv4Destination(packet));
    if (isIpv4Fragment(packet)) return this.#collect(packet);
    const { icmp } = readPacket(packet);
    if (icmp && isIcmpError(icmp.type)) this.#checkQuote(icmp.data);
  }

  /** A quote has a sound header; what it shows whole is checked whole. */
  #checkQuote(quote: Uint8Array): void {
    this.#checkAddresses(ipv4Source(quote), ipv4Destination(quote));
    const whole = quote.slice(0, ipv4TotalLength(quote));
    const missing = new Uint8Array(Math.max(ipv4TotalLength(quote) - whole.length, 0));
    const malformed = checkIpv4(Buffer.concat([whole, missing]));
    if (malformed) throw new Error(`quote: ${malformed.reason}`);
    if (missing.length === 0 && !isIpv4Fragment(whole)) readPacket(whole);
  }

  #checkAddresses(...addresses: number[]): void {
    const leaked = this.options.public ? addresses.find(isPrivateIpv4) : undefined;
    if (leaked !== undefined) throw new Error(`private address ${formatIpv4(leaked)}`);
  }

  /** Checks a datagram's transport when all its fragments have passed. */
  #collect(packet: Uint8Array): void {
    const key = [ipv4Source(packet), ipv4Destination(packet), ipv4Identification(packet)].join(' ');
    const parts = this.#datagrams.get(key) ?? new Map<number, Uint8Array>();
    this.#datagrams.set(key, parts.set(ipv4FragmentOffset(packet), packet.slice()));
    const last = [...parts.values()].find((part) => !ipv4MoreFragments(part));
    if (!last) return;
    const present = [...parts.values()].reduce((sum, part) => sum + ipv4Payload(part).length, 0);
    if (present < ipv4FragmentOffset(last) + ipv4Payload(last).length) return;
    this.#datagrams.delete(key);
    const whole = reassemble([...parts.values()]);
    if (decodeIpv4(whole) instanceof Malformed) throw new Error('malformed datagram');
    readPacket(whole);
  }
}
