// Faults on a net of real processes: each does what its receipt says, and nothing of it stays.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Receipt } from '../../orchestrator/faults/receipt.ts';
import { formatIpv4 } from '../../shared/core/address.ts';
import { Malformed } from '../../shared/core/errors.ts';
import { decodeCaptureFile } from '../../shared/wire/capture-file.ts';
import { decodeEthernet, ETHERTYPE_IPV4 } from '../../shared/wire/ethernet.ts';
import { decodeIpv4, PROTOCOL_ICMP } from '../../shared/wire/ipv4.ts';
import { Lab } from '../support/lab.ts';

const WEB = '93.184.216.34';

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.create('faults');
  await lab.up((topology) => {
    const cables = topology.cables as Record<string, object>;
    cables.uplink = { ...cables.uplink, delay: '5ms', from: { isp: { loss: '0%', rate: '1gbit' } } };
  });
});
afterAll(() => lab.close());

/** A command line whose answer is JSON. */
async function tell<T = Receipt>(...args: string[]): Promise<T> {
  return JSON.parse(await lab.ok(...args, '--json')) as T;
}

async function receiptOf(id: string): Promise<Receipt> {
  const found = (await tell<Receipt[]>('faults')).find((each) => each.id === id);
  if (!found) throw new Error(`no receipt ${id}`);
  return found;
}

/** How many of `count` pings are answered. */
async function answered(device: string, count: number, destination = WEB): Promise<number> {
  const { stdout } = await lab.exec(
    device,
    ...['ping', '-q', '-n', '-i', '0.05', '-W', '1', '-c', String(count), destination],
  );
  return Number(/(\d+) received/.exec(stdout)?.[1]);
}

