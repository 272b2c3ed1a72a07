// The options of commands, as the command line hands them over.

import type { DeviceConfig } from '../shared/topology/device-config.ts';

/** What every command takes. */
export interface CommonOptions {
  readonly net?: string;
  readonly json?: boolean;
}

export interface UpOptions extends CommonOptions {
  readonly detach?: boolean;
  readonly tour?: boolean;
  /** ms. */
  readonly timeout: number;
  readonly logLevel: DeviceConfig['logLevel'];
  /** Set in the process that `up -d` starts. */
  readonly background?: boolean;
}

export interface CaptureCommandOptions extends CommonOptions {
  /** `-`: standard output. */
  readonly write: string;
  /** Bytes of a frame that are captured at most; 0: all. */
  readonly snapshotLength: number;
}

export interface RunOptions extends CommonOptions {
  readonly seed?: number;
  readonly repeat: number;
  /** Folder that reports go into. */
  readonly out?: string;
}

export interface TopologyOptions extends CommonOptions {
  readonly homes: number;
  /** In each home. */
  readonly hosts: number;
  readonly isps: number;
  readonly seed: number;
}
