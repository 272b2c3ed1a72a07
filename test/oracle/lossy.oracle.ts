// Our TCP and Linux's in both roles over a bad cable: every byte arrives, and ours is no slower. These wait
// more than they work, so they run side by side.

import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ImpairOptions } from '../../orchestrator/api.ts';
import { complaints } from '../support/capture-judges.ts';
import type { Namespace } from '../support/namespace.ts';
import { LINUX, OURS, startTwoSides } from './two-sides.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lossy-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function hashOf(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}

/** Of what the bad cables carry, each way and in each role. */
const SOME = 1_500_000;

/** Of each download whose speed is compared. */
const COMPARED = 3_000_000;

/** In each round both send once, and frame n of each meets the same fate. */
const ROUNDS = [1, 2, 3, 4, 5, 6, 7];

/**
 * Of two that are equally fast one is ahead by chance. Fates are those of frame numbers, which are others once the
 * two have sent differently, and the machine is busy.
 */
const LEAST_RATIO = 0.9;

/** Downloads from the near side with Linux's curl; gives bytes a second. */
async function download(far: Namespace, server: string, size: number, file: string): Promise<number> {
  const curl = far.start('curl', [
    '-sS',
    '--fail',
    '-o',
    file,
    '-w',
    '%{speed_download}',
    `http://${server}/bytes/${size}`,
  ]);
  const { exitCode, stdout, stderr } = await curl;
  if (exitCode !== 0) throw new Error(`curl ended with ${exitCode}: ${String(stderr)}`);
  const told = await far.ok('curl', '-sS', '--fail', '-m', '60', `http://${server}/bytes/${size}.sha256`);
  expect(await hashOf(file)).toBe(told);
  return Number(stdout);
}

describe.concurrent('over a bad cable', () => {
  test('100 MB at 2 % loss and 20 ms delay, by curl from our web server', async () => {
    const { net, far, close } = await startTwoSides(0);
    try {
      const fault = await net.impair('wire', { loss: '2%', delay: '20ms' }, { from: 'near' });
      const speed = await download(far, OURS, 100_000_000, join(folder, '100MB'));
      const { affected } = await fault.current();
      console.info(`100 MB at 2 % loss and 20 ms: ${kilobytes(speed)}, ${affected.loss} frames lost`);
      expect(affected.loss).toBeGreaterThan(1000);
    } finally {
      await close();
    }
  }, 600_000);

  test('at 1 % loss and 40 ms round trip ours is at least that of Linux', async () => {
    const rounds: { ours: number; linux: number }[] = [];
    let algorithm = '';
    for (const seed of ROUNDS) {
      const speeds = await Promise.all(
        [OURS, LINUX].map(async (server) => {
          const { net, far, congestionControl, close } = await startTwoSides(COMPARED, seed);
          algorithm = congestionControl;
          try {
            await net.impair('wire', { loss: '1%', delay: '20ms' });
            return await download(far, server, COMPARED, join(folder, `goodput-${seed}-${server}`));
          } finally {
            await close();
          }
        }),
      );
      rounds.push({ ours: speeds[0]!, linux: speeds[1]! });
    }
    for (const { ours, linux } of rounds)
      console.info(`ours ${kilobytes(ours)}, Linux (${algorithm}) ${kilobytes(linux)}`);
    const ratios = rounds.map(({ ours, linux }) => ours / linux).sort((a, b) => a - b);
    const median = ratios[Math.floor(ratios.length / 2)]!;
    console.info(
      `ours is ${median.toFixed(2)} times as fast in the median (${ratios.map((r) => r.toFixed(2)).join(' ')})`,
    );
    expect(median).toBeGreaterThanOrEqual(LEAST_RATIO);
  }, 400_000);

  test.each<[string, ImpairOptions]>([
    ['that loses', { loss: '3%', delay: '5ms' }],
    ['that delays unevenly and reorders', { delay: '10ms', jitter: '4ms', reorder: '10%', duplicate: '3%' }],
    // Bursts are counted in frames: a long one would outlast the few that a timeout sends, for a minute and more.
    [
      'that does all of it, in bursts',
      { delay: '8ms', jitter: '3ms', reorder: '5%', duplicate: '2%', gemodel: '2% 60%' },
    ],
  ])(
    '%s: both ways, in both roles, every byte',
    async (name, impairment) => {
      const { net, far, near, close } = await startTwoSides(SOME);
      try {
        await net.impair('wire', impairment);
        const capture = await net.capture('wire', { file: join(folder, `${name}.pcapng`) });
        const file = (what: string) => join(folder, `${name}-${what}`);
        const body = file('body');
        await writeFile(body, Buffer.alloc(SOME, 'whatever goes up '));
        const told = `${SOME} ${await hashOf(body)}`;
        // Ours sends, Linux receives; Linux sends, ours receives; and the same with who connects turned round.
        await download(far, OURS, SOME, file('ours'));
        expect(await far.ok('curl', '-sS', '--data-binary', `@${body}`, `http://${OURS}/bytes`)).toBe(told);
        const curl = (...args: string[]) =>
          net.device('host').exec(['curl', '-sS', ...args], { cwd: folder });
        expect(await curl('-o', file('linux'), `http://${LINUX}/bytes/${SOME}`)).toMatchObject({
          exitCode: 0,
        });
        expect((await curl(`http://${LINUX}/bytes/${SOME}.sha256`)).stdout).toBe(await hashOf(file('linux')));
        expect((await curl('--data-binary', `@${body}`, `http://${LINUX}/bytes`)).stdout).toBe(told);
        await capture.stop();
        expect(capture.frames).toBeGreaterThan(4000);
        expect(await complaints(capture.file)).toEqual([]);
        // The cable was bad.
        const [receipt] = await net.faults();
        expect(Object.values(receipt!.affected).every((count) => count > 0)).toBe(true);
        expect(await near.ok('nstat', '-as', 'TcpInCsumErrors')).not.toMatch(/TcpInCsumErrors +[1-9]/);
      } finally {
        await close();
      }
    },
    200_000,
  );
});

function kilobytes(speed: number): string {
  return `${Math.round(speed / 1000)} kB/s`;
}