/** Mean round trip in ms. */
async function roundTrip(device: string, destination = WEB): Promise<number> {
  const { stdout } = await lab.exec(device, 'ping', '-q', '-n', '-i', '0.05', '-c', '5', destination);
  return Number(/= [\d.]+\/([\d.]+)\//.exec(stdout)?.[1]);
}

/** Everything that a fault could leave behind. */
async function state() {
  const { devices, cables } = await lab.ps();
  return {
    devices: devices.map(({ device, state: how, interfaces }) => ({ device, how, interfaces })),
    cables,
  };
}

let before: Awaited<ReturnType<typeof state>>;
beforeAll(async () => {
  before = await state();
});
afterEach(async () => {
  await lab.ok('heal');
  expect(await state()).toEqual(before);
});

describe('a one-way partition laptop → web', () => {
  interface Passed {
    readonly end: string;
    readonly source: string;
    readonly destination: string;
    readonly protocol: number;
  }

  async function packetsIn(file: string): Promise<Passed[]> {
    const capture = decodeCaptureFile(await readFile(join(lab.folder, file)));
    if (capture instanceof Malformed) throw new Error(capture.reason);
    return capture.packets.flatMap(({ frame, interface: index }) => {
      const ethernet = decodeEthernet(frame);
      if (ethernet instanceof Malformed || ethernet.type !== ETHERTYPE_IPV4) return [];
      const packet = decodeIpv4(ethernet.payload);
      if (packet instanceof Malformed) throw new Error(packet.reason);
      const { source, destination, protocol } = packet;
      return [
        {
          end: capture.interfaces[index]?.name ?? '',
          source: formatIpv4(source),
          destination: formatIpv4(destination),
          protocol,
        },
      ];
    });
  }

  test('drops what the laptop sends, and nothing else, and counts each frame of it', async () => {
    // Slow, so that the capture of the download stays small.
    await lab.ok('impair', 'isp-web', '--from', 'web', '--rate', '20mbit', '--limit', '100');
    const capture = lab.spawn(['capture', 'laptop:eth0', 'router:lan1', '-w', 'partition.pcapng'], {
      buffer: false,
    });
    await new Promise<void>((armed) => {
      capture.stderr?.on('data', (text: Buffer) => text.includes('capturing') && armed());
    });
    const download = lab.spawn(['exec', 'laptop', 'curl', '-sS', `http://${WEB}/bytes/2000000000`], {
      buffer: false,
    });
    await new Promise<void>((flowing) => {
      download.stdout?.on('data', () => flowing());
    });
    const { id } = await tell('partition', 'laptop', 'web', '--one-way');
    const mark = (await packetsIn('partition.pcapng')).length;
    expect(await answered('laptop', 3)).toBe(0);
    expect(await answered('phone', 5)).toBe(5);
    download.kill('SIGINT');
    await download;
    const [healed] = await tell<Receipt[]>('heal', id);
    expect(await answered('laptop', 1)).toBe(1);
    capture.kill('SIGINT');
    await capture;

    const all = await packetsIn('partition.pcapng');
    expect(all.slice(mark).some(({ end, source }) => end === 'laptop:eth0' && source === WEB)).toBe(true);
    /** Up to the last echo request, whose answer says that all before it has arrived or was dropped. */
    const sent = (end: string) => {
      const there = all.filter((packet) => packet.end === end && packet.destination === WEB);
      return there.slice(0, there.findLastIndex(({ protocol }) => protocol === PROTOCOL_ICMP) + 1);
    };
    const missing = sent('laptop:eth0').length - sent('router:lan1').length;
    expect(missing).toBeGreaterThanOrEqual(3);
    expect(healed?.affected).toEqual({ partition: missing });
    expect(healed?.until).not.toBeNull();
  });

  test('the other way: dropped where it reaches the laptop, behind the NAT', async () => {
    const { id } = await tell('partition', 'web', 'laptop', '--one-way');
    expect(await answered('laptop', 3)).toBe(0);
    expect(await answered('phone', 3)).toBe(3);
    expect((await receiptOf(id)).affected).toEqual({ partition: 3 });
  });
});

test('a cut takes the carrier of the cable at both ends, and a splice brings it back', async () => {
  const { applied } = await tell('cut', 'uplink');
  expect(applied).toMatchObject([
    { at: 'router:wan', confirmed: true },
    { at: 'isp:home', confirmed: true },
  ]);
  const carriers = async () => (await lab.ps()).cables.filter(({ carrier }) => !carrier);
  expect((await carriers()).map(({ cable }) => cable)).toEqual(['uplink']);
  expect(await answered('laptop', 2)).toBe(0);
  const receipt = await tell('splice', 'uplink');
  expect(await carriers()).toEqual([]);
  expect(receipt.affected.cut).toBeGreaterThan(0);
  expect(await answered('laptop', 2)).toBe(2);
});

test('impairments overlap, one end at a time, and each heals to what the topology says', async () => {
  expect(await roundTrip('laptop')).toBeLessThan(45);
  const { id: slow } = await tell('impair', 'uplink', '--delay', '60ms');
  const { id: lossy } = await tell('impair', 'uplink', '--from', 'isp', '--loss', '100%');
  expect(await answered('laptop', 3)).toBe(0);
  expect((await receiptOf(lossy)).affected).toEqual({ loss: 3 });
  await lab.ok('heal', lossy);
  expect(await roundTrip('laptop')).toBeGreaterThanOrEqual(119);
  const [healed] = await tell<Receipt[]>('heal', slow);
  expect(healed?.affected.delay).toBeGreaterThanOrEqual(10);
  expect(await roundTrip('laptop')).toBeLessThan(60);
});

test('a device that is started again takes up what is active on it', async () => {
  const { id: dead } = await tell('kill', 'web');
  await answered('phone', 2);
  const { id: slow, applied } = await tell('impair', 'isp-web', '--from', 'web', '--delay', '80ms');
  expect(applied).toMatchObject([{ at: 'web:eth0', confirmed: false }]);
  const { id: hole } = await tell(
    'blackhole',
    'web',
    '--direction',
    'in',
    '--proto',
    'tcp',
    '--flags',
    'syn',
    '--first',
    '1',
  );
  await lab.ok('start', 'web');
  expect((await receiptOf(dead)).until).not.toBeNull();
  expect((await receiptOf(dead)).affected.kill).toBeGreaterThan(0);
  expect(await roundTrip('phone')).toBeGreaterThanOrEqual(79);
  const page = await lab.exec(
    'phone',
    'curl',
    '-sS',
    '-o',
    '/dev/null',
    '-w',
    '%{time_connect}',
    `http://${WEB}/`,
  );
  expect(page.exitCode).toBe(0);
  expect(Number(page.stdout)).toBeGreaterThan(0.9);
  expect(await receiptOf(slow)).toMatchObject({ applied: [{ confirmed: true }] });
  expect((await receiptOf(hole)).affected).toEqual({ filter: 1 });
});

test('a frozen device keeps its carrier, and goes on where it was', async () => {
  const { id } = await tell('freeze', 'web');
  const { devices, cables } = await lab.ps();
  expect(devices.find(({ device }) => device === 'web')?.state).toBe('frozen');
  expect(cables.every(({ carrier }) => carrier)).toBe(true);
  expect(await answered('laptop', 2)).toBe(0);
  expect((await receiptOf(id)).affected.freeze).toBeGreaterThan(0);
  const refused = await lab.run('impair', 'isp-web', '--loss', '1%');
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
  expect(refused.stderr).toMatch(
    /^tincan: web is frozen and can't confirm it; nothing was changed; .*thaw web\n?$/,
  );
  // A plug is pulled at the end that lives, and the frozen one finds it so.
  const { id: cut, applied } = await tell('cut', 'isp-web');
  expect(applied).toMatchObject([
    { at: 'isp:web', confirmed: true },
    { at: 'web:eth0', confirmed: false, waits: 'web is frozen: it takes this up when it is thawed' },
  ]);
  const carriers = async () =>
    (await lab.ps()).cables.flatMap(({ cable, carrier }) => (carrier ? [] : [cable]));
  expect(await carriers()).toEqual(['isp-web']);
  await lab.ok('thaw', 'web');
  expect(await receiptOf(cut)).toMatchObject({ applied: [{ confirmed: true }, { confirmed: true }] });
  expect(await carriers()).toEqual(['isp-web']);
  await lab.ok('splice', 'isp-web');
  expect(await answered('laptop', 2)).toBe(2);
  const web = (await lab.ps()).devices.find(({ device }) => device === 'web');
  expect(web).toMatchObject({ state: 'ready' });
  expect(web?.loopLag).toBeLessThan(1000);
});

test('all at once, and heal leaves everything as it was', async () => {
  await lab.ok('impair', 'uplink', '--loss', '20%');
  await lab.ok('cut', 'isp-dns');
  await lab.ok('partition', 'laptop,phone', 'web,dns');
  await lab.ok('partition', 'laptop', 'web', '--one-way');
  await lab.ok('misbehave', 'dns', 'dns', '--servfail');
  await lab.ok('flush', 'router', 'nat');
  await lab.ok('stop', 'phone');
  await lab.ok('kill', 'web');
  await lab.ok('freeze', 'isp');
  const healed = await tell<Receipt[]>('heal');
  expect(healed.map(({ fault }) => fault)).toEqual([
    'freeze',
    'kill',
    'stop',
    'misbehave',
    'partition',
    'partition',
    'cut',
    'impair',
  ]);
  expect(await tell<Receipt[]>('heal')).toEqual([]);
  expect(await answered('phone', 5)).toBe(5);
  const page = await lab.exec('laptop', 'curl', '-sS', 'http://www.example.com/');
  expect(page.stdout).toContain('</html>');
});

test('what can not be made is refused in one line that says what would be right', async () => {
  const refusals: [string[], number, RegExp][] = [
    [['impair', 'uplink', '--loss', '10'], 2, /loss "10" should be a percentage from 0% to 100%/],
    [['impair', 'uplink', '--delay', '50'], 2, /delay "50" should be a duration with its unit/],
    [['impair', 'uplnk', '--delay', '50ms'], 1, /no cable "uplnk" in faults; did you mean "uplink"\?/],
    [['impair', 'isp-web', '--distribution', 'normal'], 2, /there is no jitter at isp:web/],
    [['cut', 'nothing'], 1, /there is laptop-router, phone-router, uplink, isp-dns, isp-web/],
    [['freeze', 'wbe'], 1, /no device "wbe" in faults; did you mean "web"\?/],
    [['partition', 'laptop', 'nobody'], 1, /no device "nobody"/],
    [['heal', 'f999'], 1, /no fault "f999"/],
    [['misbehave', 'dns', 'ntp'], 2, /service "ntp" should be one of dns, dhcp/],
    [['blackhole', 'uplink', '--first', 'two'], 2, /first "two" should be a whole number from 1/],
  ];
  const active = (await tell<Receipt[]>('faults')).length;
  for (const [args, exitCode, complaint] of refusals) {
    const outcome = await lab.run(...args);
    expect(outcome).toMatchObject({ stdout: '', stderr: expect.stringMatching(complaint), exitCode });
    expect(outcome.stderr.trim().split('\n')).toHaveLength(1);
  }
  expect(await tell<Receipt[]>('faults')).toHaveLength(active);
});

test('a device that is killed from outside is told of, with what it logged last', async () => {
  process.kill(await lab.pid('dns'), 'SIGKILL');
  while ((await lab.ps()).devices.find(({ device }) => device === 'dns')?.state !== 'crashed');
  const text = await lab.ok('ps');
  expect(text).toMatch(/dns crashed \(SIGKILL\); its last lines:\n {2}\d\d:\d\d/);
  await lab.ok('start', 'dns');
});
