// The trip of the default net, read back from captures: frame for frame what Linux kernels and programs do.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Malformed } from '../../shared/core/errors.ts';
import { decodeCaptureFile } from '../../shared/wire/capture-file.ts';
import { FrameChecker } from '../support/frame-checker.ts';
import { type Names, storyOf } from '../support/frame-story.ts';
import { Lab } from '../support/lab.ts';

const CABLES = ['laptop-router', 'uplink', 'isp-dns', 'isp-web'] as const;
const REFERENCE = join(import.meta.dirname, '../golden/reference-trip');

let lab: Lab;
let names: Names;

/** Starts a capture of each cable; the result ends them. */
async function captureAll(): Promise<() => Promise<void>> {
  const captures = CABLES.map((cable) =>
    lab.spawn(['capture', '--net', 'trip', cable, '-w', `${cable}.pcapng`], { buffer: false }),
  );
  await Promise.all(
    captures.map(
      (capture) =>
        new Promise<void>((armed) => {
          capture.stderr?.on('data', (text: Buffer) => text.includes('capturing') && armed());
        }),
    ),
  );
  return async () => {
    for (const capture of captures) capture.kill('SIGINT');
    for (const capture of captures) expect((await capture).exitCode).toBe(0);
  };
}

beforeAll(async () => {
  lab = await Lab.create('trip');
  await lab.up();
  const end = await captureAll();
  await lab.ok('kill', '--net', 'trip', 'laptop');
  await lab.ok('start', '--net', 'trip', 'laptop');
  const page = await lab.exec('laptop', 'curl', '-sS', 'http://www.example.com/');
  expect(page.stdout).toContain('</html>');
  await closedBothWays();
  await end();
  const laptop = (await lab.ps()).devices.find(({ device }) => device === 'laptop');
  names = { [laptop?.interfaces[0]?.ipv4?.split('/')[0] ?? '']: 'laptop' };
});
afterAll(() => lab.close());

/** Waits for the web server to have seen the last FIN. */
async function closedBothWays(): Promise<void> {
  while (!(await lab.ok('logs', '--net', 'trip', 'web')).includes('tcp.close'));
}

/** The frames of a cable as one end saw them: the router's, or the ISP's. */
async function seenAtOneEnd(file: string): Promise<Uint8Array[]> {
  const capture = decodeCaptureFile(await readFile(file));
  if (capture instanceof Malformed) throw new Error(`${file}: ${capture.reason}`);
  const end = Math.max(
    0,
    capture.interfaces.findIndex(({ name }) => /^(router:lan1|isp:)/.test(name ?? '')),
  );
  return capture.packets.filter((packet) => packet.interface === end).map(({ frame }) => frame);
}

/** What belongs to that system alone, as its page says: dnsmasq's ping, IGMP, AAAA, and the phone's lease. */
function isTheirOwn(line: string): boolean {
  return /AAAA|protocol [12]$|who-has (laptop|192\.168\.0\.59) tell 192\.168\.0\.1$/.test(line);
}

describe.each(CABLES)('%s', (cable) => {
  test('carries what it carries between Linux kernels, in the same order', async () => {
    const theirs = storyOf(await seenAtOneEnd(join(REFERENCE, `visit-${cable}.pcap`)), {
      '192.168.0.24': 'laptop',
    });
    const ours = storyOf(await seenAtOneEnd(join(lab.folder, `${cable}.pcapng`)), names);
    const model = theirs.filter((line) => !isTheirOwn(line));
    // The phone came by its lease there while the laptop's cable was captured.
    const phones = model.findLastIndex((line) => line.includes('DHCP ACK')) + 1;
    const trip =
      cable === 'laptop-router'
        ? [...model.slice(0, 4), ...model.slice(phones).filter((line) => !line.includes('DHCP'))]
        : model;
    expect(ours).toEqual(trip);
    expect(ours.length).toBeGreaterThan(2);
  });

  test('carries no frame with a wrong length or checksum, and no private address outside', async () => {
    const checker = new FrameChecker({ name: cable, public: cable !== 'laptop-router' });
    for (const frame of await seenAtOneEnd(join(lab.folder, `${cable}.pcapng`))) checker.check(frame);
    expect(checker.faults).toEqual([]);
    expect(checker.frames).toBeGreaterThan(2);
  });
});
