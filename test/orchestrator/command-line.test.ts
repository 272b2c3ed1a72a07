// The command line on fake devices: what each command does, says and ends with.

import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askNet } from '../../orchestrator/net-client.ts';
import type { NetStatus } from '../../orchestrator/net-status.ts';
import { processGone } from '../../orchestrator/process-state.ts';
import { readRecord } from '../../orchestrator/run-record.ts';
import { FakePackage } from '../support/fake-package.ts';

/** ms in which the slowest machine has done whatever is waited for. */
const PATIENCE = 20_000;

let tc: FakePackage;
beforeAll(async () => {
  tc = await FakePackage.make();
});
afterAll(() => tc.remove());

/** Waits for what was done from outside to be seen. */
async function expectStates(...expected: readonly string[]): Promise<void> {
  await expect.poll(async () => (await states())[0], { timeout: PATIENCE }).toEqual(expected);
}

async function up(name: string, more?: object): Promise<void> {
  const { exitCode, stderr } = await tc.tincan(['up', '-d', tc.topology(name, {}, more)]);
  expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
}

/** What `ps --json` prints, without a process for each look. */
async function ps(net = 'net'): Promise<NetStatus> {
  const record = readRecord(join(tc.runtime, 'tincan', net));
  if (!record) throw new Error(`${net} has no record`);
  return (await askNet(record, 'status')) as NetStatus;
}

async function pidOf(name: string): Promise<number> {
  return (await ps()).devices.find(({ device }) => device === name)?.pid ?? 0;
}

/** States of the devices, in order, and whether the cables have their carrier. */
async function states() {
  const { devices, cables } = await ps();
  return [devices.map(({ state }) => state), cables.map(({ carrier }) => carrier)];
}

const ALL_READY = [
  ['ready', 'ready', 'ready', 'ready'],
  [true, true],
];

type Expectation = readonly [argv: readonly string[], text: RegExp];

/** Runs commands together that must fail, with nothing on standard output. */
async function expectFailures(exitCode: number, failures: readonly Expectation[]): Promise<void> {
  const runs = await Promise.all(failures.map(([argv]) => tc.tincan(argv)));
  for (const [index, [argv, text]] of failures.entries()) {
    const { stderr, stdout, exitCode: code } = runs[index] ?? {};
    expect({ argv, stderr, stdout, code }).toEqual({
      argv,
      stderr: expect.stringMatching(text),
      stdout: '',
      code: exitCode,
    });
    if (exitCode === 2) expect(stderr).toMatch(/^tincan: [^\n]+$/);
  }
}

describe('without a net', () => {
  test('wrong usage ends with 2 and one line', () =>
    expectFailures(2, [
      [['fly'], /unknown command 'fly'/],
      [['dwon'], /unknown command 'dwon' \(Did you mean down\?\)/],
      [['ps', '--jsno'], /unknown option '--jsno' \(Did you mean --json\?\)/],
      [['ps', 'extra'], /too many arguments/],
      [['exec'], /missing required argument 'device'/],
      [['exec', 'one'], /missing required argument 'command'/],
      [['kill'], /missing required argument 'device'/],
      [['capture'], /missing required argument 'cable'/],
      [['capture', 'first', '-s', '-1'], /-s, --snapshot-length <bytes>.* a whole number from 0 to 262144/],
      [['capture', 'first', '-s', '262145'], /a whole number from 0 to 262144/],
      [['up', '--log-level', 'loud'], /Allowed choices are trace, debug/],
      [['up', '--timeout', '30'], /duration with its unit, such as 30s/],
      [['up', '--net', 'My Net'], /--net "My Net" should be a name/],
      [['topology', '--net', ''], /--net "" should be a name/],
      [['topology', '--seed', '-1'], /a whole number from 0 to 9007199254740991/],
      [['topology', '--hosts', '81'], /a whole number from 1 to 80/],
      [['topology', '--homes', '1', '--isps', '5'], /--isps 5 should be at most 1: every ISP has a home/],
      [['topology', '--homes', '200', '--hosts', '80'], /16204 devices is too big, 5000 are the most/],
      [['attach', 'one'], /should be DEVICE:INTERFACE/],
    ]));

  test('--help and --version are no errors, nothing at all is one', async () => {
    const [help, version, nothing] = await Promise.all([
      tc.tincan(['--help']),
      tc.tincan(['--version']),
      tc.tincan([]),
    ]);
    expect(help).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('exec') });
    expect(version).toMatchObject({ exitCode: 0, stdout: '1.2.3' });
    expect(nothing).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('Usage') });
  });

  test('what fails ends with 1', () =>
    expectFailures(1, [
      [['ps'], /no net is running; start one with: tincan up/],
      [['ps', '--net', 'lab'], /no net "lab" is running; start one with: tincan up/],
      [['ps', '--net', ''], /no net "" is running; start one with: tincan up/],
      [['up', 'none.json'], /none\.json: there is no such file/],
    ]));

  test('every fault of a topology is said, however many there are', async () => {
    const devices = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`d${index}`, null]));
    const file = join(tc.folder, 'faults.json');
    writeFileSync(file, JSON.stringify({ name: 'faults', devices }));
    const { exitCode, stderr } = await tc.tincan(['up', file]);
    expect([exitCode, stderr.split('\n').length]).toEqual([1, 3000]);
  });
});

