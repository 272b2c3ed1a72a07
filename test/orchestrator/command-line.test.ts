import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { NetStatus } from '../../orchestrator/net-status.ts';
import { processGone } from '../../orchestrator/process-state.ts';
import { FakePackage } from '../support/fake-package.ts';

let tc: FakePackage;
beforeAll(async () => {
  tc = await FakePackage.make();
});
afterEach(async () => {
  for (const net of ['net', 'other'])
    if (existsSync(join(tc.runtime, 'tincan', net, 'net.json'))) await tc.tincan(['down', '--net', net]);
});
afterAll(() => tc.remove());

async function up(name: string, manners?: Record<string, string>, more?: object): Promise<void> {
  const { exitCode, stderr } = await tc.tincan(['up', '-d', tc.topology(name, manners, more)]);
  expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
}

async function ps(...argv: string[]): Promise<NetStatus> {
  return JSON.parse((await tc.tincan(['ps', '--json', ...argv])).stdout) as NetStatus;
}

function pidOf(status: NetStatus, name: string): number {
  return status.devices.find(({ device }) => device === name)?.pid ?? 0;
}

async function states(): Promise<Record<string, string>> {
  return Object.fromEntries((await ps()).devices.map(({ device, state }) => [device, state]));
}

const ALL_READY = { one: 'ready', two: 'ready', three: 'ready' };

describe('wrong usage ends with 2 and one line', () => {
  test.each([
    [['fly'], /unknown command 'fly'/],
    [['dwon'], /unknown command 'dwon' \(Did you mean down\?\)/],
    [['ps', '--jsno'], /unknown option '--jsno' \(Did you mean --json\?\)/],
    [['ps', 'extra'], /too many arguments/],
    [['exec'], /missing required argument 'device'/],
    [['exec', 'one'], /missing required argument 'command'/],
    [['kill'], /missing required argument 'device'/],
    [['capture'], /missing required argument 'cable'/],
    [['up', '--log-level', 'loud'], /Allowed choices are trace, debug/],
    [['up', '--timeout', '30'], /duration with its unit, such as 30s/],
    [['up', '--net', 'My Net'], /--net My Net should be a name/],
    [['attach', 'one'], /should be DEVICE:INTERFACE/],
  ])('%j', async (argv, text) => {
    const { exitCode, stderr, stdout } = await tc.tincan(argv);
    expect(stderr).toMatch(text);
    expect(stderr).toMatch(/^tincan: [^\n]+$/);
    expect([exitCode, stdout]).toEqual([2, '']);
  });

  test('--help is no error, nothing at all is one', async () => {
    expect(await tc.tincan(['--help'])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('exec'),
    });
    expect(await tc.tincan([])).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('Usage') });
  });
});

describe('what fails ends with 1', () => {
  test.each([
    [['ps'], /no net is running; start one with: tincan up/],
    [['ps', '--net', 'lab'], /lab is not running; start one with: tincan up/],
    [['up', 'none.json'], /none\.json: there is no such file/],
  ])('without a net: %j', async (argv, text) => {
    const { exitCode, stderr } = await tc.tincan(argv);
    expect(stderr).toMatch(text);
    expect(exitCode).toBe(1);
  });

  test('with a net', async () => {
    await up('net');
    const says = async (argv: string[], text: RegExp) => {
      const { exitCode, stderr } = await tc.tincan(argv);
      expect(stderr).toMatch(text);
      expect(exitCode).toBe(1);
    };
    await says(['ps', '--net', 'nett'], /no net "nett" is running; did you mean "net"\?/);
    await says(['exec', 'noe', 'echo'], /no device "noe" in net; did you mean "one"\?/);
    await says(['kill', 'one', 'four'], /no device "four" in net; there is one, two, three/);
    await says(['start', 'one'], /one is running already/);
    await says(['logs', 'four'], /no device "four" in net/);
    await says(['capture', 'frist'], /no cable "frist" in net; did you mean "first"\?/);
    await says(['capture', 'one:c'], /no interface "c" on one; there is a, free/);
    await says(['attach', 'one:c'], /no interface "c" on one/);
    await says(['attach', 'one:a'], /one:a has the cable first; free on one: free/);
    await says(['attach', 'three:b'], /free on three: none/);
    await says(
      ['up', '-d', tc.topology('net')],
      /a net net is running already; end it with: tincan down --net net/,
    );
    expect(await states()).toEqual(ALL_READY);
  });

  test.each([
    [
      'dies-at-birth',
      /two ended while it started: exit code 3\n {2}the first line of its end\n {2}the last line/,
    ],
    ['says-nonsense', /two said no address on its first line but "hello"/],
    ['never-ready', /net is not ready after 1 s: two waits for better times/],
  ])('when a device %s, and the rest is taken down', async (manner, text) => {
    const file = tc.topology('net', { two: manner });
    for (const detach of [[], ['-d']]) {
      const { exitCode, stderr } = await tc.tincan(['up', file, '--timeout', '1s', ...detach]);
      expect(stderr).toMatch(text);
      expect(exitCode).toBe(1);
      expect(readdirSync(join(tc.runtime, 'tincan')).filter((name) => name !== 'net')).toEqual([]);
      expect(readdirSync(join(tc.runtime, 'tincan', 'net'))).not.toContain('net.json');
    }
  });
});

