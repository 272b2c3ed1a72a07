// ICMP of a station (RFC 792, RFC 1122 §3.2.2): answers echoes, hands errors to the transport that they
// are about, and carries the echo requests of ping.

import type { IpAddress } from '../core/address.ts';
import type { Counters } from '../core/counters.ts';
import { Malformed, systemError } from '../core/errors.ts';
import type { Random } from '../core/random.ts';
import {
  decodeIcmp,
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_HEADER_LENGTH,
  ICMP_PARAMETER_PROBLEM,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  type IcmpMessage,
  icmpIdentifier,
  icmpSequence,
  icmpType,
  UNREACHABLE_FRAGMENTATION_NEEDED,
  updateIcmpChecksum,
  writeIcmp,
} from '../wire/icmp.ts';
import {
  IPV4_HEADER_LENGTH,
  ipv4Destination,
  ipv4FragmentOffset,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
  PROTOCOL_ICMP,
} from '../wire/ipv4.ts';
import type { DatagramOptions, EchoApi, EchoEndpoint, EchoUser } from './datagram-api.ts';
import { sendDatagram, sourceOf } from './datagram-send.ts';
import type { NetworkLayer, ReceivedError, ReceivedPacket, TransportHandler } from './network-layer.ts';
import { plateauBelow } from './path-mtu.ts';

/** Identifiers are 16 bits; so many may be open at once. */
const MAX_ECHO_ENDPOINTS = 4096;
/** An error quotes an IP header and at least so many bytes (RFC 792). */
const MIN_QUOTE = 8;

export interface IcmpOptions {
  readonly network: NetworkLayer;
  readonly random: Random;
  readonly counters: Counters;
}

export class Icmp implements TransportHandler, EchoApi {
  /** Told of an error about a packet of `protocol`. Set by who composes the stack. */
  reportError: (protocol: number, error: ReceivedError) => void = () => {};
  readonly #network: NetworkLayer;
  readonly #random: Random;
  readonly #counters: Counters;
  readonly #echoes = new Map<number, EchoUser>();

  constructor(options: IcmpOptions) {
    this.#network = options.network;
    this.#random = options.random;
    this.#counters = options.counters;
  }

  receive(packet: ReceivedPacket): void {
    const message = decodeIcmp(packet.payload);
    if (message instanceof Malformed) return this.#counters.add(`icmp.${message.reason}`);
    switch (message.type) {
      case ICMP_ECHO_REQUEST:
        return this.#answerEcho(packet);
      case ICMP_ECHO_REPLY:
        return this.#receiveReply(packet);
      case ICMP_UNREACHABLE:
      case ICMP_TIME_EXCEEDED:
      case ICMP_PARAMETER_PROBLEM:
        return this.#receiveError(packet, message);
      default:
        this.#counters.add('icmp.unknown-type');
    }
  }

  /** An error about one of our own echo requests. */
  error(error: ReceivedError): void {
    if (error.quoted.length < ICMP_HEADER_LENGTH || icmpType(error.quoted) !== ICMP_ECHO_REQUEST) return;
    const user = this.#echoes.get(icmpIdentifier(error.quoted));
    if (!user) return;
    if (error.kind === 'too-big') this.#network.learnMtu(error.destination, error.mtu);
    user.failed(error, icmpSequence(error.quoted));
  }

  open(user: EchoUser): EchoEndpoint {
    if (this.#echoes.size >= MAX_ECHO_ENDPOINTS) throw systemError('EADDRINUSE', 'bind');
    let id = this.#random.integer(1, 0xffff);
    while (this.#echoes.has(id)) id = (id % 0xffff) + 1;
    this.#echoes.set(id, user);
    return {
      id,
      send: (destination, sequence, data, options = {}) =>
        this.#sendRequest(id, destination, sequence, data, options),
      close: () => this.#echoes.delete(id),
    };
  }

  #sendRequest(
    id: number,
    destination: IpAddress,
    sequence: number,
    data: Uint8Array,
    options: DatagramOptions,
  ): void {
    const source = options.source ?? sourceOf(this.#network, 'send', 0, destination);
    const buffer = new Uint8Array(this.#network.headroom + ICMP_HEADER_LENGTH + data.length);
    writeIcmp(buffer.subarray(this.#network.headroom), {
      type: ICMP_ECHO_REQUEST,
      code: 0,
      rest: id * 0x10000 + (sequence & 0xffff),
      data,
    });
    sendDatagram(this.#network, buffer, { protocol: PROTOCOL_ICMP, source, destination, options });
  }

  /** ICMP-1: the same message with another type. */
  #answerEcho(packet: ReceivedPacket): void {
    // RFC 1122 §3.2.2.6 allows silence to a broadcast; Linux keeps it too, against amplification.
    if (packet.broadcast) return this.#counters.add('icmp.broadcast-echo');
    const { headroom } = this.#network;
    const buffer = new Uint8Array(headroom + packet.payload.length);
    buffer.set(packet.payload, headroom);
    const reply = buffer.subarray(headroom);
    reply[0] = ICMP_ECHO_REPLY;
    // Anew: of a message that is all zeros the incremental update gives the wrong zero (RFC 1624 §3).
    updateIcmpChecksum(reply);
    const failed = this.#network.send(buffer, {
      protocol: PROTOCOL_ICMP,
      source: packet.destination,
      destination: packet.source,
      tos: packet.tos,
    });
    if (failed) this.#counters.add('icmp.reply-unsent');
  }

  #receiveReply(packet: ReceivedPacket): void {
    const user = this.#echoes.get(icmpIdentifier(packet.payload));
    if (!user) return this.#counters.add('icmp.unexpected-reply');
    user.replied({
      from: packet.source,
      sequence: icmpSequence(packet.payload),
      ttl: packet.ttl,
      data: packet.payload.subarray(ICMP_HEADER_LENGTH),
    });
  }

  #receiveError(packet: ReceivedPacket, message: IcmpMessage): void {
    const quote = message.data;
    if (!isQuote(quote)) return this.#counters.add('icmp.bad-quote');
    const source = ipv4Source(quote);
    // Only who sent a packet can be told of it; a group never sends, and only a first fragment tells whose it is.
    if (packet.broadcast || !this.#network.isLocal(source) || ipv4FragmentOffset(quote) !== 0)
      return this.#counters.add('icmp.not-about-us');
    const tooBig = message.type === ICMP_UNREACHABLE && message.code === UNREACHABLE_FRAGMENTATION_NEEDED;
    this.reportError(ipv4Protocol(quote), {
      kind: tooBig ? 'too-big' : kindOf(message.type),
      code: message.code,
      // RFC 1191 §5: an old router tells none, and the next smaller usual size is tried.
      mtu: tooBig ? message.rest & 0xffff || plateauBelow(ipv4TotalLength(quote)) : 0,
      from: packet.source,
      source,
      destination: ipv4Destination(quote),
      quoted: quote.subarray(ipv4HeaderLength(quote)),
    });
  }
}

function kindOf(type: number): ReceivedError['kind'] {
  if (type === ICMP_TIME_EXCEEDED) return 'time-exceeded';
  return type === ICMP_UNREACHABLE ? 'unreachable' : 'parameter-problem';
}

/** Whether an IPv4 header and the 8 bytes behind it are there; its checksum need not be right any more. */
function isQuote(bytes: Uint8Array): boolean {
  if (bytes.length < IPV4_HEADER_LENGTH || bytes[0]! >>> 4 !== 4) return false;
  const headerLength = ipv4HeaderLength(bytes);
  return headerLength >= IPV4_HEADER_LENGTH && bytes.length >= headerLength + MIN_QUOTE;
}
