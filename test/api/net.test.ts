// A net in a program: how it begins, what it tells, and that nothing of it stays.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type DeviceEvent,
  type LogEvent,
  type Receipt,
  type TopologyFile,
  up,
} from '../../orchestrator/api.ts';
import { processGone } from '../../orchestrator/process-state.ts';
import { toHex } from '../../shared/core/bytes.ts';
import { Malformed } from '../../shared/core/errors.ts';
import { decodeCaptureFile } from '../../shared/wire/capture-file.ts';

const ROOT = join(import.meta.dirname, '../..');

/** A laptop and a web server on one cable. */
function twoDevices(root: string): TopologyFile {
  return {
    name: 'pair',
    devices: {
      laptop: { kind: 'host', interfaces: { eth0: { ipv4: '10.0.0.1/24' } } },
      web: {
        kind: 'web-server',
        interfaces: { eth0: { ipv4: '10.0.0.2/24' } },
        http: { sites: { '10.0.0.2': { root } } },
      },
    },
    cables: { wire: { ends: ['laptop:eth0', 'web:eth0'] } },
  };
}

let folder: string;
let runtime: string | undefined;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'api-'));
  mkdirSync(join(folder, 'site/docs'), { recursive: true });
  writeFileSync(join(folder, 'site/docs/index.html'), 'the docs');
  runtime = process.env.XDG_RUNTIME_DIR;
  process.env.XDG_RUNTIME_DIR = folder;
});
afterAll(() => {
  if (runtime === undefined) delete process.env.XDG_RUNTIME_DIR;
  else process.env.XDG_RUNTIME_DIR = runtime;
  rmSync(folder, { recursive: true, force: true });
});

/** What is left in the folder of running nets. */
function left(): string[] {
  return readdirSync(join(folder, 'tincan'));
}

test('several nets run at once in one process, and each leaves nothing', async () => {
  const topology = twoDevices(join(folder, 'site'));
  const [first, second] = await Promise.all([up(topology), up(topology)]);
  expect(first.name).toMatch(/^pair-[0-9a-f]{10}$/);
  expect(second.name).not.toBe(first.name);
  for (const net of [first, second]) {
    // The folder without its slash: the server sends the client on.
    const page = await net.device('laptop').fetch('http://10.0.0.2/docs');
    expect([page.url, page.redirected, await page.text()]).toEqual([
      'http://10.0.0.2/docs/',
      true,
      'the docs',
    ]);
    const asked = await net.device('laptop').fetch('http://10.0.0.2/docs', { redirect: 'manual' });
    expect([asked.status, asked.headers.get('location')]).toEqual([301, '/docs/']);
  }
  const pids = (await first.status()).devices.map(({ pid }) => pid ?? 0);
  await first.close();
  expect(await Promise.all(pids.map((pid) => processGone(pid, 1000)))).toEqual([true, true]);
  expect(left()).toEqual(expect.arrayContaining([second.name]));
  expect(left()).not.toContain(first.name);
  await Promise.all([second.close(), second.close()]);
  expect(left()).toEqual([]);
});

test('what is wrong with a topology is told at once, and nothing starts', async () => {
  const wrong = twoDevices('/nowhere');
  await expect(
    up({ ...wrong, cables: { wire: { ends: ['laptop:eth0', 'web:eth1'] } } }),
  ).rejects.toMatchObject({
    name: 'TopologyError',
    faults: expect.arrayContaining([expect.objectContaining({ path: 'cables.wire.ends[1]' })]),
  });
  await expect(up(join(folder, 'missing.json'))).rejects.toThrow('there is no such file');
  // @ts-expect-error a time without a unit
  await expect(up(wrong, { timeout: 30 })).rejects.toThrow('should be a duration with its unit');
  expect(left()).toEqual([]);
});

test('a name that is given holds the name, and keeps the logs', async () => {
  const topology = twoDevices(join(folder, 'site'));
  await using net = await up(topology, { name: 'mine' });
  expect(net.name).toBe('mine');
  await expect(up(topology, { name: 'mine' })).rejects.toThrow('a net mine is running already');
  expect((await net.device('laptop').ping('10.0.0.2')).received).toBe(1);
  await net.close();
  expect(readdirSync(join(net.rundir, 'logs')).sort()).toEqual(['laptop.jsonl', 'web.jsonl']);
});

