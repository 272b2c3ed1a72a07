// One stack on virtual time, each of its interfaces with a raw station at the other end of the cable.

import { type Ipv4Cidr, ipv4, mac, parseCidr } from '../../shared/core/address.ts';
import { Counters } from '../../shared/core/counters.ts';
import { seededRandom } from '../../shared/core/random.ts';
import { createStack, type Stack, type StackOptions } from '../../shared/stack/stack.ts';
import { type MemoryCable, memoryCable } from './memory-cable.ts';
import { RawStation } from './raw-station.ts';
import { RecordedLog } from './recorded-log.ts';
import { VirtualClock } from './virtual-clock.ts';

export function cidr(text: string): Ipv4Cidr {
  const parsed = parseCidr(text);
  if (!parsed) throw new TypeError(`not a network: ${text}`);
  return parsed;
}

export interface BenchInterface {
  /** `a.b.c.d/n`. */
  readonly address?: string;
  readonly mtu?: number;
  /** The station's address; it answers ARP for it. */
  readonly station?: string;
}

export interface BenchOptions {
  readonly interfaces: Readonly<Record<string, BenchInterface>>;
  /** Network to next hop. */
  readonly routes?: Readonly<Record<string, string>>;
  readonly forwarding?: boolean;
  readonly hook?: StackOptions['hook'];
}

export interface Bench {
  readonly clock: VirtualClock;
  readonly log: RecordedLog;
  readonly counters: Counters;
  readonly stack: Stack;
  station(name: string): RawStation;
  cable(name: string): MemoryCable;
  /** The MAC of an interface of the stack. */
  mac(name: string): number;
}

/** Interfaces get the MACs 02:00:00:00:00:01, …, their stations 02:00:00:00:01:01, …, in order. */
export function stackBench(options: BenchOptions): Bench {
  const clock = new VirtualClock();
  const log = new RecordedLog();
  const counters = new Counters();
  const cables = new Map<string, MemoryCable>();
  const stations = new Map<string, RawStation>();
  const interfaces = Object.entries(options.interfaces).map(([name, { address, mtu, station }], index) => {
    const cable = memoryCable(clock, mtu === undefined ? {} : { mtu });
    cables.set(name, cable);
    stations.set(name, new RawStation(clock, cable.b, `02:00:00:00:01:0${index + 1}`, station));
    const addresses = address === undefined ? [] : [cidr(address)];
    return { name, mac: mac(`02:00:00:00:00:0${index + 1}`), port: cable.a, addresses };
  });
  const stack = createStack({
    clock,
    log,
    counters,
    random: (use) => seededRandom(1, use),
    interfaces,
    routes: Object.entries(options.routes ?? {}).map(([to, via]) => ({ to: cidr(to), via: ipv4(via) })),
    forwarding: options.forwarding ?? false,
    ...(options.hook !== undefined && { hook: options.hook }),
  });
  const named = <T>(map: ReadonlyMap<string, T>, name: string): T => {
    const found = map.get(name);
    if (found === undefined) throw new Error(`no interface ${name}`);
    return found;
  };
  return {
    clock,
    log,
    counters,
    stack,
    station: (name) => named(stations, name),
    cable: (name) => named(cables, name),
    mac: (name) => stack.interface(name).mac,
  };
}
