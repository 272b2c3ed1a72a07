// Each check of a soak notices what it is there for.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Device, FrameCapture, Net, Receipt } from '../../orchestrator/api.ts';
import type { ArpRow, NatRow } from '../../shared/device/command.ts';
import { readArguments } from './arguments.ts';
import { faultsLeft } from './faults-left.ts';
import { FrameWatch } from './frames.ts';
import { holdingsGrown } from './holdings.ts';
import { children, leftBehind } from './left-behind.ts';
import { Load } from './load.ts';
import { logProblems } from './logs.ts';
import { memoryGrown } from './memory.ts';
import { receiptProblems, receiptsChanged } from './receipts.ts';
import { overstayed, readSockets, type Tables, unexplained } from './tables.ts';

describe('a load', () => {
  /** One try of each program on devices that answer like this. */
  async function problemsOf(device: object): Promise<string[]> {
    const net = { device: () => device as Device };
    const patience = { download: 50, 'long download': 50, upload: 50, resolve: 50, ping: 50 };
    const load = new Load(net, 1, { patience, grace: 50 });
    await load.stop();
    return [...new Set(load.problems.map((problem) => problem.replace(/\d+/g, 'N')))];
  }

  const refused = async (): Promise<never> => {
    throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
  };
  const fake = { fetch: refused, resolve: refused, ping: refused };

  test('takes the errors of a broken net', async () => {
    expect(await problemsOf(fake)).toEqual([]);
  });

  test('notices other bytes, fewer bytes, and an answer to something else', async () => {
    const fetch = async () => new Response('x');
    expect(await problemsOf({ ...fake, fetch })).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/download of .*: N bytes? instead of N, and no error/),
        expect.stringMatching(/upload of N bytes: the server has received x instead of N /),
      ]),
    );
    const resolve = async () => ['192.0.2.1'];
    expect(await problemsOf({ ...fake, resolve })).toContainEqual(
      expect.stringMatching(/look-up .*: answered N\.N\.N\.N/),
    );
    const ping = async () => ({ transmitted: 3, received: 4 });
    expect(await problemsOf({ ...fake, ping })).toContainEqual(expect.stringMatching(/N of N answered/));
  });

  test('notices an error that is none of a net', async () => {
    const fetch = async () => {
      throw new TypeError('undefined is not a function');
    };
    expect(await problemsOf({ ...fake, fetch })).toContainEqual(
      expect.stringMatching(/download .*: TypeError, which is no error of a broken net: undefined is/),
    );
  });

  test('notices what hangs', async () => {
    const fetch = () => new Promise<Response>(() => {});
    expect(await problemsOf({ ...fake, fetch })).toContainEqual(
      expect.stringMatching(/download .*: it hangs/),
    );
  });
});

test('a device that has not healed is noticed', () => {
  const well = { impairments: { eth0: {} }, cut: [], filters: [], misbehaviours: [] };
  const before = new Map([['web', well]]);
  expect(faultsLeft(before, new Map([['web', { ...well }]]))).toEqual([]);
  for (const left of [
    { impairments: { eth0: { loss: 0.1 } } },
    { cut: ['eth0'] },
    { filters: ['f1'] },
    { misbehaviours: ['f2'] },
  ])
    expect(faultsLeft(before, new Map([['web', { ...well, ...left }]]))).toHaveLength(1);
});