describe('a running net', () => {
  test('tells of devices, faults and what is logged', async () => {
    await using net = await up(twoDevices(join(folder, 'site')));
    const states: Pick<DeviceEvent, 'device' | 'before' | 'state' | 'reason'>[] = [];
    const faults: string[] = [];
    net.on('device', ({ device, before, state, reason }) => states.push({ device, before, state, reason }));
    net.on('fault', ({ change, receipt }) => faults.push(`${receipt.fault} ${change}`));
    const served = new Promise<LogEvent>((resolve) => {
      net.on('log', (event) => {
        if (event.event === 'http.request' && event.device === 'web') resolve(event);
      });
    });
    await net.device('laptop').fetch('http://10.0.0.2/docs/');
    expect(await served).toMatchObject({ level: 30, layer: 'http', role: 'server', status: 200 });
    await (await net.kill('web')).heal();
    await expect.poll(() => states.map(({ state }) => state)).toEqual(['crashed', 'starting', 'ready']);
    expect(states[0]).toEqual({ device: 'web', before: 'ready', state: 'crashed', reason: 'SIGKILL' });
    await expect.poll(() => faults).toEqual(['kill made', 'kill over']);
    expect((await net.logs()).filter(({ event }) => event === 'device.start')).toHaveLength(3);
  });

  test('tells of faults that commands of other processes make and heal', async () => {
    await using net = await up(twoDevices(join(folder, 'site')));
    const told: { change: string; receipt: Receipt }[] = [];
    net.on('fault', ({ change, receipt }) => told.push({ change, receipt }));
    const tincan = (...args: string[]) =>
      execa(process.execPath, [join(ROOT, 'dist/tincan.cjs'), ...args, '--net', net.name, '--json'], {
        env: { XDG_RUNTIME_DIR: folder },
      });
    await tincan('cut', 'wire');
    const { stdout } = await tincan('heal');
    await expect.poll(() => told.map(({ change }) => change)).toEqual(['made', 'over']);
    expect(told[0]?.receipt).toMatchObject({ id: 'f1', fault: 'cut', asked: { cable: 'wire' }, until: null });
    expect([told[1]?.receipt]).toEqual(JSON.parse(stdout));
  });

  test('is captured, to memory and to a file', async () => {
    await using net = await up(twoDevices(join(folder, 'site')));
    const file = await net.capture('wire', { file: join(folder, 'wire.pcapng') });
    const memory = await net.capture('wire');
    await net.device('laptop').ping('10.0.0.2', { size: 1000 });
    const frames = await memory.stop();
    await file.stop();
    const echoes = frames.filter(({ frame }) => frame.length === 1042);
    expect(echoes.map(({ cable, end, direction }) => [cable, end, direction])).toEqual([
      ['wire', 'laptop:eth0', 'out'],
      ['wire', 'web:eth0', 'in'],
      ['wire', 'web:eth0', 'out'],
      ['wire', 'laptop:eth0', 'in'],
    ]);
    expect([file.frames, file.dropped]).toEqual([frames.length, 0]);
    expect(statSync(file.file).size).toBeGreaterThan(4 * 1042);
  });

  test('is captured up to a snapshot length', async () => {
    await using net = await up(twoDevices(join(folder, 'site')));
    const options = { snapshotLength: 60 };
    const file = await net.capture('wire', { file: join(folder, 'cut.pcapng'), ...options });
    const memory = await net.capture('wire', options);
    await net.device('laptop').ping('10.0.0.2', { size: 1000 });
    const echoes = (await memory.stop()).filter(({ length }) => length === 1042);
    await file.stop();
    expect(echoes.map(({ frame }) => frame.length)).toEqual([60, 60, 60, 60]);
    const written = decodeCaptureFile(readFileSync(file.file));
    if (written instanceof Malformed) throw new Error(written.reason);
    expect(written.interfaces.map(({ snapshotLength }) => snapshotLength)).toEqual([60, 60]);
    const cut = written.packets.filter(({ length }) => length === 1042);
    expect(cut.map(({ frame }) => toHex(frame))).toEqual(echoes.map(({ frame }) => toHex(frame)));
  });

  test('a capture is iterated over until the net ends', async () => {
    const net = await up(twoDevices(join(folder, 'site')));
    const capture = await net.capture();
    await net.device('laptop').ping('10.0.0.2');
    const ends = new Set<string>();
    const closing = net.close();
    for await (const { end } of capture) ends.add(end);
    await closing;
    expect([...ends].sort()).toEqual(['laptop:eth0', 'web:eth0']);
  });
});

describe('the process that uses it', () => {
  /** Runs a program that imports the package by its name. */
  function run(program: string) {
    return execa(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: ROOT,
      env: { XDG_RUNTIME_DIR: folder },
      reject: false,
    });
  }

  const start = `
    import { up } from 'tincan';
    const before = process.eventNames().map(String);
    const net = await up(${JSON.stringify('TOPOLOGY')});`;

  function program(rest: string): string {
    const topology = JSON.stringify(twoDevices(join(folder, 'site')));
    return start.replace('"TOPOLOGY"', () => topology) + rest;
  }

  test('ends by itself once the net is closed; nothing was printed, no signal handler set', async () => {
    const { exitCode, stdout, stderr } = await run(
      program(`
        const during = process.eventNames().map(String);
        await net.close();
        if (during.join() !== before.join()) console.log(during);`),
    );
    expect([exitCode, stdout, stderr]).toEqual([0, '', '']);
  });

  test.each([
    ['ends in the middle', 'process.exit(3);'],
    ['is killed', "process.kill(process.pid, 'SIGKILL');"],
  ])('%s: nothing of the net stays', async (_, end) => {
    const { stdout } = await run(
      program(`
        const { devices } = await net.status();
        await net.freeze('web');
        process.stdout.write(JSON.stringify(devices.map(({ pid }) => pid)), () => { ${end} });`),
    );
    const pids = JSON.parse(stdout) as number[];
    expect(await Promise.all(pids.map((pid) => processGone(pid, 2000)))).toEqual([true, true]);
    await expect.poll(() => left().filter((name) => name !== 'mine'), { timeout: 2000 }).toEqual([]);
  });
});

test('a program gets what it needs to sit at a free interface, and is told where there is none', async () => {
  const topology = twoDevices(join(folder, 'site'));
  topology.devices.spare = { kind: 'switch', interfaces: { port1: {} } };
  const net = await up(topology);
  try {
    const { url, token, mtu } = net.attach('spare:port1');
    expect(url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/cable\/port1$/);
    expect(token.length).toBeGreaterThan(16);
    expect(mtu).toBe(1500);
    expect(() => net.attach('web:eth0')).toThrow('web:eth0 has the cable wire; free on web: none');
    expect(() => net.attach('web')).toThrow('it should be DEVICE:INTERFACE');
  } finally {
    await net.close();
  }
});
