// Random faults of each kind, all from one generator.

import type { BlackholeOptions, ImpairOptions, MisbehaveOptions } from '../../orchestrator/api.ts';
import type { Random } from '../../shared/core/random.ts';
import type { SoakFault } from './faults.ts';
import { DNS_ADDRESS, HOSTS, type SoakNet, WEB_ADDRESS, WRONG_ADDRESS, WRONG_LEASE } from './soak-net.ts';

/** Every kind comes up once before any comes up again; those that come in many forms do so more than once. */
export const KINDS = [
  ...['kill', 'stop', 'restart', 'freeze', 'kill -9', 'cut', 'cut'],
  ...['impair', 'impair', 'impair', 'impair', 'partition', 'one-way', 'one-way'],
  ...['blackhole', 'blackhole', 'dns', 'dhcp', 'nat', 'arp', 'names'],
] as const;
export type Kind = (typeof KINDS)[number];

export function oneOf<T>(random: Random, values: readonly T[]): T {
  return values[random.integer(0, values.length - 1)]!;
}

export function shuffled<T>(random: Random, values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, at: random.uint32() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
}

export function choose(random: Random, kind: Kind, net: SoakNet): SoakFault {
  const cable = (): string => oneOf(random, [...net.cables.keys()]);
  switch (kind) {
    case 'kill':
    case 'stop':
    case 'restart':
    case 'freeze':
    case 'kill -9':
      return { kind, device: oneOf(random, net.devices) };
    case 'cut':
      return { kind, cable: cable() };
    case 'impair':
      return chooseImpairment(random, cable(), net);
    case 'partition':
    case 'one-way':
      return { kind: 'partition', groups: chooseGroups(random, net), oneWay: kind === 'one-way' };
    case 'blackhole':
      return chooseBlackhole(random, net);
    case 'dns':
      return { kind: 'misbehave', device: 'dns', how: chooseDns(random) };
    case 'dhcp':
      return { kind: 'misbehave', device: 'router', how: chooseDhcp(random) };
    case 'nat':
      return { kind: 'flush', device: 'router', table: 'nat' };
    case 'arp':
      return { kind: 'flush', device: oneOf(random, net.devices), table: 'arp' };
    case 'names':
      return { kind: 'flush', device: oneOf(random, HOSTS), table: 'dns' };
  }
}

function chooseImpairment(random: Random, cable: string, net: SoakNet): SoakFault {
  const n = random.integer.bind(random);
  const parts: readonly (() => ImpairOptions)[] = [
    // No jitter is more than any delay, so that any two of these go together.
    () => ({
      delay: `${n(3, 40)}ms`,
      ...(random.fraction() < 0.5 && { jitter: `${n(1, 3)}ms` }),
      ...(random.fraction() < 0.3 && { reorder: `${n(1, 25)}%` }),
    }),
    () => ({
      delay: `${n(3, 40)}ms`,
      jitter: `${n(1, 3)}ms`,
      distribution: oneOf(random, ['uniform', 'normal', 'pareto', 'paretonormal']),
    }),
    () => (random.fraction() < 0.7 ? { loss: `${n(1, 10)}%` } : { gemodel: `${n(1, 10)}% ${n(20, 60)}%` }),
    () => ({ duplicate: `${n(1, 20)}%` }),
    () => ({ corrupt: `${n(1, 10)}%` }),
    () => ({ rate: `${n(5, 50)}mbit`, ...(random.fraction() < 0.7 && { limit: n(5, 200) }) }),
  ];
  const chosen = shuffled(random, parts).slice(0, n(1, 3));
  const values = Object.assign({}, ...chosen.map((part) => part())) as ImpairOptions;
  const from = random.fraction() < 0.5 ? oneOf(random, net.cables.get(cable)!) : undefined;
  const clear = random.fraction() < 0.1;
  return {
    kind: 'impair',
    cable,
    ...(from !== undefined && { from }),
    values: { ...values, ...(clear && { clear }) },
  };
}

function chooseGroups(random: Random, net: SoakNet): readonly [readonly string[], readonly string[]] {
  const devices = shuffled(random, net.devices);
  const [first, second] = random.fraction() < 0.6 ? [1, 1] : [random.integer(1, 2), random.integer(1, 3)];
  return [devices.slice(0, first), devices.slice(first, first + second)];
}

function chooseBlackhole(random: Random, net: SoakNet): SoakFault {
  const filters: readonly BlackholeOptions[] = [
    {},
    { dns: 'answer' },
    { dns: 'query', first: random.integer(1, 5) },
    { flags: ['syn'], first: random.integer(1, 3) },
    { flags: ['fin'] },
    { protocol: 'icmp' },
    { protocol: 'arp' },
    { protocol: 'udp', every: 2 },
    { protocol: 'tcp', every: random.integer(2, 20) },
    { protocol: 'tcp', sourcePort: 80 },
    { destination: WEB_ADDRESS },
    { source: `${DNS_ADDRESS}/24` },
  ];
  const filter = oneOf(random, filters);
  const cable = oneOf(random, [...net.cables.keys()]);
  const end = oneOf(random, net.cables.get(cable)!);
  const places: readonly { at: string; more: BlackholeOptions }[] = [
    { at: cable, more: {} },
    { at: cable, more: { from: end } },
    { at: end, more: { direction: 'in' } },
    { at: end, more: { direction: 'out' } },
    { at: oneOf(random, net.devices), more: {} },
  ];
  const { at, more } = oneOf(random, places);
  return { kind: 'blackhole', at, filter: { ...filter, ...more } };
}

function chooseDns(random: Random): MisbehaveOptions {
  const ways: readonly Omit<MisbehaveOptions, 'service'>[] = [
    { silent: true },
    { servfail: true },
    { address: WRONG_ADDRESS },
    { delay: `${random.integer(50, 1500)}ms` },
  ];
  return { service: 'dns', ...oneOf(random, ways) };
}

function chooseDhcp(random: Random): MisbehaveOptions {
  const ways: readonly Omit<MisbehaveOptions, 'service'>[] = [
    { silent: true },
    { address: WRONG_LEASE },
    { delay: `${random.integer(50, 1500)}ms` },
  ];
  return { service: 'dhcp', ...oneOf(random, ways) };
}
