// A program of somebody else's at a free interface: it knows the cable protocol from its description, `ws`
// and `msgpackr`, and makes its frames by hand. It imports nothing of the project, on purpose.

import { Packr, Unpackr } from 'msgpackr';
import { WebSocket } from 'ws';

export interface Attachment {
  readonly url: string;
  readonly token: string;
  readonly mtu: number;
}

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false });

export class OutsideClient {
  readonly mac = Buffer.from('02000000ff01', 'hex');
  address = Buffer.alloc(4);
  hello: Record<string, unknown> = {};
  #frames: Buffer[] = [];
  #wake: () => void = () => {};

  private constructor(readonly socket: WebSocket) {}

  static async sit({ url, token, mtu }: Attachment): Promise<OutsideClient> {
    const socket = new WebSocket(url, 'tincan.cable.v1', {
      headers: { authorization: `Bearer ${token}` },
      perMessageDeflate: false,
    });
    const client = new OutsideClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('message', (data: Buffer) => {
        const message: unknown = unpackr.unpack(data);
        if (Array.isArray(message)) client.#take(message as Buffer[]);
        else {
          client.hello = message as Record<string, unknown>;
          resolve();
        }
      });
      socket.on('open', () =>
        socket.send(
          packr.pack({
            t: 'hello',
            v: 1,
            device: 'outsider',
            interface: 'eth0',
            mac: '02:00:00:00:ff:01',
            mtu,
          }),
        ),
      );
    });
    return client;
  }

  send(...frames: Buffer[]): void {
    this.socket.send(packr.pack(frames));
  }

  /** The next frame that `wanted` holds of; those before it are gone. */
  async receive(wanted: (frame: Buffer) => boolean): Promise<Buffer> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
      else if (wanted(frame)) return frame;
    }
  }

  close(): void {
    this.socket.close();
  }

  #take(frames: Buffer[]): void {
    this.#frames.push(...frames.map((frame) => Buffer.from(frame)));
    this.#wake();
  }
}

export function inetChecksum(data: Buffer): number {
  let sum = 0;
  for (let offset = 0; offset < data.length; offset += 2)
    sum += (data[offset]! << 8) | (offset + 1 < data.length ? data[offset + 1]! : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export function ethernet(destination: Buffer, source: Buffer, type: number, payload: Buffer): Buffer {
  const ethertype = Buffer.alloc(2);
  ethertype.writeUInt16BE(type);
  return Buffer.concat([destination, source, ethertype, payload]);
}

export function ipPacket(protocol: number, source: Buffer, destination: Buffer, payload: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(20 + payload.length, 2);
  header[8] = 64;
  header[9] = protocol;
  source.copy(header, 12);
  destination.copy(header, 16);
  header.writeUInt16BE(inetChecksum(header), 10);
  return Buffer.concat([header, payload]);
}

/** A datagram with checksum 0: none. */
export function datagram(sourcePort: number, destinationPort: number, data: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(sourcePort, 0);
  header.writeUInt16BE(destinationPort, 2);
  header.writeUInt16BE(8 + data.length, 4);
  return Buffer.concat([header, data]);
}

const BROADCAST_MAC = Buffer.alloc(6, 0xff);
const BROADCAST_IP = Buffer.alloc(4, 0xff);
const MAGIC = Buffer.from('63825363', 'hex');

/** A DHCP message of a client, with options as [code, bytes]. */
export function dhcpRequest(client: OutsideClient, options: readonly (readonly [number, Buffer])[]): Buffer {
  const fixed = Buffer.alloc(236);
  fixed[0] = 1;
  fixed[1] = 1;
  fixed[2] = 6;
  fixed.writeUInt32BE(0x1234_5678, 4);
  fixed.writeUInt16BE(0x8000, 10);
  client.mac.copy(fixed, 28);
  const encoded = options.map(([code, value]) => Buffer.concat([Buffer.from([code, value.length]), value]));
  const message = Buffer.concat([fixed, MAGIC, ...encoded, Buffer.from([255])]);
  const padded = Buffer.concat([message, Buffer.alloc(Math.max(0, 300 - message.length))]);
  const packet = ipPacket(17, Buffer.alloc(4), BROADCAST_IP, datagram(68, 67, padded));
  return ethernet(BROADCAST_MAC, client.mac, 0x0800, packet);
}

/** The options of a DHCP message in a frame, by code. */
export function dhcpOptions(frame: Buffer): Map<number, Buffer> {
  const options = new Map<number, Buffer>();
  for (let offset = 14 + 20 + 8 + 240; offset < frame.length && frame[offset] !== 255; ) {
    if (frame[offset] === 0) {
      offset++;
      continue;
    }
    const length = frame[offset + 1]!;
    options.set(frame[offset]!, frame.subarray(offset + 2, offset + 2 + length));
    offset += 2 + length;
  }
  return options;
}

export function isDhcp(type: number): (frame: Buffer) => boolean {
  return (frame) =>
    frame.length > 282 &&
    frame.readUInt16BE(12) === 0x0800 &&
    frame[23] === 17 &&
    frame.readUInt16BE(36) === 68 &&
    dhcpOptions(frame).get(53)?.[0] === type;
}

export function arpFrame(
  client: OutsideClient,
  operation: 1 | 2,
  target: Buffer,
  targetMac?: Buffer,
): Buffer {
  const head = Buffer.from('0001080006040000', 'hex');
  head.writeUInt16BE(operation, 6);
  const payload = Buffer.concat([head, client.mac, client.address, targetMac ?? Buffer.alloc(6), target]);
  return ethernet(targetMac ?? BROADCAST_MAC, client.mac, 0x0806, payload);
}

export function isArp(operation: 1 | 2): (frame: Buffer) => boolean {
  return (frame) => frame.readUInt16BE(12) === 0x0806 && frame.readUInt16BE(20) === operation;
}

export function echoRequest(
  client: OutsideClient,
  gateway: Buffer,
  destination: Buffer,
  data: Buffer,
): Buffer {
  const message = Buffer.concat([Buffer.from('08000000beef0001', 'hex'), data]);
  message.writeUInt16BE(inetChecksum(message), 2);
  return ethernet(gateway, client.mac, 0x0800, ipPacket(1, client.address, destination, message));
}
