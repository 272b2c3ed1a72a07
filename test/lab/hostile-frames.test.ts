// Ten thousand frames that are almost right, thrown into a running net from a free interface.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Random, seededRandom } from '../../shared/core/random.ts';
import { decodeCaptureFile } from '../../shared/wire/capture-file.ts';
import { Lab } from '../support/lab.ts';
import { type Attachment, arpFrame, inetChecksum, isArp, OutsideClient } from '../support/outside-client.ts';

const FRAMES = 10_000;
const BATCH = 100;
const GOLDEN = join(import.meta.dirname, '../golden/reference-trip');

/** ETH_P_IP and what of IPv4 is looked at here; offsets in the frame. */
const IPV4 = 0x0800;
const ETHERTYPE = 12;
const IP_HEADER = 14;
const IP_CHECKSUM = 24;
const SOURCE = 26;
const DESTINATION = 30;

const ADDRESSES = [
  '192.168.0.1',
  '51.0.0.20',
  '8.8.8.8',
  '93.184.216.34',
  '192.168.0.255',
  '255.255.255.255',
  '224.0.0.1',
  '127.0.0.1',
  '0.0.0.0',
].map((text) => Buffer.from(text.split('.').map(Number)));

let lab: Lab;

beforeAll(async () => {
  lab = await Lab.create('hostile');
  await lab.up(undefined, 'frames are malformed on purpose');
});
afterAll(() => lab.close());

async function goldenFrames(): Promise<Buffer[]> {
  const files = ['visit-laptop-router', 'visit-uplink', 'visit-isp-dns', 'visit-isp-web'];
  const captures = await Promise.all(files.map((file) => readFile(join(GOLDEN, `${file}.pcap`))));
  return captures.flatMap((bytes) => {
    const capture = decodeCaptureFile(bytes);
    if ('reason' in capture) throw new Error(capture.reason);
    return capture.packets.map(({ frame }) => Buffer.from(frame));
  });
}

function anyOf<Value>(values: readonly Value[], random: Random): Value {
  return values[random.integer(0, values.length - 1)]!;
}

/** The ways to spoil a frame; each gives the frame that goes on. */
const MUTATIONS: readonly ((frame: Buffer, random: Random) => Buffer)[] = [
  (frame, random) => {
    frame[random.integer(0, frame.length - 1)] = random.integer(0, 255);
    return frame;
  },
  (frame, random) => {
    frame[Math.min(random.integer(IP_HEADER, 60), frame.length - 1)] = anyOf(
      [0, 1, 0x7f, 0x80, 0xff],
      random,
    );
    return frame;
  },
  (frame, random) => frame.subarray(0, random.integer(1, frame.length)),
  (frame, random) => Buffer.concat([frame, Buffer.alloc(random.integer(1, 64), random.integer(0, 255))]),
  (frame, random) => {
    const [from, to] = [random.integer(0, frame.length - 1), random.integer(0, frame.length - 1)];
    frame.copy(frame, Math.min(from, to), Math.max(from, to));
    return frame;
  },
  (frame, random) => {
    if (frame.length >= DESTINATION + 4)
      anyOf(ADDRESSES, random).copy(frame, anyOf([SOURCE, DESTINATION], random));
    return frame;
  },
];

/** Makes the IPv4 header's checksum right, so that what is wrong further up is looked at. */
function mendHeader(frame: Buffer): void {
  const end = IP_HEADER + ((frame[IP_HEADER] ?? 0) & 15) * 4;
  if (end < IP_HEADER + 20 || frame.length < end || frame.readUInt16BE(ETHERTYPE) !== IPV4) return;
  frame.writeUInt16BE(0, IP_CHECKSUM);
  frame.writeUInt16BE(inetChecksum(frame.subarray(IP_HEADER, end)), IP_CHECKSUM);
}

function hostileFrame(golden: readonly Buffer[], router: Buffer, random: Random): Buffer {
  if (random.integer(0, 9) === 0)
    return Buffer.from(Array.from({ length: random.integer(0, 120) }, () => random.integer(0, 255)));
  let frame: Buffer = Buffer.from(anyOf(golden, random));
  if (random.integer(0, 1)) router.copy(frame);
  for (let count = random.integer(1, 4); count > 0; count--) frame = anyOf(MUTATIONS, random)(frame, random);
  if (random.integer(0, 1)) mendHeader(frame);
  return frame;
}

async function fetchesRightBytes(): Promise<void> {
  const url = 'http://www.example.com/bytes/1000000';
  const { stdout } = await lab.spawn(['exec', '--net', 'hostile', 'laptop', 'curl', '-sS', url], {
    encoding: 'buffer',
  });
  const { stdout: hash } = await lab.exec('laptop', 'curl', '-sS', `${url}.sha256`);
  expect(
    createHash('sha256')
      .update(stdout as unknown as Uint8Array)
      .digest('hex'),
  ).toBe(hash.trim());
}

async function processes(): Promise<(readonly [string, string, number | null])[]> {
  return (await lab.ps()).devices.map(({ device, state, pid }) => [device, state, pid] as const);
}

test('no device dies of mutated frames or grows with them, and the page is still served', async () => {
  const before = await processes();
  const attachment = await lab.ok('attach', '--net', 'hostile', 'router:lan3', '--json');
  const client = await OutsideClient.sit(JSON.parse(attachment) as Attachment);
  client.address = Buffer.from([192, 168, 0, 200]);
  client.send(arpFrame(client, 1, ADDRESSES[0]!));
  const router = Buffer.from((await client.receive(isArp(2))).subarray(22, 28));

  const golden = await goldenFrames();
  const random = seededRandom('hostile frames', 1);
  for (let sent = 0; sent < FRAMES; sent += BATCH) {
    client.send(...Array.from({ length: BATCH }, () => hostileFrame(golden, router, random)));
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  // Frames are taken in order: once this is answered, all were. Who had our address is told of meanwhile.
  client.send(arpFrame(client, 1, ADDRESSES[0]!));
  await client.receive((frame) => isArp(2)(frame) && frame.subarray(0, 6).equals(client.mac));

  await fetchesRightBytes();
  expect(await processes()).toEqual(before);
  for (const { rss } of (await lab.ps()).devices) expect(rss).toBeLessThan(200 * 1024 * 1024);
  client.close();
});