describe.each([
  [
    'dies-at-birth',
    '30s',
    /two ended while it started: exit code 3\n {2}the first line of its end\n {2}the last line/,
  ],
  ['says-nonsense', '30s', /two said no address on its first line but "hello"/],
  ['never-ready', '3s', /is not ready after 3 s: two waits for better times/],
  ['never-answers', '3s', /is not ready after 3 s: two is starting/],
])('a device that %s fails the start', (manner, timeout, text) => {
  test('and the rest is taken down', async () => {
    const file = tc.topology(manner, { two: manner });
    const nets = [`${manner}-a`, `${manner}-b`];
    const runs = await Promise.all(
      nets.map((net, index) =>
        tc.tincan(['up', file, '--net', net, '--timeout', timeout, ...['-d'].slice(index)]),
      ),
    );
    for (const { exitCode, stderr } of runs)
      expect([exitCode, stderr]).toEqual([1, expect.stringMatching(text)]);
    for (const net of nets) expect(readdirSync(join(tc.runtime, 'tincan', net))).not.toContain('net.json');
    expect(readdirSync(join(tc.runtime, 'tincan')).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});

// One net for all of these: each leaves it as it was.
describe('with a net', () => {
  beforeAll(async () => {
    const { devices } = JSON.parse(readFileSync(tc.topology('net'), 'utf8'));
    devices.two.restart = 'on-failure';
    devices.four = { kind: 'host', hostname: 'will-not-stop', interfaces: { a: {} } };
    await up('net', { devices });
  });
  afterAll(() => tc.tincan(['down', '--net', 'net']));

  test('ps shows devices and cables', async () => {
    const status = JSON.parse((await tc.tincan(['ps', '--json'])).stdout) as NetStatus;
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
  });

  test('what fails ends with 1 and says what there is', async () => {
    await expectFailures(1, [
      [['ps', '--net', 'nett'], /no net "nett" is running; did you mean "net"\?/],
      [['exec', 'noe', 'echo'], /no device "noe" in net; did you mean "one"\?/],
      [['kill', 'one', 'five'], /no device "five" in net; there is one, two, three, four/],
      [['start', 'one'], /one is running already/],
      [['logs', 'five'], /no device "five" in net/],
      [['capture', 'frist'], /no cable "frist" in net; did you mean "first"\?/],
      [['capture', 'one:c'], /no interface "c" on one; there is a, free/],
      [['capture', 'first', '-w', 'no/such/folder'], /can't write no\/such\/folder: ENOENT/],
      [['attach', 'one:c'], /no interface "c" on one/],
      [['attach', 'one:a'], /one:a has the cable first; free on one: free/],
      [['attach', 'three:b'], /free on three: none/],
      [['up', '-d', 'net.json'], /a net net is running already; end it with: tincan down --net net/],
    ]);
    expect(await states()).toEqual(ALL_READY);
  });

  test('exec passes streams, arguments, the folder and the exit code', async () => {
    const text = 'to and fro\n'.repeat(100_000);
    const [echo, warn, pwd, code, cat] = await Promise.all([
      tc.tincan(['exec', 'one', 'echo', '--json', '-w', 'x']),
      tc.tincan(['exec', 'one', 'warn', 'careful']),
      tc.tincan(['exec', 'one', 'pwd']),
      tc.tincan(['exec', 'one', 'exit', '28']),
      tc.tincan(['exec', 'one', 'cat'], text),
    ]);
    expect(echo.stdout).toBe('--json -w x');
    expect(warn).toMatchObject({ stdout: '', stderr: 'careful' });
    expect(pwd.stdout).toBe(tc.folder);
    expect(code.exitCode).toBe(28);
    expect(cat.stdout).toBe(text.trimEnd());
  });

  test('exec passes signals', async () => {
    const run = tc.tincan(['exec', 'one', 'wait']);
    run.stdout.once('data', () => run.kill('SIGTERM'));
    expect(await run).toMatchObject({ stdout: 'waiting\nSIGTERM', exitCode: 130 });
  });

  test('ps shows how late a device is that is busy and does not answer', async () => {
    const file = join(tc.folder, 'unblocked');
    const lagOf = async (index: number) => (await ps()).devices[index]?.loopLag;
    const run = tc.tincan(['exec', 'one', 'block', file]);
    await expect.poll(() => lagOf(0), { timeout: PATIENCE }).toBeGreaterThan(1000);
    expect(await lagOf(1)).toBe(0);
    writeFileSync(file, '');
    expect((await run).exitCode).toBe(0);
    await expect.poll(() => lagOf(0), { timeout: PATIENCE }).toBe(0);
  });

  test('exec says what became of its device; start starts all or none', async () => {
    await expectFailures(1, [[['exec', 'one', 'crash'], /^tincan: one went away while the command ran$/]]);
    const pid = await pidOf('three');
    process.kill(pid, 'SIGSTOP');
    await expectFailures(1, [
      [['exec', 'one', 'echo'], /one is not running; start it with: tincan start one/],
      [['exec', 'three', 'echo'], /three is frozen; wake it with: tincan thaw three/],
      [['capture', 'three:b', '-w', 'frozen.pcapng'], /three is frozen/],
      [['start', 'one', 'two'], /two is running already/],
    ]);
    await expectStates('crashed', 'ready', 'frozen', 'ready');
    process.kill(pid, 'SIGCONT');
    expect((await tc.tincan(['start', 'one'])).stderr).toBe('');
    await expect.poll(states, { timeout: PATIENCE }).toEqual(ALL_READY);
  });

  test.each([
    ['kill', 'crashed'],
    ['stop', 'stopped'],
  ])('%s and start: carriers go and come back', async (verb, state) => {
    await tc.tincan([verb, 'two']);
    expect(await states()).toEqual([
      ['ready', state, 'ready', 'ready'],
      [false, false],
    ]);
    expect((await tc.tincan(['start', 'two'])).stderr).toBe('');
    expect(await states()).toEqual(ALL_READY);
  });

  test('restart, of several', async () => {
    const before = await ps();
    await tc.tincan(['restart', 'one', 'three']);
    const after = await ps();
    expect(after.cables.map(({ carrier }) => carrier)).toEqual([true, true]);
    const same = after.devices.map(({ pid }, index) => pid === before.devices[index]?.pid);
    expect(same).toEqual([false, true, false, true]);
    expect((await tc.tincan(['logs', 'three', '--json'])).stdout).toMatch(/Started for the 2\. time/);
  });

  test('a device whose neighbour is gone or frozen starts without that cable', async () => {
    await tc.tincan(['kill', 'one', 'two']);
    expect((await tc.tincan(['start', 'two'])).stderr).toBe('');
    const three = await pidOf('three');
    process.kill(three, 'SIGSTOP');
    expect((await tc.tincan(['restart', 'two'])).exitCode).toBe(0);
    expect((await states())[0]).toEqual(['crashed', 'ready', 'frozen', 'ready']);
    process.kill(three, 'SIGCONT');
    await tc.tincan(['start', 'one']);
    await expect.poll(states, { timeout: PATIENCE }).toEqual(ALL_READY);
  });

  test('one that will not stop is made to', async () => {
    expect((await tc.tincan(['stop', 'four'])).exitCode).toBe(0);
    expect((await states())[0]).toEqual(['ready', 'ready', 'ready', 'stopped']);
    await tc.tincan(['start', 'four']);
  });

  test('ps tells what was killed, frozen and thawed from outside', async () => {
    const [one, three] = [await pidOf('one'), await pidOf('three')];
    process.kill(one, 'SIGKILL');
    process.kill(three, 'SIGSTOP');
    await expectStates('crashed', 'ready', 'frozen', 'ready');
    process.kill(three, 'SIGCONT');
    await expectStates('crashed', 'ready', 'ready', 'ready');
    await tc.tincan(['start', 'one']);
  });

  test('a device that is to be restarted comes back by itself', async () => {
    const before = await pidOf('two');
    process.kill(before, 'SIGKILL');
    await expect
      .poll(() => pidOf('two'), { timeout: PATIENCE })
      .toSatisfy((pid) => pid > 0 && pid !== before);
    await expect.poll(states, { timeout: PATIENCE }).toEqual(ALL_READY);
  });

  test('capture says when it is armed, and ends whole at a signal', async () => {
    const file = join(tc.folder, 'trip.pcapng');
    const run = tc.tincan(['capture', 'first', 'three:b', '-w', file]);
    run.stderr.once('data', () => run.kill('SIGINT'));
    expect(await run).toMatchObject({ stderr: 'capturing', exitCode: 0 });
    const bytes = readFileSync(file);
    for (const name of ['one:a', 'two:a', 'three:b', 'cable first']) expect(bytes.includes(name)).toBe(true);
    expect(bytes.readUInt32LE(0)).toBe(0x0a0d0d0a);
  });

  test('capture waits for what is dead, outlasts a device, and goes on when that is back', async () => {
    const file = join(tc.folder, 'again.pcapng');
    await tc.tincan(['stop', 'three']);
    const run = tc.tincan(['capture', 'three:b', '-w', file]);
    await once(run.stderr, 'data');
    const size = () => (existsSync(file) ? readFileSync(file).length : 0);
    // A fake device captures one frame as soon as it is asked.
    for (const verb of ['start', 'restart']) {
      const before = size();
      await tc.tincan([verb, 'three']);
      await expect.poll(size, { timeout: PATIENCE }).toBeGreaterThan(before);
    }
    run.kill('SIGTERM');
    expect((await run).exitCode).toBe(0);
  });

  test('a second net over Unix sockets stands beside it; its captures and logs end with it', async () => {
    await up('other', { transport: 'unix' });
    await expectFailures(1, [
      [['ps'], /^tincan: several nets are running: net, other; say which with --net$/],
    ]);
    const other = await ps('other');
    expect(other.cables.map(({ carrier }) => carrier)).toEqual([true, true]);
    const { stdout } = await tc.tincan(['--net', 'other', 'attach', 'one:free', '--json']);
    expect(JSON.parse(stdout).url).toBe(`ws+unix:${tc.runtime}/tincan/other/one.sock:/cable/free`);
    const capture = tc.tincan(['capture', '--net', 'other', 'first', '-w', join(tc.folder, 'down.pcapng')]);
    const logs = tc.tincan(['logs', '--net', 'other', '-f', 'two']);
    await Promise.all([once(capture.stderr, 'data'), once(logs.stdout, 'data')]);

    expect((await tc.tincan(['down', '--net', 'other'])).stdout).toBe('other is down');
    for (const { pid } of other.devices) expect(await processGone(pid ?? 0, 0)).toBe(true);
    expect((await capture).exitCode).toBe(0);
    expect((await logs).stdout).toMatch(/Started for the 1\. time\n.*Stopping$/);
    const left = readdirSync(join(tc.runtime, 'tincan', 'other'));
    expect(left.filter((name) => !name.startsWith('run-'))).toEqual(['logs']);
    expect((await tc.tincan(['logs', '--net', 'other'])).stdout).toMatch(/one {4}device.start +Started/);
    expect(await states()).toEqual(ALL_READY);
  });

  test('a net whose record is damaged can be ended all the same', async () => {
    const { rundir } = await ps();
    const file = join(rundir, 'net.json');
    const whole = readFileSync(file, 'utf8');
    const { pid } = JSON.parse(whole) as { pid: number };
    const says = new RegExp(`net is running, but ${file} is damaged; end it with: kill ${pid}`);
    writeFileSync(file, whole.slice(0, 100));
    await expectFailures(1, [
      [['ps'], says],
      [['down', '--net', 'net'], says],
    ]);
    writeFileSync(file, whole);
    expect(await states()).toEqual(ALL_READY);
  });
});