test('up, ps and down', async () => {
  await up('net');
  const status = await ps();
  expect(status).toMatchObject({ net: 'net', rundir: join(tc.runtime, 'tincan', 'net') });
  expect(status.devices[1]).toMatchObject({
    device: 'two',
    kind: 'host',
    state: 'ready',
    interfaces: [
      { name: 'a', carrier: true, mtu: 1500, ipv4: null, mac: expect.any(String) },
      { name: 'b', carrier: true, mtu: 1500, ipv4: null, mac: expect.any(String) },
    ],
  });
  expect(status.cables).toEqual([
    { cable: 'first', ends: ['one:a', 'two:a'], carrier: true },
    { cable: 'second', ends: ['two:b', 'three:b'], carrier: true },
  ]);
  expect((await tc.tincan(['ps'])).stdout).toMatch(
    /^DEVICE +KIND +STATE[\s\S]+three +host +ready[\s\S]+first +one:a two:a +up/,
  );
  const { stdout } = await tc.tincan(['down']);
  expect(stdout).toBe('net is down');
  for (const { pid } of status.devices) expect(await processGone(pid ?? 0, 0)).toBe(true);
  expect(readdirSync(join(tc.runtime, 'tincan'))).toEqual(['net']);
  expect((await tc.tincan(['logs'])).stdout).toMatch(/one {4}device.start +Started/);
});

test('two nets side by side, over TCP and over Unix sockets', async () => {
  await up('net');
  await up('other', {}, { transport: 'unix' });
  const { stderr, exitCode } = await tc.tincan(['ps']);
  expect([stderr, exitCode]).toEqual([
    'tincan: several nets are running: net, other; say which with --net',
    1,
  ]);
  const [net, other] = [await ps('--net', 'net'), await ps('--net', 'other')];
  expect([...net.cables, ...other.cables].map(({ carrier }) => carrier)).toEqual([true, true, true, true]);
  const url = JSON.parse((await tc.tincan(['--net', 'other', 'attach', 'one:free', '--json'])).stdout).url;
  expect(url).toBe(`ws+unix:${tc.runtime}/tincan/other/one.sock:/cable/free`);
  await tc.tincan(['down', '--net', 'other']);
  expect(readdirSync(join(tc.runtime, 'tincan', 'other')).filter((name) => name.endsWith('.sock'))).toEqual(
    [],
  );
  expect(await states()).toEqual(ALL_READY);
});

describe('exec', () => {
  test('passes streams, arguments, the folder and the exit code', async () => {
    await up('net');
    expect(await tc.tincan(['exec', 'one', 'echo', '--json', '-w', 'x'])).toMatchObject({
      stdout: '--json -w x',
    });
    expect(await tc.tincan(['exec', 'one', 'warn', 'careful'])).toMatchObject({
      stdout: '',
      stderr: 'careful',
    });
    expect((await tc.tincan(['exec', 'one', 'pwd'])).stdout).toBe(tc.folder);
    expect((await tc.tincan(['exec', 'one', 'exit', '28'])).exitCode).toBe(28);
    const text = 'to and fro\n'.repeat(100_000);
    const { stdout } = await tc.tincan(['exec', 'one', 'cat'], text);
    expect(stdout).toBe(text.trimEnd());
  });

  test('passes signals', async () => {
    await up('net');
    const run = tc.tincan(['exec', 'one', 'wait']);
    run.stdout.once('data', () => run.kill('SIGTERM'));
    expect(await run).toMatchObject({ stdout: 'waiting\nSIGTERM', exitCode: 130 });
  });

  test('says what became of its device', async () => {
    await up('net');
    expect(await tc.tincan(['exec', 'one', 'crash'])).toMatchObject({
      stderr: 'tincan: one went away while the command ran',
      exitCode: 1,
    });
    expect((await tc.tincan(['exec', 'one', 'echo'])).stderr).toMatch(
      /one is not running; start it with: tincan start one/,
    );
    const pid = pidOf(await ps(), 'two');
    process.kill(pid, 'SIGSTOP');
    expect((await tc.tincan(['exec', 'two', 'echo'])).stderr).toContain(
      `two is frozen; wake it with: kill -CONT ${pid}`,
    );
    process.kill(pid, 'SIGCONT');
  });
});

