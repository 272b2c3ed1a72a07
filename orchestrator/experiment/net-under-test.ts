// The net as an experiment sees it: what breaks, what mends, what answers probes, and what is recorded.

import type { Receipt } from '../faults/receipt.ts';
import type { DeviceState, NetStatus } from '../net-status.ts';
import type { FaultAction, MendingAction } from './actions.ts';
import type { Probe } from './probe-schema.ts';

/** What a try of a probe brought, whether or not it is good. */
export interface Answer {
  /** ms until it was there. */
  readonly latency: number;
  /** HTTP. */
  readonly status?: number;
  /** DNS. */
  readonly addresses?: readonly string[];
  /** bits/s over the body of a download. */
  readonly rate?: number;
}

/** Something that happened to a device. */
export interface NetEvent {
  /** Unix ms. */
  readonly time: number;
  readonly device: string;
  /** `ready`, `crashed (SIGKILL)`, for people. */
  readonly happened: string;
  /** What it is from now on, if that is another state than before. */
  readonly state?: DeviceState;
  /** Of a crash: what the device said last. */
  readonly lastLines?: readonly string[];
}

/** A line that a device logged. */
export interface LogLine {
  /** Unix ms. */
  readonly time: number;
  readonly device: string;
  /** `http.request`, `cable.carrier`, … */
  readonly event: string;
  readonly [field: string]: unknown;
}

export interface NetUnderTest {
  /** Where the devices write their logs, `<device>.jsonl` each. */
  readonly logFolder: string;
  /**
   * One try.
   * @param request an id that no other try has; it is in the URL of what is asked over HTTP
   * @throws an error with a code if there is no answer, also when `signal` says that it is too late
   */
  ask(probe: Probe, request: string, signal: AbortSignal): Promise<Answer>;
  /** Resolves when it is in effect. */
  break(action: FaultAction): Promise<Receipt>;
  /** Resolves when it is in effect. `heal` without receipts undoes all. */
  mend(action: MendingAction, receipts: readonly string[] | undefined): Promise<void>;
  /** Of all faults so far, counted up to now. */
  receipts(): Promise<readonly Receipt[]>;
  status(): Promise<NetStatus>;
  /** Records the frames of a cable, or of one end of it, in a file until the returned call is made. */
  capture(what: string, file: string): Promise<() => Promise<void>>;
  /** Calls back for whatever happens from here on. */
  onEvent(listener: (event: NetEvent) => void): void;
  /** All that was logged so far, in the order of its times. */
  logs(): Promise<readonly LogLine[]>;
  /** Ends the net. A second call does nothing. */
  close(): Promise<void>;
}
