// The state of a net as `ps` shows it.

import type { InterfaceStatus } from '../shared/control/device-status.ts';

export type DeviceState = 'starting' | 'ready' | 'frozen' | 'stopped' | 'crashed';

export interface DeviceReport {
  readonly device: string;
  readonly kind: string;
  readonly state: DeviceState;
  /** Why it is not running, or what it waits for; for people. */
  readonly reason: string | null;
  /** Only of a device that crashed: what it said last on standard error and in its log, for people. */
  readonly lastLines?: readonly string[];
  /** null while it is not running. */
  readonly pid: number | null;
  /** ms since it was started; 0 while it is not running. */
  readonly uptime: number;
  /** Resident memory in bytes. */
  readonly rss: number;
  /** ms by which it got to its work late: the worst of the last five seconds, or for how long it has answered nothing. */
  readonly loopLag: number;
  readonly frames: { readonly in: number; readonly out: number };
  readonly drops: number;
  readonly interfaces: readonly InterfaceStatus[];
}

export interface CableReport {
  readonly cable: string;
  /** As device:interface. */
  readonly ends: readonly [string, string];
  readonly carrier: boolean;
}

export interface NetStatus {
  readonly net: string;
  readonly rundir: string;
  readonly devices: readonly DeviceReport[];
  readonly cables: readonly CableReport[];
}
