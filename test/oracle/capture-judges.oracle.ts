// The judges of captures find what they are asked for: else their silence means nothing.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { concatBytes } from '../../shared/core/bytes.ts';
import { Malformed } from '../../shared/core/errors.ts';
import { decodeCaptureFile } from '../../shared/wire/capture-file.ts';
import {
  encodeInterfaceDescription,
  encodeSectionHeader,
  LINKTYPE_ETHERNET,
} from '../../shared/wire/pcapng.ts';
import { complaints } from '../support/capture-judges.ts';
import { packetBlock } from '../support/packet-block.ts';

const GOLDEN = join(import.meta.dirname, '../golden/reference-trip/visit-uplink.pcap');

/** Offsets in a frame with an IPv4 header without options. */
const PROTOCOL = 23;
const IP_CHECKSUM = 24;
const TCP_OPTIONS = 54;
const TCP = 6;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'judges-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** What is said of the golden capture with its first TCP segment, a SYN, changed. */
async function saidOf(spoil: (syn: Uint8Array) => void): Promise<string[]> {
  const bytes = await readFile(GOLDEN);
  const capture = decodeCaptureFile(bytes);
  if (capture instanceof Malformed) throw new Error(capture.reason);
  const syn = capture.packets.find(({ frame }) => frame[PROTOCOL] === TCP)!.frame;
  const at = bytes.indexOf(syn);
  spoil(bytes.subarray(at, at + syn.length));
  const file = join(folder, 'spoilt.pcap');
  await writeFile(file, bytes);
  return complaints(file);
}

test('nothing is said of what Linux kernels sent', async () => {
  expect(await saidOf(() => {})).toEqual([]);
});

test('a wrong IPv4 checksum is found', async () => {
  const said = await saidOf((syn) => {
    syn[IP_CHECKSUM]! ^= 1;
  });
  expect(said).toEqual([expect.stringMatching(/^tshark: /)]);
});

test('a wrong TCP checksum is found', async () => {
  const said = await saidOf((syn) => {
    syn[TCP_OPTIONS + 3]! ^= 1;
  });
  expect(said).toEqual([expect.stringMatching(/^tshark: /)]);
});

test('options that are none are found', async () => {
  const said = await saidOf((syn) => {
    // The maximum segment size, in no byte.
    syn[TCP_OPTIONS + 1] = 1;
  });
  expect(said).toContainEqual(expect.stringMatching(/^tcpdump: .*bad opt/));
});

test('tshark takes a frame that was cut for one that was longer', async () => {
  const golden = decodeCaptureFile(await readFile(GOLDEN));
  if (golden instanceof Malformed) throw new Error(golden.reason);
  const cut = golden.packets.map((packet) => ({
    ...packet,
    direction: 'in' as const,
    frame: packet.frame.subarray(0, 96),
  }));
  const about = { name: 'router:wan', linkType: LINKTYPE_ETHERNET, snapshotLength: 96 };
  const file = join(folder, 'cut.pcapng');
  const head = [encodeSectionHeader('tincan'), encodeInterfaceDescription(about)];
  await writeFile(file, concatBytes([...head, ...cut.map(packetBlock)]));
  const fields = ['-T', 'fields', '-e', 'frame.len', '-e', 'frame.cap_len'];
  const { stdout, stderr } = await execa('tshark', ['-r', file, '-n', ...fields]);
  expect(stderr).not.toMatch(/cut short|damaged|corrupt/);
  expect(stdout.split('\n')).toEqual(cut.map(({ length, frame }) => `${length}\t${frame.length}`));
  expect(cut.some(({ length }) => length > 96)).toBe(true);
  expect(await complaints(file)).toEqual([]);
});
