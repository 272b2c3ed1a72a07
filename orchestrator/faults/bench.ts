// What faults need of the net that they are made in: the supervisor gives it, and tests give their own.

import type { Topology } from '../../shared/topology/types.ts';
import { Failure } from '../failure.ts';

export interface FaultyDevice {
  readonly name: string;
  /** Another number after each start; undefined while it is off. */
  readonly run: number | undefined;
  /** It runs and serves its socket. */
  readonly booted: boolean;
  readonly frozen: boolean;
  /** Those of its interfaces, as they are or, while it is off, as they were. */
  readonly addresses: readonly DeviceAddress[];
  /**
   * A call over its /control, once it serves that.
   * @throws DeviceOff if it is off or ends meanwhile; an error with code ETIMEDOUT after `timeout` ms
   */
  ask(method: string, params: unknown, timeout: number): Promise<unknown>;
}

export interface DeviceAddress {
  readonly interface: string;
  /** `a.b.c.d/n` */
  readonly ipv4: string;
}

export interface FaultBench {
  readonly topology: Topology;
  device(name: string): FaultyDevice;
  /**
   * Starts devices together, and resolves when they are so far.
   * @param upTo asked again and again: what is to be waited for may change
   * @throws Failure
   */
  start(devices: readonly string[], timeout: number, upTo: () => UpTo): Promise<void>;
  /** Resolves when they are gone, and their neighbours have seen it. @throws Failure */
  end(how: 'kill' | 'stop', devices: readonly string[]): Promise<void>;
  /** Stops or continues a process, and resolves when it is so. @throws Failure */
  signal(device: string, how: 'freeze' | 'thaw', timeout: number): Promise<void>;
  /** @param wanted asked again and again @throws Failure with what is not so after the timeout */
  inEffect(wanted: () => InEffect, timeout: number): Promise<void>;
  /** Calls back whenever a device may have come, gone, or got another address. */
  onChange(watcher: () => void): () => void;
}

/** They answer; and their cables have carrier; and they have all that they wait for, such as leases. */
export type UpTo = 'serving' | 'cabled' | 'ready';

export interface InEffect {
  /** Devices whose cables have carrier, where the other end answers and the cable is not cut. */
  readonly cabled: readonly string[];
  /** Devices that besides have all that they wait for, such as leases. */
  readonly ready: readonly string[];
  /** Cables that have no carrier at either end that answers. */
  readonly dark: readonly string[];
}

/** It has no power, so that it takes up faults when it starts. */
export class DeviceOff extends Failure {
  override readonly name = 'DeviceOff';
}
