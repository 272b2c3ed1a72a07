// Loss over real processes: as much as was asked for, and the same packets for the same seed, though ARP and
// what went before come at other moments in each run.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ImpairOptions, type Net, type TopologyFile, up } from '../../orchestrator/api.ts';
import { isLikely } from '../support/sink-port.ts';

const PAIR: TopologyFile = {
  name: 'lossy',
  devices: {
    here: { kind: 'host', interfaces: { eth0: { ipv4: '10.0.0.1/24' } } },
    there: { kind: 'host', interfaces: { eth0: { ipv4: '10.0.0.2/24' } } },
  },
  cables: { wire: { ends: ['here:eth0', 'there:eth0'] } },
};

let nets: Net[];
beforeAll(async () => {
  nets = await Promise.all([1, 1, 2].map((seed) => up(PAIR, { seed })));
});
afterAll(() => Promise.all(nets.map((net) => net.close())));

/** Sequence numbers of pings without an answer, and what the receipt says. */
async function lost(net: Net, count: number, impairment: ImpairOptions) {
  await using fault = await net.impair('wire', impairment, { from: 'here' });
  const { replies } = await net.device('here').ping('10.0.0.2', { count, interval: '1ms', timeout: '3s' });
  const answered = new Set(replies.map(({ sequence }) => sequence));
  const missing = Array.from({ length: count }, (_, index) => index + 1).filter((n) => !answered.has(n));
  return { missing, receipt: await fault.current() };
}

test('10% of 10,000 pings are lost, the same ones for the same seed', async () => {
  const [first, second, other] = nets as [Net, Net, Net];
  // The second net has another past: its ARP entries are of another age, and more came by.
  await second.device('here').ping('10.0.0.2', { count: 37 });
  await second.flush('here', 'arp');
  const [one, same, different] = await Promise.all([
    lost(first, 10_000, { loss: '10%' }),
    lost(second, 10_000, { loss: '10%' }),
    lost(other, 1000, { loss: '10%' }),
  ]);
  expect(isLikely(one.missing.length / 10_000, 10_000, 0.1)).toBe(true);
  expect(same.missing).toEqual(one.missing);
  expect(different.missing).not.toEqual(one.missing.filter((sequence) => sequence <= 1000));
  for (const { missing, receipt } of [one, same]) {
    // ARP is lost, too.
    const others = receipt.seen - 10_000;
    expect(receipt.affected.loss! - missing.length).toBeGreaterThanOrEqual(0);
    expect(receipt.affected.loss! - missing.length).toBeLessThanOrEqual(others);
  }
}, 180_000);

test('bursts by Gilbert and Elliott are the same for the same seed, and others each time', async () => {
  const [first, second] = nets as [Net, Net, Net];
  const runs = (net: Net) => lost(net, 1000, { gemodel: '2% 25%' });
  const [one, same] = await Promise.all([runs(first), runs(second)]);
  expect(one.missing.length).toBeGreaterThan(0);
  expect(same.missing).toEqual(one.missing);
  expect((await runs(first)).missing).not.toEqual(one.missing);
  // Lost ones follow each other three times in four; single losses would in a twelfth.
  const followed = one.missing.filter((sequence) => one.missing.includes(sequence + 1)).length;
  expect(followed / one.missing.length).toBeGreaterThan(0.5);
});
