// A TAP interface at a cable's end: Linux on both sides of a cable of ours.

import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Net, type TopologyFile, up } from '../../orchestrator/api.ts';
import { Namespace } from '../support/namespace.ts';

let left: Namespace;
let right: Namespace;
let net: Net | undefined;

beforeEach(async () => {
  [left, right] = await Promise.all([Namespace.create(), Namespace.create()]);
});
afterEach(async () => {
  await net?.close();
  net = undefined;
  await Promise.all([left.close(), right.close()]);
});

function twoKernels(cable: object = {}, name = 'tap0'): TopologyFile {
  const tap = (netns: string) => ({ name, netns });
  return {
    name: 'kernels',
    devices: {
      left: {
        kind: 'tap',
        tap: tap(left.name),
        interfaces: { eth0: { mac: '02:00:00:00:00:01' } },
      },
      right: { kind: 'tap', tap: tap(right.name), interfaces: { eth0: {} } },
    },
    cables: { wire: { ends: ['left:eth0', 'right:eth0'], ...cable } },
  };
}

async function start(topology = twoKernels()): Promise<Net> {
  net = await up(topology);
  await Promise.all([left.address('tap0', '10.0.0.1/24'), right.address('tap0', '10.0.0.2/24')]);
  return net;
}

function link(namespace: Namespace): Promise<string> {
  return namespace.ok('ip', '-br', 'link', 'show', 'tap0');
}

const carrier = (namespace: Namespace) => namespace.ok('cat', '/sys/class/net/tap0/carrier');

const ping = (...args: string[]) =>
  left.run('ping', '-n', '-q', '-i', '0.05', '-W', '2', ...args, '10.0.0.2');

test('the interface has the MAC address of the topology, the MTU of the cable, and packets cross', async () => {
  const running = await start(twoKernels({ mtu: 9000 }));
  expect(await link(left)).toMatch(/UP +02:00:00:00:00:01 .*LOWER_UP/);
  expect(await left.ok('cat', '/sys/class/net/tap0/mtu')).toBe('9000');
  expect((await ping('-c', '5', '-s', '8972', '-M', 'do')).stdout).toContain('5 received');
  const { devices } = await running.status();
  expect(devices.find(({ device }) => device === 'left')).toMatchObject({
    kind: 'tap',
    state: 'ready',
    interfaces: [{ name: 'eth0', mac: '02:00:00:00:00:01', ipv4: null, carrier: true, mtu: 9000 }],
  });
  expect(await running.device('left').exec(['ip', 'addr'])).toMatchObject({ exitCode: 127 });
});

test('the kernel sees the carrier of the cable come and go', async () => {
  const running = await start();
  const cut = await running.cut('wire');
  expect([await carrier(left), await carrier(right)]).toEqual(['0', '0']);
  await cut.heal();
  expect([await carrier(left), await carrier(right)]).toEqual(['1', '1']);
  expect((await ping('-c', '3')).stdout).toContain('3 received');
});

test('faults and captures work as on every device', async () => {
  const running = await start();
  // They know each other's MAC addresses from now on: what the loss takes does not wait for those.
  await ping('-c', '1');
  const lossy = await running.impair('wire', { loss: '100%' }, { from: 'left' });
  expect((await ping('-c', '3', '-w', '1')).exitCode).toBe(1);
  expect((await lossy.heal()).affected.loss).toBeGreaterThan(0);
  const capture = await running.capture(['wire']);
  await ping('-c', '2');
  const packets = (await capture.stop()).filter(({ frame }) => frame[12] === 8 && frame[13] === 0);
  // Two pings and two answers, each seen at both ends.
  expect(packets).toHaveLength(8);
});

test('the interface goes with its device, and comes again with it', async () => {
  const running = await start();
  const killed = await running.kill('right');
  expect((await right.run('ip', 'link', 'show', 'tap0')).exitCode).toBe(1);
  await killed.heal();
  await right.address('tap0', '10.0.0.2/24');
  expect((await ping('-c', '3')).stdout).toContain('3 received');
});

