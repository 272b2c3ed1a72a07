import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { PROTOCOL_TCP } from '../../shared/wire/ipv4.ts';
import { goldenFrames } from './corpus.ts';
import type { HostileNet } from './net.ts';
import { StormFailure, storm } from './storm.ts';

const ROOT = join(import.meta.dirname, '../..');

const hostile = (...args: string[]) =>
  execa('node', ['test/support/run.js', 'test/hostile/hostile.ts', ...args], { cwd: ROOT, reject: false });

test('ten thousand hostile frames into a device of every kind: nothing dies, hangs, grows or stays; the page is served', async () => {
  const { stdout, exitCode } = await hostile('--frames', '10000', '--seed', '1');
  expect(stdout.split('\n').at(-1)).toBe('hostile: passed, 10000 frames of seed 1');
  expect(exitCode).toBe(0);
});

test('the same seed is the same storm', async () => {
  const golden = goldenFrames();
  const [one, other] = await Promise.all(
    [1, 2].map(async () => {
      const frames: string[] = [];
      const before = (_: number, frame: Uint8Array, at: string) =>
        frames.push(`${at} ${Buffer.from(frame).toString('hex')}`);
      await storm({ seed: 5, round: 0, frames: 500, golden, before });
      return frames;
    }),
  );
  expect(one).toEqual(other);
});

describe('the storm finds', () => {
  const golden = goldenFrames();

  async function failureOf(prepare: (net: HostileNet) => void): Promise<StormFailure> {
    const failure = await storm({ seed: 1, round: 0, frames: 3000, golden, prepare }).catch(
      (error: unknown) => error,
    );
    if (!(failure instanceof StormFailure)) throw new Error(`no failure: ${failure}`);
    return failure;
  }

  test('a device that throws, and tells the frame', async () => {
    const failure = await failureOf((net) => {
      const { ipv4 } = net.device('isp').stack;
      ipv4.register(PROTOCOL_TCP, {
        receive: () => {
          throw new Error('broken on purpose');
        },
        error: () => {},
      });
    });
    expect(failure.what).toContain('broken on purpose');
    expect(failure.number).toBeGreaterThan(0);
    expect(failure.frame.length).toBeGreaterThan(0);
    expect(failure.entrance).toMatch(/^\w+:\w+$/);
  });

  test('a device that sends what is malformed', async () => {
    const failure = await failureOf((net) => {
      const web = net.entrances.find(({ name }) => name === 'web:eth0')!;
      const { send } = web.port;
      web.port.send = (frame) => send.call(web.port, frame.subarray(0, 30));
    });
    expect(failure.what).toMatch(/^web:eth0 sent a frame that is wrong/);
  });

  test('a socket that stays', async () => {
    const failure = await failureOf((net) => void net.device('phone').sockets.createUdpSocket().bind());
    expect(failure.what).toContain('phone has 2 UDP endpoints');
  });

  test('a page that is not served any more', async () => {
    const failure = await failureOf((net) => void net.device('web').stack.close());
    expect(failure.what).toContain('the page is not served');
  });
});

test('a failure is told with what plays it again', async () => {
  const { stdout, exitCode } = await hostile('--frames', '100', '--round', '2', '--seed', '3', '--fail');
  expect(stdout).toMatch(/again: npm run hostile -- --seed 3 --round 2 --frames \d+/);
  expect(stdout.split('\n').at(-1)).toMatch(/^hostile: failed, frame \d+ of seed 3$/);
  expect(exitCode).toBe(1);
});

test('one frame can be tried alone', async () => {
  const frame =
    'ffffffffffff020000000099080600010800060400010200000000 99c0a800c8000000000000c0a80001'.replace(' ', '');
  const { stdout, exitCode } = await hostile('--frame', frame, '--at', 'router:lan3');
  expect(stdout).toMatch(/^router:lan3 sends 020000000099/m);
  expect(exitCode).toBe(0);
  expect(await hostile('--frame', 'zz')).toMatchObject({ exitCode: 2 });
});