describe('tables', () => {
  const MAC = '02:00:00:00:00:01';

  function tables(
    device: { ss?: string; arp?: ArpRow[]; routes?: string[] },
    more?: Partial<Tables>,
  ): Tables {
    const { ss = '', arp = [], routes = [] } = device;
    return {
      at: 100_000,
      devices: new Map([['web', { sockets: readSockets(ss), arp, routes }]]),
      nat: [],
      leases: [],
      router: 1,
      macs: new Map([['10.0.0.1', MAC]]),
      ...more,
    };
  }

  function problemsOf(now: Tables, baseline = tables({})): string[] {
    return unexplained(now, { baseline, healed: 50_000 });
  }

  const LISTENER = 'tcp LISTEN 0 511 0.0.0.0:80 0.0.0.0:*\n';

  test('a socket needs a timer, or to have been there at the start', () => {
    const ends = 'tcp TIME-WAIT 0 0 10.0.0.1:80 10.0.0.2:5 timer:(timewait,59sec,0)\n';
    expect(problemsOf(tables({ ss: LISTENER + ends }), tables({ ss: LISTENER }))).toEqual([]);
    expect(problemsOf(tables({ ss: '' }), tables({ ss: LISTENER }))).toEqual([
      'web has lost its socket tcp LISTEN 0.0.0.0:80 0.0.0.0:*',
    ]);
    expect(problemsOf(tables({ ss: 'tcp CLOSE-WAIT 1 0 10.0.0.1:80 10.0.0.2:5\n' }))).toEqual([
      'web has a socket that nothing will end: tcp CLOSE-WAIT 10.0.0.1:80 10.0.0.2:5',
    ]);
    expect(problemsOf(tables({ ss: 'udp UNCONN 0 0 0.0.0.0:50000 0.0.0.0:*\n' }))).toHaveLength(1);
  });

  test('an ARP entry is true, or older than the healing, and goes in time', () => {
    const arp: ArpRow = { address: '10.0.0.1', interface: 'eth0', mac: MAC, state: 'stale', age: 10_000 };
    const other = '02:00:00:00:00:99';
    expect(problemsOf(tables({ arp: [arp, { ...arp, mac: other, age: 60_000 }] }))).toEqual([]);
    expect(problemsOf(tables({ arp: [{ ...arp, mac: other }] }))).toHaveLength(1);
    expect(problemsOf(tables({ arp: [{ ...arp, age: 700_000 }] }))).toHaveLength(1);
    const asked: ArpRow = { ...arp, mac: undefined, state: 'incomplete' };
    expect(problemsOf(tables({ arp: [asked] }))).toHaveLength(1);
    expect(problemsOf(tables({ arp: [{ ...asked, age: 2000 }] }))).toEqual([]);
  });

  test('routes are those of the start', () => {
    const routes = ['default via 10.0.0.1 dev eth0'];
    expect(problemsOf(tables({ routes }), tables({ routes }))).toEqual([]);
    expect(problemsOf(tables({}), tables({ routes }))).toHaveLength(1);
    expect(problemsOf(tables({ routes }))).toHaveLength(1);
  });

  const SESSION: NatRow = {
    protocol: 'udp',
    inside: '192.168.0.10:5000',
    outside: '51.0.0.20:6000',
    destination: '8.8.8.8:53',
    state: 'assured',
    age: 1000,
    expiresIn: 60_000,
  };

  test('a NAT session ends in time, and has its outer port for itself', () => {
    const nat = (...rows: Partial<NatRow>[]) =>
      problemsOf(tables({}, { nat: rows.map((row) => ({ ...SESSION, ...row })) }));
    expect(nat({}, { destination: '8.8.8.9:53' })).toEqual([]);
    expect(nat({ expiresIn: 500_000 })).toHaveLength(1);
    expect(nat({ expiresIn: -1 })).toHaveLength(1);
    expect(nat({}, { inside: '192.168.0.11:5000' })).toHaveLength(1);
  });

  test('a NAT session that should have ended meanwhile is noticed', () => {
    const before = tables({}, { nat: [SESSION] });
    const later = (row: Partial<NatRow>) =>
      tables({}, { at: before.at + 70_000, nat: [{ ...SESSION, age: 71_000, ...row }] });
    expect(overstayed(before, later({ destination: '8.8.8.9:53' }))).toEqual([]);
    expect(overstayed(before, later({ age: 3000 }))).toEqual([]);
    expect(overstayed(before, later({}))).toHaveLength(1);
  });

  test('leases stay as long as the router does', () => {
    const lease = { address: '10.0.0.9', mac: MAC, state: 'bound', expiresIn: 1000 } as const;
    const baseline = tables({}, { leases: [lease] });
    const now = (leases: Tables['leases'], router = 1) =>
      problemsOf(tables({}, { leases, router }), baseline);
    expect(now([lease])).toEqual([]);
    expect(now([])).toHaveLength(1);
    expect(now([], 2)).toEqual([]);
    expect(now([lease, { ...lease, address: '10.0.0.8' }])).toHaveLength(1);
    expect(now([lease, { ...lease, mac: '02:00:00:00:00:77' }])).toHaveLength(1);
    expect(now([{ ...lease, expiresIn: 4_000_000 }])).toHaveLength(1);
  });
});

test('what devices must not log is noticed', () => {
  const event = { time: 1, level: 30, device: 'web', layer: 'arp', event: 'arp.learn', msg: 'learned' };
  expect(logProblems([event, { ...event, level: 40, event: 'arp.conflict' }])).toEqual([]);
  const crash = { ...event, level: 50, event: 'device.crash', msg: 'Crashed: x', stack: 'Error: x' };
  expect(logProblems([crash])).toEqual(['web logged device.crash: Crashed: x Error: x']);
});