test('a TAP interface that was there already is taken, and stays with its address', async () => {
  await right.ok('ip', 'tuntap', 'add', 'tap0', 'mode', 'tap');
  const running = await start();
  expect((await ping('-c', '3')).stdout).toContain('3 received');
  await running.stop('right');
  expect(await right.ok('ip', '-br', 'address', 'show', 'tap0')).toContain('10.0.0.2/24');
});

test('bulk crosses both ways, whole', async () => {
  await start();
  const server = right.start('iperf3', ['-s', '-1', '--forceflush']);
  await new Promise((resolve) => server.stdout?.once('data', resolve));
  const { stdout } = await left.run('iperf3', '-c', '10.0.0.2', '-n', '200M', '--bidir', '-J');
  const { end } = JSON.parse(stdout) as { end: Record<string, { bytes: number }> };
  expect(end.sum_received?.bytes).toBeGreaterThan(0);
  expect(end.sum_received_bidir_reverse?.bytes).toBeGreaterThan(0);
  // TCP met no corruption: Linux counts segments with bad checksums.
  expect(await right.ok('nstat', '-asz', 'TcpInCsumErrors')).toMatch(/TcpInCsumErrors +0 /);
});

describe('says in one line why it can not be', () => {
  test('a name that another interface or program has', async () => {
    await expect(up(twoKernels({}, 'lo'))).rejects.toThrow(
      /does not start: lo is an interface of another type/,
    );
    const first = await up(twoKernels());
    await expect(up(twoKernels())).rejects.toThrow(
      /(left|right) does not start: tap0 is in use by another program/,
    );
    await first.close();
  });

  test('an MTU that TAP interfaces do not have', async () => {
    await expect(up(twoKernels({ mtu: 65_535 }))).rejects.toThrow(
      /(left|right) does not start: the kernel refuses an MTU of 65535 for tap0: EINVAL/,
    );
  });

  test('a namespace that may not be entered', async () => {
    const program = `
      import { up } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};
      await up(JSON.parse(process.argv[1])).catch((error) => console.log(error.message));`;
    const { stdout } = await execa('setpriv', [
      ...['--bounding-set', '-sys_admin', process.execPath, '--input-type=module', '-e', program],
      JSON.stringify(twoKernels()),
    ]);
    expect(stdout).toMatch(
      /network namespace tincan-\w+ may not be entered: run as root, or with CAP_SYS_ADMIN/,
    );
  });
});

test('an interface that is removed from outside ends its device with the reason', async () => {
  const running = await start();
  const crashed = new Promise((resolve) =>
    running.on('device', ({ device, state }) => state === 'crashed' && resolve(device)),
  );
  await right.ok('ip', 'link', 'del', 'tap0');
  expect(await crashed).toBe('right');
  const { devices } = await running.status();
  const report = devices.find(({ device }) => device === 'right');
  expect(report?.lastLines?.join('\n')).toMatch(/tap0 is gone .*: it was removed from outside/);
  await running.start('right');
  await right.address('tap0', '10.0.0.2/24');
  expect((await ping('-c', '3')).stdout).toContain('3 received');
});

test('an unprivileged user makes one in a user namespace of their own', async () => {
  const program = `
    import { up } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};
    import { execFileSync } from 'node:child_process';
    const plug = { kind: 'tap', tap: { name: 'tap0' }, interfaces: { eth0: {} } };
    const host = { kind: 'host', interfaces: { eth0: { ipv4: '10.0.0.2/24' } } };
    execFileSync('ip', ['link', 'set', 'lo', 'up']);
    const net = await up({ name: 'own', devices: { plug, host }, cables: { wire: { ends: ['plug:eth0', 'host:eth0'] } } });
    execFileSync('ip', ['address', 'add', '10.0.0.1/24', 'dev', 'tap0']);
    console.log(execFileSync('ping', ['-n', '-q', '-c', '2', '10.0.0.2'], { encoding: 'utf8' }));
    await net.close();`;
  const { stdout, stderr } = await execa(
    'unshare',
    ['-rn', process.execPath, '--input-type=module', '-e', program],
    { reject: false },
  );
  expect(stdout, stderr).toContain('2 received');
});
