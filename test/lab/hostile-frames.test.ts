// Frames that are almost right, and floods, thrown into a running net by stations of their own: on the LAN at
// the router, behind a switch, and out at the provider.

import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ipv4 } from '../../shared/core/address.ts';
import { type Random, seededRandom } from '../../shared/core/random.ts';
import { TCP_SYN } from '../../shared/wire/tcp.ts';
import { goldenFrames } from '../hostile/corpus.ts';
import { mend } from '../hostile/mutations/mend.ts';
import { mutate } from '../hostile/mutations/mutate.ts';
import { anyOf, ipLayout, setU32 } from '../hostile/mutations/mutation.ts';
import { Lab } from '../support/lab.ts';
import {
  type Attachment,
  arpFrame,
  dhcpRequest,
  ethernet,
  isArp,
  OutsideClient,
} from '../support/outside-client.ts';
import { fragmentsOf, tcpPacket, udpPacket } from '../support/packets.ts';

const FRAMES = 10_000;
const BATCH = 100;
const MOST_MEMORY = 200 * 1024 * 1024;

/** Free ends, the attacker's address there, the gateway, and whom it aims at. */
const POSTS = [
  { end: 'router:lan3', own: '192.168.0.200', gateway: '192.168.0.1' },
  { end: 'switch:p3', own: '192.168.0.201', gateway: '192.168.0.1' },
  { end: 'isp:edge', own: '66.0.0.66', gateway: '66.0.0.1' },
] as const;
const TARGETS = ['192.168.0.1', '51.0.0.20', '51.0.0.1', '8.8.8.8', '93.184.216.34', '255.255.255.255'].map(
  ipv4,
);

interface Attacker {
  readonly client: OutsideClient;
  readonly gateway: Buffer;
  /** MAC of the gateway. */
  readonly router: Buffer;
}

let lab: Lab;
let attackers: Attacker[];

const bytesOf = (address: string) => Buffer.from(address.split('.').map(Number));

beforeAll(async () => {
  lab = await Lab.create('hostile');
  await lab.up((topology) => {
    const { devices, cables } = topology as Record<string, Record<string, Record<string, unknown>>>;
    devices!.switch = { kind: 'switch', interfaces: { p1: {}, p2: {}, p3: {} } };
    cables!['switch-router'] = { ends: ['switch:p1', 'router:lan4'] };
    Object.assign(devices!.isp!.interfaces as object, { edge: { ipv4: '66.0.0.1/24' } });
  }, 'frames are malformed on purpose');
  attackers = [];
  for (const { end, own, gateway } of POSTS) {
    const attachment = await lab.ok('attach', '--net', 'hostile', end, '--json');
    const client = await OutsideClient.sit(JSON.parse(attachment) as Attachment);
    client.mac[5] = attackers.length + 1;
    client.address = bytesOf(own);
    client.send(arpFrame(client, 1, bytesOf(gateway)));
    const router = Buffer.from((await client.receive(isArp(2))).subarray(22, 28));
    attackers.push({ client, gateway: bytesOf(gateway), router });
  }
});
afterAll(async () => {
  for (const { client } of attackers) client.close();
  await lab.close();
});

async function processes(): Promise<(readonly [string, string, number | null])[]> {
  return (await lab.ps()).devices.map(({ device, state, pid }) => [device, state, pid] as const);
}

async function fetchesRightBytes(): Promise<void> {
  const url = 'http://93.184.216.34/bytes/1000000';
  const options = ['-sS', '-m', '50', '-H', 'Host: www.example.com'];
  const { stdout } = await lab.spawn(['exec', '--net', 'hostile', 'laptop', 'curl', ...options, url], {
    encoding: 'buffer',
  });
  const { stdout: hash } = await lab.exec('laptop', 'curl', ...options, `${url}.sha256`);
  const seen = createHash('sha256')
    .update(stdout as unknown as Uint8Array)
    .digest('hex');
  expect(seen).toBe(hash.trim());
}

/** All that was sent has been dealt with: frames are taken in order, and this one is answered. */
async function settled({ client, gateway }: Attacker): Promise<void> {
  client.send(arpFrame(client, 1, gateway));
  await client.receive((frame) => isArp(2)(frame) && frame.subarray(0, 6).equals(client.mac));
}

