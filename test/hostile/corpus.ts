// Real frames to begin with: what Linux kernels, dhclient, dnsmasq, dig, nginx and curl put on the cables
// of the default net.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeCaptureFile } from '../../shared/wire/capture-file.ts';

const FOLDER = join('test', 'golden', 'reference-trip');

/** Every frame of every capture, those that say the same but once. */
export function goldenFrames(root = process.cwd()): Uint8Array[] {
  const files = readdirSync(join(root, FOLDER)).filter((name) => name.endsWith('.pcap'));
  const frames = files.sort().flatMap((name) => {
    const capture = decodeCaptureFile(readFileSync(join(root, FOLDER, name)));
    if ('reason' in capture) throw new Error(`${name}: ${capture.reason}`);
    return capture.packets.map(({ frame }) => Uint8Array.from(frame));
  });
  const seen = new Set<string>();
  return frames.filter((frame) => {
    const text = Buffer.from(frame).toString('latin1');
    if (seen.has(text)) return false;
    seen.add(text);
    return true;
  });
}
