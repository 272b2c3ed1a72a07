// A device that is killed is a machine that lost power: nobody says goodbye for it.

import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isAlive, Lab } from '../support/lab.ts';

let lab: Lab;

beforeAll(async () => {
  lab = await Lab.create('power');
  await lab.up(undefined, 'the downloads are too large to keep');
});
afterAll(() => lab.close());

/** A command on a device, once `seen` has come out of it; wrapped, as it would be awaited itself. */
async function started(device: string, command: string[], seen: RegExp) {
  const running = lab.spawn(['exec', '--net', 'power', device, ...command], { buffer: false });
  let text = '';
  await new Promise<void>((resolve) => {
    running.stderr?.resume();
    running.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (seen.test(text)) resolve();
    });
  });
  return { running };
}

describe('kill -9 of the web server in the middle of a download', () => {
  let before: Map<string, number | null>;

  test('the download stalls and curl gives up at its deadline with 28', async () => {
    before = new Map((await lab.ps()).devices.map(({ device, pid }) => [device, pid]));
    const download = lab.spawn(
      [
        'exec',
        '--net',
        'power',
        'laptop',
        'curl',
        '-sS',
        '-m',
        '10',
        'http://www.example.com/bytes/8000000000',
      ],
      { buffer: false, stderr: 'pipe' },
    );
    const { stdout, stderr } = download;
    if (!stdout || !stderr) throw new Error('no pipes');
    await once(stdout, 'data');
    process.kill(await lab.pid('web'), 'SIGKILL');
    stdout.resume();
    let complaint = '';
    for await (const chunk of stderr) complaint += String(chunk);
    expect((await download).exitCode).toBe(28);
    expect(complaint).toMatch(
      /^curl: \(28\) Operation timed out after 10\d\d\d milliseconds with \d+ out of 8000000000/,
    );
  });

  test('ps says that it crashed, by what, and nobody else did', async () => {
    const { devices, cables } = await lab.ps();
    expect(devices.find(({ device }) => device === 'web')?.state).toBe('crashed');
    for (const { device, state, pid } of devices.filter((row) => row.device !== 'web')) {
      expect([device, state, pid]).toEqual([device, 'ready', before.get(device)]);
      expect(await isAlive(pid!)).toBe(true);
    }
    expect(cables.filter(({ carrier }) => !carrier).map(({ cable }) => cable)).toEqual(['isp-web']);
  });

  test('a new connection ends in an error of an unreachable or silent host', async () => {
    const { exitCode, stderr } = await lab.exec('laptop', 'curl', '-sS', '-m', '3', 'http://93.184.216.34/');
    expect([7, 28]).toContain(exitCode);
    expect(stderr).toMatch(/curl: \((7|28)\)/);
  });

  test('other devices keep their state', async () => {
    expect(await lab.ok('exec', '--net', 'power', 'router', 'leases')).toContain('laptop');
    const ping = await lab.exec('laptop', 'ping', '-c', '1', '8.8.8.8');
    expect(ping.exitCode).toBe(0);
  });

  test('started again, it serves the page', async () => {
    await lab.ok('start', '--net', 'power', 'web');
    const { stdout, exitCode } = await lab.exec('laptop', 'curl', '-sS', 'http://www.example.com/');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('</html>');
    expect((await lab.ps()).cables.every(({ carrier }) => carrier)).toBe(true);
  });
});

test('who is still sending when the server comes back gets a reset', async () => {
  const upload = lab.spawn(
    [
      'exec',
      '--net',
      'power',
      'laptop',
      'curl',
      '-sS',
      '-m',
      '40',
      '-T',
      '-',
      '-X',
      'POST',
      'http://www.example.com/bytes',
    ],
    { buffer: false, stdin: 'pipe', stderr: 'pipe' },
  );
  const { stdin, stderr } = upload;
  if (!stdin || !stderr) throw new Error('no pipes');
  stdin.on('error', () => {});
  const block = Buffer.alloc(65_536, 'x');
  let sending = true;
  const pump = (async () => {
    while (sending && !stdin.destroyed)
      if (!stdin.write(block)) await Promise.race([once(stdin, 'drain'), once(stdin, 'close')]);
  })().catch(() => {});
  let complaint = '';
  stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  await connectionFrom('laptop');
  process.kill(await lab.pid('web'), 'SIGKILL');
  await lab.ok('start', '--net', 'power', 'web');
  const { exitCode } = await upload;
  sending = false;
  await pump;
  expect(complaint).toContain('reset');
  expect([55, 56]).toContain(exitCode);
});

/** Waits until the device has a connection that carries data. */
async function connectionFrom(device: string): Promise<void> {
  for (;;) {
    const { stdout } = await lab.exec(device, 'ss', '-t', '-n');
    if (/ESTAB\s+\d+\s+[1-9]\d*\s/.test(stdout)) return;
  }
}

test('a command that runs on a device ends when its device loses power', async () => {
  const { running: ping } = await started('phone', ['ping', '8.8.8.8'], /icmp_seq=1 /);
  await lab.ok('kill', '--net', 'power', 'phone');
  expect((await ping).exitCode).toBe(1);
  await lab.ok('start', '--net', 'power', 'phone');
  const answer = await lab.ok('exec', '--net', 'power', 'phone', 'curl', '-sS', 'http://ifconfig.me/');
  expect(answer.trim()).toBe('51.0.0.20');
});