test('sockets and timers that stay are noticed', () => {
  const before = new Map([['sockets and pipes of web', 5]]);
  expect(holdingsGrown(before, new Map([['sockets and pipes of web', 9]]))).toEqual([]);
  expect(holdingsGrown(before, new Map([['sockets and pipes of web', 10]]))).toHaveLength(1);
});

describe('the frames of a soak', () => {
  /** A capture of what these ends sent. */
  function sent(...frames: readonly [end: string, hex: string][]) {
    const captured = frames.map(([end, hex]) => {
      const frame = Buffer.from(hex.replaceAll(' ', ''), 'hex');
      return { end, direction: 'out' as const, time: 0, frame, length: frame.length };
    });
    const capture: FrameCapture = {
      dropped: 0,
      stop: async () => captured,
      async *[Symbol.asyncIterator]() {},
      async [Symbol.asyncDispose]() {},
    };
    return FrameWatch.start({ capture: async () => capture } as unknown as Net);
  }

  const ETHERNET = '020000000001 020000000002 0800';
  /** An empty UDP datagram without a checksum, from 192.168.0.10. */
  const PACKET = '4500001c 00010000 40118443 c0a8000a 5db8d822 00500051 00080000';

  test('private addresses outside, and bytes that are not right, are noticed', async () => {
    const problemsOf = async (...frames: readonly [end: string, hex: string][]) =>
      (await sent(...frames)).stop();
    expect(await problemsOf(['laptop:eth0', ETHERNET + PACKET])).toEqual([]);
    expect(await problemsOf(['router:wan', ETHERNET + PACKET])).toEqual([
      'NAT-8: the router sent from 192.168.0.10 to outside',
    ]);
    const flipped = PACKET.replace('40118443', '40118442');
    expect(await problemsOf(['laptop:eth0', ETHERNET + flipped])).toHaveLength(1);
  });
});

test('memory that grows is noticed', () => {
  const mib = 1024 * 1024;
  const before = { rss: new Map([['web', 60 * mib]]), heap: 20 * mib };
  expect(memoryGrown(before, { rss: new Map([['web', 150 * mib]]), heap: 22 * mib }, 10)).toEqual([]);
  expect(memoryGrown(before, { rss: new Map([['web', 160 * mib]]), heap: 22 * mib }, 10)).toHaveLength(1);
  expect(memoryGrown(before, { ...before, heap: 40 * mib }, 10)).toHaveLength(1);
});

test('a receipt that does not end, or counts nonsense, is noticed', () => {
  const receipt: Receipt = {
    id: 'f1',
    fault: 'cut',
    asked: {},
    applied: [],
    from: '2026-01-01T00:00:00.000000Z',
    until: '2026-01-01T00:00:01.000000Z',
    seen: 5,
    affected: { cut: 5 },
  };
  expect(receiptProblems([receipt])).toEqual([]);
  expect(receiptProblems([{ ...receipt, until: null }])).toHaveLength(1);
  expect(receiptProblems([{ ...receipt, until: '2025-01-01T00:00:01.000000Z' }])).toHaveLength(1);
  expect(receiptProblems([{ ...receipt, affected: { cut: -1 } }])).toHaveLength(1);
  expect(receiptProblems([{ ...receipt, seen: Number.NaN }])).toHaveLength(1);
  const active = { ...receipt, until: null };
  expect(receiptsChanged([active], [{ ...active, seen: 7 }])).toEqual([]);
  expect(receiptsChanged([active], [{ ...active, seen: 4 }])).toHaveLength(1);
  expect(receiptsChanged([active], [{ ...active, affected: { cut: 2 } }])).toHaveLength(1);
  expect(receiptsChanged([active], [])).toHaveLength(1);
  expect(receiptsChanged([receipt], [{ ...receipt, seen: 7 }])).toHaveLength(1);
});

test('a process and a file that are left are noticed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'left-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const child = spawn('sleep', ['60']);
  const pid = child.pid!;
  expect(children().has(pid)).toBe(true);
  writeFileSync(join(folder, 'dns.sock'), '');
  expect(await leftBehind([pid], folder, [], 20)).toEqual([
    `process ${pid} (sleep) is still there`,
    `${join(folder, 'dns.sock')} is still there`,
  ]);
  child.kill();
  expect(await leftBehind([pid], folder, [join(folder, 'dns.sock')])).toEqual([]);
});

test.each([
  [[], {}],
  [['--faults', '20', '--seed', '0'], { faults: 20, seed: 0 }],
  [['--faults', 'many'], '--faults many should be a whole number from 0 to 999999999'],
  [['--fault', '3'], expect.stringContaining("'--fault'")],
  [['twenty'], expect.stringContaining('twenty')],
])('arguments %j', (argv, read) => {
  expect(readArguments(argv)).toEqual(read);
});