/** Sends `count` frames, with a turn for others after each batch. */
async function pour(
  { client }: Attacker,
  count: number,
  make: (index: number) => Uint8Array[],
): Promise<void> {
  const batch: Buffer[] = [];
  for (let index = 0; index < count; index++) {
    batch.push(...make(index).map((frame) => Buffer.from(frame)));
    if (batch.length < BATCH) continue;
    client.send(...batch.splice(0));
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  client.send(...batch);
}

function hostileFrames(
  golden: readonly Uint8Array[],
  { client, router }: Attacker,
  random: Random,
): Uint8Array[] {
  if (random.integer(0, 9) === 0) return [random.bytes(random.integer(0, 120))];
  const frame = anyOf(golden, random).slice();
  if ((frame[0]! & 1) === 0) frame.set(router);
  frame.set(client.mac, 6);
  if (ipLayout(frame) && random.integer(0, 3)) {
    setU32(frame, 30, anyOf(TARGETS, random));
    if (random.integer(0, 1)) frame.set(client.address, 26);
    mend(frame, false);
  }
  return mutate(frame, random);
}

async function nothingGrew(before: Awaited<ReturnType<typeof processes>>): Promise<void> {
  expect(await processes()).toEqual(before);
  for (const { device, rss } of (await lab.ps()).devices)
    expect([device, rss < MOST_MEMORY]).toEqual([device, true]);
}

test('no device dies of mutated frames or grows with them, and the page is still served', async () => {
  const before = await processes();
  const golden = goldenFrames();
  const random = seededRandom('hostile frames', 1);
  for (const attacker of attackers) {
    await pour(attacker, FRAMES / attackers.length, () => hostileFrames(golden, attacker, random));
    await settled(attacker);
  }
  // Who was told lies about neighbours, leases and names hears the truth again.
  for (const device of ['laptop', 'router', 'isp', 'web', 'dns'])
    await lab.ok('flush', '--net', 'hostile', device, 'arp');
  await fetchesRightBytes();
  await nothingGrew(before);
});

test('floods meet their bounds, are counted, and a client beside them gets its page', async () => {
  const before = await processes();
  const [lan, behindSwitch, outside] = attackers as [Attacker, Attacker, Attacker];
  const stranger = (index: number) => `77.${(index >>> 16) & 255}.${(index >>> 8) & 255}.${index & 255}`;
  const packet = ({ client, router }: Attacker, bytes: Uint8Array) => [
    ethernet(router, client.mac, 0x0800, Buffer.from(bytes)),
  ];
  const fragment = (index: number) =>
    fragmentsOf(
      udpPacket('66.0.0.66:1', '8.8.8.8:53', {
        data: new Uint8Array(1600),
        header: { identification: index },
      }),
      1480,
    )[0]!;
  let over = false;
  const client = (async () => {
    let pages = 0;
    for (; !over || pages === 0; pages++) await fetchesRightBytes();
    return pages;
  })();
  await Promise.all([
    pour(outside, 5000, (index) =>
      packet(outside, tcpPacket(`${stranger(index)}:1234`, '93.184.216.34:80', { flags: TCP_SYN })),
    ),
    pour(lan, 20_000, (index) =>
      packet(lan, udpPacket(`192.168.0.200:${1024 + index}`, `8.8.${(index >>> 8) & 255}.${index & 255}:9`)),
    ),
    pour(behindSwitch, 5000, (index) => {
      behindSwitch.client.mac.writeUInt16BE(index, 3);
      return [dhcpRequest(behindSwitch.client, [[53, Buffer.from([1])]])];
    }),
  ]);
  await pour(outside, 5000, (index) => packet(outside, fragment(index)));
  await pour(outside, 5000, (index) =>
    packet(outside, udpPacket(`66.0.0.66:${1024 + index}`, '8.8.8.8:53', { data: Buffer.alloc(17, index) })),
  );
  over = true;
  expect(await client).toBeGreaterThan(0);
  await settled(lan);
  await settled(outside);

  const counted = async (device: string): Promise<Map<string, number>> => {
    const { stdout } = await lab.exec(device, 'nstat', '-j');
    const rows = JSON.parse(stdout) as { counter: string; port?: string; count: number }[];
    return new Map(rows.map(({ counter, count }) => [counter, count]));
  };
  expect((await counted('router')).get('nat.full')).toBeGreaterThan(1000);
  expect((await counted('router')).get('dhcp.offer-withdrawn')).toBeGreaterThan(1000);
  expect((await counted('web')).get('tcp.syn-cookie')).toBeGreaterThan(1000);
  expect((await counted('dns')).get('ipv4.reassembly-full')).toBeGreaterThan(500);
  await nothingGrew(before);
});
