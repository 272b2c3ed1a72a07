// A device that has a network stack, as its services and commands see it.

import type { Behaviour } from '../apps/behaviour.ts';
import type { Resolver } from '../apps/dns/resolver.ts';
import type { HttpCache } from '../apps/http/cache.ts';
import type { Clock } from '../core/clock.ts';
import type { EventLog } from '../core/event-log.ts';
import type { DeviceSockets } from '../socket/create-sockets.ts';
import type { Service } from '../socket/sockets.ts';
import type { Nat } from '../stack/nat/nat.ts';
import type { Stack } from '../stack/stack.ts';
import type { DeviceConfig } from '../topology/device-config.ts';
import type { LeaseRow } from './command.ts';

export interface Device {
  readonly config: DeviceConfig;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly stack: Stack;
  readonly sockets: DeviceSockets;
  readonly nat: Nat | undefined;
  /** What its servers are told to do wrong. */
  readonly behaviours: Readonly<Record<'dns' | 'dhcp', Behaviour>>;
  /** What its user's browser keeps. */
  readonly httpCache: HttpCache;
  /** What its services know and its commands show. */
  readonly known: DeviceKnowledge;
  /** Says that readiness or an address may be another now. */
  changed(): void;
}

export interface DeviceKnowledge {
  /** Name servers by the interface that they were learned on. */
  readonly nameServers: Map<string, readonly string[]>;
  /** When leases that this device holds end, on its clock, by address. */
  readonly leaseEnds: Map<number, number>;
  /** What turns names into addresses for its programs. */
  resolver?: Resolver;
  /** Empties the cache of its DNS server and returns how many answers that were. */
  flushDnsServer?: () => number;
  /** The DHCP server's table. */
  leases?: () => readonly LeaseRow[];
}

export interface DeviceService extends Service {
  /** What it waits for before the device is ready, for people; empty when it is ready. */
  waiting?(): readonly string[];
}

/** A part that a kind of device is composed of. */
export type StartService = (device: Device) => DeviceService;
