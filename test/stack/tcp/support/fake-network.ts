// A network layer that a test holds in its hands: what TCP sends is kept, decoded, for it to look at.

import { formatIpv4, IPV4_BROADCAST, type IpAddress, ipv4 } from '../../../../shared/core/address.ts';
import { Malformed } from '../../../../shared/core/errors.ts';
import type { Train } from '../../../../shared/core/train.ts';
import type {
  NetworkLayer,
  Path,
  ReceivedPacket,
  SendError,
  SendOptions,
  TransportHandler,
} from '../../../../shared/stack/network-layer.ts';
import { decodeTcp, TCP_PROTOCOL, type TcpSegment } from '../../../../shared/wire/tcp.ts';

export interface SentPacket {
  readonly segment: TcpSegment;
  readonly bytes: Uint8Array;
  readonly options: SendOptions;
}

export function pseudoHeaderSum(
  source: IpAddress,
  destination: IpAddress,
  protocol: number,
  length: number,
): number {
  return (
    (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff) + protocol + length
  );
}

export class FakeNetwork implements NetworkLayer {
  readonly headroom = 34;
  mtu = 1500;
  linkMtu = 1500;
  /** What `send` answers. */
  sendError: SendError | undefined;
  /** What `path` answers. */
  pathError: SendError | undefined;
  readonly sent: SentPacket[] = [];
  /** Sees each segment as it is sent, instead of `sent`. */
  onSend: ((bytes: Uint8Array, options: SendOptions) => void) | undefined;
  #handler: TransportHandler | undefined;

  constructor(readonly address: IpAddress) {}

  get handler(): TransportHandler {
    if (!this.#handler) throw new Error('no transport has registered');
    return this.#handler;
  }

  path(_destination: IpAddress, source?: IpAddress): Path | SendError {
    return this.pathError ?? { source: source ?? this.address, mtu: this.mtu, linkMtu: this.linkMtu };
  }

  isLocal(address: IpAddress): boolean {
    return address === this.address;
  }

  isBroadcast(address: IpAddress): boolean {
    return address === IPV4_BROADCAST || address === ipv4('224.0.0.1');
  }

  pseudoHeaderSum(source: IpAddress, destination: IpAddress, protocol: number, length: number): number {
    return pseudoHeaderSum(source, destination, protocol, length);
  }

  sendTrain(segments: Train, options: SendOptions): SendError | undefined {
    for (let index = 0; index < segments.count; index++) {
      const buffer = new Uint8Array(this.headroom + segments.length);
      segments.write(index, buffer, this.headroom);
      const error = this.send(buffer, options);
      if (error) return error;
    }
    return undefined;
  }

  send(buffer: Uint8Array, options: SendOptions): SendError | undefined {
    if (this.sendError) return this.sendError;
    const bytes = buffer.subarray(this.headroom);
    if (bytes.length + 20 > this.mtu) return 'EMSGSIZE';
    if (this.onSend) {
      this.onSend(bytes, options);
      return undefined;
    }
    const sum = pseudoHeaderSum(options.source, options.destination, TCP_PROTOCOL, bytes.length);
    const segment = decodeTcp(bytes, sum);
    if (segment instanceof Malformed) throw new Error(`sent a malformed segment: ${segment.reason}`);
    this.sent.push({ segment, bytes, options });
    return undefined;
  }

  refuse(): void {}

  learnMtu(_destination: IpAddress, mtu: number): void {
    this.mtu = Math.min(this.mtu, mtu);
  }

  register(_protocol: number, handler: TransportHandler): void {
    this.#handler = handler;
  }

  format(address: IpAddress): string {
    return formatIpv4(address);
  }
}

/** A packet as the network layer hands it over. */
export function receivedPacket(
  source: IpAddress,
  destination: IpAddress,
  payload: Uint8Array,
  broadcast = false,
  tos = 0,
): ReceivedPacket {
  return {
    source,
    destination,
    protocol: TCP_PROTOCOL,
    ttl: 64,
    tos,
    packet: payload,
    payload,
    interface: 'eth0',
    broadcast,
  };
}
