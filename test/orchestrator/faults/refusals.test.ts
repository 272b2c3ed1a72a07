// What can't be asked for: each is refused before any device is told, by what would be right.

import { beforeEach, expect, test } from 'vitest';
import { Failure } from '../../../orchestrator/failure.ts';
import { FaultManager } from '../../../orchestrator/faults/manager.ts';
import type { BlackholeRequest, ImpairRequest } from '../../../orchestrator/faults/requests.ts';
import { loadTopology } from '../../../shared/topology/validate.ts';
import { FakeBench } from '../../support/fake-fault-bench.ts';

let bench: FakeBench;
let manager: FaultManager;

beforeEach(async () => {
  bench = new FakeBench(await loadTopology(new URL('../../../topology.json', import.meta.url).pathname));
  manager = new FaultManager(bench);
});

async function expectRefusal(made: Promise<unknown>, text: string | RegExp, exitCode: number): Promise<void> {
  const refusal = await made.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(refusal).toBeInstanceOf(Failure);
  expect((refusal as Failure).message).toMatch(text);
  expect((refusal as Failure).message).not.toContain('\n');
  expect((refusal as Failure).exitCode).toBe(exitCode);
  expect(await manager.faults()).toEqual([]);
  expect([...bench.devices.values()].flatMap(({ calls }) => calls)).toEqual([]);
}

const PERCENTAGE = 'should be a percentage from 0% to 100%, such as "0.1%"';
const DURATION = 'should be a duration with its unit (us, ms, s, m, h, d), such as "8ms"';
const RATE = 'should be a rate above 0 with its unit (bit, kbit, mbit, gbit), such as "100mbit"';
const LIMIT = 'should be a whole number from 1 to 1000000';

const PERCENTAGES = [
  '5',
  '-5%',
  '101%',
  'NaN%',
  '',
  '1e1%',
  '0x10%',
  ' 5%',
  '5 %',
  '5%%',
  '.5%',
  '5.%',
  '5pct',
];
const DURATIONS = ['50', '-5ms', '1e3ms', 'NaNms', '', '5 ms', '5MS', '5min', '.5ms', '0', 'Infinityms'];
const RATES = ['10', '10m', '10mbps', '10Mbit', '10mbit/s', '-1mbit', '0mbit', '1e6bit', '1tbit', ''];
const LIMITS = [0, -1, 1.5, Number.NaN, 1_000_001, '10', 'ten'];

test.each([
  ...(['loss', 'duplicate', 'corrupt', 'reorder'] as const).flatMap((key) =>
    [...PERCENTAGES, 0.5, 5].map((value) => [key, value, PERCENTAGE] as const),
  ),
  ...(['delay', 'jitter'] as const).flatMap((key) =>
    [...DURATIONS, 50].map((value) => [key, value, DURATION] as const),
  ),
  ...[...RATES, 10_000_000].map((value) => ['rate', value, RATE] as const),
  ...LIMITS.map((value) => ['limit', value, LIMIT] as const),
  ...['1', '1% 2% 3% 4% 5%', '101%', '-1%', '1%,2%', ''].map(
    (value) => ['gemodel', value, 'should be one to four percentages'] as const,
  ),
  ['distribution', 'gauss', 'should be one of "uniform", "normal", "pareto", "paretonormal"'],
] as const)('an impairment of %s %j', async (key, value, text) => {
  const request = { cable: 'uplink', delay: '9ms', [key]: value } as unknown as ImpairRequest;
  await expectRefusal(manager.impair(request), text, 2);
});

test.each<[ImpairRequest, RegExp, number]>([
  [{ cable: 'uplink' }, /nothing named to set on uplink: give --delay 50ms or another, or --clear/, 2],
  [{ cable: 'uplink', from: 'isp' }, /nothing named to set/, 2],
  [{ cable: 'uplink', loss: '1%', gemodel: '1%' }, /loss or gemodel, not both/, 2],
  [{ cable: 'uplink', jitter: '5ms' }, /a jitter of 5ms is more than the delay of 0ms at router:wan/, 2],
  [{ cable: 'uplink', delay: '5ms', jitter: '6ms' }, /a jitter of 6ms is more than the delay of 5ms/, 2],
  [{ cable: 'uplink', reorder: '5%' }, /no delay at router:wan that reordered frames could skip/, 2],
  [{ cable: 'uplink', distribution: 'normal' }, /no jitter at router:wan that could be spread/, 2],
  [{ cable: 'uplink', from: 'web', loss: '1%' }, /it should be router:wan or isp:home/, 1],
  [{ cable: 'uplink', from: 'router:lan1', loss: '1%' }, /it should be router:wan or isp:home/, 1],
  [{ cable: 'web', loss: '1%' }, /no cable "web" in home; .*isp-web/, 1],
  [{ cable: '', loss: '1%' }, /cable "" should be a name/, 2],
  [{ cable: 'uplink', lossy: '1%' } as unknown as ImpairRequest, /unknown: lossy/, 2],
])('impair %j', async (request, text, exitCode) => {
  await expectRefusal(manager.impair(request), text, exitCode);
});

