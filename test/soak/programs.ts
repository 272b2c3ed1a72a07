// The programs that run on the hosts of a soak, and what they take for right.

import { createHash } from 'node:crypto';
import type { Device } from '../../orchestrator/api.ts';
import { hashOfRandomBytes } from '../../shared/apps/http/random-bytes.ts';
import type { Random } from '../../shared/core/random.ts';
import { oneOf } from './choose.ts';
import { DNS_ADDRESS, WEB_ADDRESS, WEB_NAME, WRONG_ADDRESS } from './soak-net.ts';

export const ACTIVITIES = ['download', 'long download', 'upload', 'resolve', 'ping'] as const;
export type Activity = (typeof ACTIVITIES)[number];

interface Run {
  readonly device: Device;
  /** Decides what is asked for. */
  readonly random: Random;
  /** Of the net: `/bytes/N` follows from it. */
  readonly seed: number;
  /** The program gives up with it. */
  readonly signal: AbortSignal;
}

export interface Attempt {
  readonly name: string;
  /** Resolves to what was wrong with what came, if anything; rejects with an error of the net's. */
  readonly wrong: Promise<string | undefined>;
}

export function attempt(activity: Activity, run: Run): Attempt {
  return PROGRAMS[activity](run);
}

const PROGRAMS: Record<Activity, (run: Run) => Attempt> = {
  download(run) {
    const { random } = run;
    const length = random.fraction() < 0.1 ? 0 : random.integer(1, 300_000);
    return downloadOf(run, random.fraction() < 0.7 ? WEB_NAME : WEB_ADDRESS, length);
  },
  // Lasts through faults.
  'long download'(run) {
    return downloadOf(run, WEB_ADDRESS, run.random.integer(3_000_000, 10_000_000));
  },
  upload(run) {
    const { random } = run;
    const body = Buffer.alloc(random.integer(0, 300_000), String(random.uint32()));
    return { name: `upload of ${body.length} bytes`, wrong: upload(run, body) };
  },
  resolve(run) {
    const server = run.random.fraction() < 0.5 ? DNS_ADDRESS : undefined;
    return { name: `look-up at ${server ?? 'its own servers'}`, wrong: resolve(run, server) };
  },
  ping(run) {
    const { random } = run;
    const target = oneOf(random, [WEB_NAME, WEB_ADDRESS, DNS_ADDRESS, '192.168.0.1', '51.0.0.1']);
    return { name: `ping of ${target}`, wrong: ping(run, target, random.integer(0, 3000)) };
  },
};

function downloadOf(run: Run, host: string, length: number): Attempt {
  const url = `http://${host}/bytes/${length}`;
  return { name: `download of ${url}`, wrong: download(run, url, length) };
}

async function download(
  { device, seed, signal }: Run,
  url: string,
  length: number,
): Promise<string | undefined> {
  const response = await device.fetch(url, { signal });
  const hash = createHash('sha256');
  let received = 0;
  for await (const chunk of response.body ?? []) {
    received += chunk.length;
    hash.update(chunk);
  }
  if (response.status !== 200) return `status ${response.status}`;
  if (received !== length) return `${received} bytes instead of ${length}, and no error`;
  const right = await hashOfRandomBytes(seed, length, () => false);
  return hash.digest('hex') === right ? undefined : 'other bytes than were sent';
}

async function upload({ device, signal }: Run, body: Buffer): Promise<string | undefined> {
  const url = `http://${WEB_ADDRESS}/bytes`;
  const response = await device.fetch(url, { method: 'POST', body, signal });
  const answer = await response.text();
  const right = `${body.length} ${createHash('sha256').update(body).digest('hex')}\n`;
  if (response.status !== 200) return `status ${response.status}`;
  return answer === right ? undefined : `the server has received ${answer.trim()} instead of ${right.trim()}`;
}

async function resolve({ device, signal }: Run, server: string | undefined): Promise<string | undefined> {
  const options = { signal, ...(server !== undefined && { server }) };
  const addresses = await device.resolve(WEB_NAME, 'A', options);
  const [address] = addresses;
  return addresses.length === 1 && (address === WEB_ADDRESS || address === WRONG_ADDRESS)
    ? undefined
    : `answered ${addresses.join(', ')}`;
}

async function ping({ device, signal }: Run, target: string, size: number): Promise<string | undefined> {
  const summary = await device.ping(target, {
    count: 3,
    interval: '50ms',
    timeout: '500ms',
    size,
    signal,
  });
  const { transmitted, received } = summary;
  if (received > transmitted) return `${received} of ${transmitted} answered`;
  if (received === transmitted) return undefined;
  throw Object.assign(new Error(`${received} of ${transmitted} answered`), { code: 'unanswered' });
}