describe('kill, stop, start, restart return when they are in effect', () => {
  test('carriers go and come back', async () => {
    await up('net');
    const carriers = async () => (await ps()).cables.map(({ carrier }) => carrier);
    for (const [verb, state] of [
      ['kill', 'crashed'],
      ['stop', 'stopped'],
    ] as const) {
      await tc.tincan([verb, 'two']);
      expect(await states()).toEqual({ ...ALL_READY, two: state });
      expect(await carriers()).toEqual([false, false]);
      expect((await tc.tincan(['start', 'two'])).stderr).toBe('');
      expect(await carriers()).toEqual([true, true]);
    }
    const before = await ps();
    await tc.tincan(['restart', 'one', 'three']);
    const after = await ps();
    expect(await carriers()).toEqual([true, true]);
    expect(pidOf(after, 'one')).not.toBe(pidOf(before, 'one'));
    expect(pidOf(after, 'two')).toBe(pidOf(before, 'two'));
    expect((await tc.tincan(['logs', 'one', '--json'])).stdout).toMatch(/Started for the 2\. time/);
  });

  test('a device whose neighbour is gone or frozen starts without that cable', async () => {
    await up('net');
    await tc.tincan(['kill', 'one', 'two']);
    expect((await tc.tincan(['start', 'two'])).stderr).toBe('');
    expect((await ps()).cables.map(({ carrier }) => carrier)).toEqual([false, true]);
    process.kill(pidOf(await ps(), 'three'), 'SIGSTOP');
    expect((await tc.tincan(['restart', 'two'])).exitCode).toBe(0);
    expect(await states()).toEqual({ one: 'crashed', two: 'ready', three: 'frozen' });
  });

  test('one that will not stop is made to', async () => {
    await up('net', { two: 'will-not-stop' });
    expect((await tc.tincan(['stop', 'two'])).exitCode).toBe(0);
    expect(await states()).toEqual({ ...ALL_READY, two: 'stopped' });
  });
});

test('ps tells what was killed, frozen and thawed from outside', async () => {
  await up('net');
  const [one, two] = [pidOf(await ps(), 'one'), pidOf(await ps(), 'two')];
  process.kill(one, 'SIGKILL');
  process.kill(two, 'SIGSTOP');
  expect(await states()).toEqual({ one: 'crashed', two: 'frozen', three: 'ready' });
  process.kill(two, 'SIGCONT');
  expect(await states()).toEqual({ one: 'crashed', two: 'ready', three: 'ready' });
});

test('a device that is to be restarted comes back by itself', async () => {
  const file = tc.topology('net');
  const json = JSON.parse(readFileSync(file, 'utf8'));
  json.devices.two.restart = 'on-failure';
  await up('net', {}, { devices: json.devices });
  const before = pidOf(await ps(), 'two');
  process.kill(before, 'SIGKILL');
  await expect
    .poll(async () => (await ps()).cables.every(({ carrier }) => carrier), { timeout: 10_000 })
    .toBe(true);
  expect(pidOf(await ps(), 'two')).not.toBe(before);
});

describe('capture', () => {
  test('says when it is armed, and ends whole at a signal', async () => {
    await up('net');
    const file = join(tc.folder, 'trip.pcapng');
    const run = tc.tincan(['capture', 'first', 'three:b', '-w', file]);
    run.stderr.once('data', () => run.kill('SIGINT'));
    expect(await run).toMatchObject({ stderr: 'capturing', exitCode: 0 });
    const bytes = readFileSync(file);
    for (const name of ['one:a', 'two:a', 'three:b', 'cable first']) expect(bytes.includes(name)).toBe(true);
    expect(bytes.readUInt32LE(0)).toBe(0x0a0d0d0a);
  });

  test('ends with the net', async () => {
    await up('net');
    const run = tc.tincan(['capture', 'first', '-w', join(tc.folder, 'down.pcapng')]);
    run.stderr.once('data', () => {
      tc.tincan(['down']).catch(() => {});
    });
    expect(await run).toMatchObject({ exitCode: 0 });
  });

  test('outlasts a device, and goes on when that is back', async () => {
    await up('net');
    const file = join(tc.folder, 'again.pcapng');
    const run = tc.tincan(['capture', 'two:a', '-w', file]);
    await new Promise((resolve) => run.stderr.once('data', resolve));
    await tc.tincan(['restart', 'two']);
    // A fake device captures one frame as soon as it is asked.
    const size = () => (existsSync(file) ? readFileSync(file).length : 0);
    const once = size();
    await expect.poll(size, { timeout: 10_000 }).toBeGreaterThan(once);
    run.kill('SIGTERM');
    expect((await run).exitCode).toBe(0);
  });
});

test('logs -f goes on until the net ends', async () => {
  await up('net');
  const run = tc.tincan(['logs', '-f', 'two']);
  await new Promise((resolve) => run.stdout.once('data', resolve));
  await tc.tincan(['down']);
  expect((await run).stdout).toMatch(/Started for the 1\. time\n.*Stopping$/);
});