test.each<[BlackholeRequest, RegExp, number]>([
  [{ at: 'nope' }, /no cable or device "nope" in home; there is laptop-router, .*, web$/, 1],
  [{ at: 'web:eth9' }, /no interface "eth9" on web; did you mean "eth0"\?/, 1],
  [{ at: 'uplink', direction: 'in' }, /uplink is a cable: say whose frames are dropped with from/, 2],
  [{ at: 'web', from: 'isp' }, /web is no cable: say in or out as the direction/, 2],
  [{ at: 'web', destination: '1.2.3' }, /destination "1.2.3" should be an IPv4 address or network/, 2],
  [{ at: 'web', source: '1.2.3.4/33' }, /source "1.2.3.4\/33" should be an IPv4 address or network/, 2],
  [{ at: 'web', sourcePort: 65_536 }, /sourcePort 65536 should be a port from 0 to 65535/, 2],
  [{ at: 'web', flags: ['syn'], protocol: 'udp' }, /flags are TCP's: nothing of udp has them/, 2],
  [{ at: 'web', flags: [] }, /at least one flag/, 2],
  [{ at: 'web', dns: 'answer', protocol: 'arp' }, /nothing of arp is a DNS answer/, 2],
  [{ at: 'web', destinationPort: 80, protocol: 'icmp' }, /icmp has no ports/, 2],
  [{ at: 'web', first: 2, every: 2 }, /first or every, not both/, 2],
  [{ at: 'web', first: 0 }, /first 0 should be a whole number from 1/, 2],
  [{ at: 'web', every: 1.5 }, /every 1.5 should be a whole number from 1/, 2],
])('blackhole %j', async (request, text, exitCode) => {
  await expectRefusal(manager.blackhole(request), text, exitCode);
});

test('a partition of nobody, of one from itself, or of a stranger', async () => {
  const part = (...groups: [string[], string[]]) => manager.partition({ groups });
  await expectRefusal(part([], ['web']), /at least one device/, 2);
  await expectRefusal(part(['laptop', 'phone'], ['phone']), /phone is in both groups/, 2);
  await expectRefusal(part(['laptop'], ['web:eth0']), /no device "web:eth0" in home; there is laptop/, 1);
});

test('a misbehaviour of nothing, of two kinds, or of who does not serve', async () => {
  const dns = (how: object) => manager.misbehave({ device: 'dns', service: 'dns', ...how });
  await expectRefusal(
    dns({}),
    /no misbehaviour named: a delay such as 2s, silent, servfail or an address/,
    2,
  );
  await expectRefusal(dns({ delay: '2' }), /delay "2" should be a duration with its unit/, 2);
  await expectRefusal(dns({ silent: true, servfail: true }), /a silent server gives no answer/, 2);
  await expectRefusal(dns({ servfail: true, address: '1.2.3.4' }), /one of both/, 2);
  await expectRefusal(dns({ address: 'example' }), /should be an IPv4 address, such as/, 2);
  await expectRefusal(dns({ service: 'dhcp', silent: true }), /dns is no DHCP server/, 1);
  const dhcp = { device: 'router', service: 'dhcp', servfail: true } as const;
  await expectRefusal(manager.misbehave(dhcp), /SERVFAIL is an answer of DNS, not of DHCP/, 2);
});

test('power and tables of who is not there, or has none', async () => {
  await expectRefusal(manager.kill(['web', 'nope']), /no device "nope"/, 1);
  await expectRefusal(manager.kill([]), /names no device/, 2);
  await expectRefusal(manager.thaw(['web']), /web is not frozen/, 1);
  await expectRefusal(manager.splice('uplink'), /uplink is not cut/, 1);
  await expectRefusal(manager.flush({ device: 'web', table: 'nat' }), /web has no NAT table/, 1);
  await expectRefusal(manager.heal(['f1']), /no fault "f1"; active: none; see: tincan faults/, 1);
});
