// An experiment as it is run: read from its file, checked whole, with its net.

import type { Topology } from '../../shared/topology/types.ts';
import type { Action } from './actions.ts';
import type { Expectation } from './expectations.ts';
import type { Moment } from './moments.ts';
import type { Probe } from './probe-schema.ts';

/** ms that the timeline runs after its last entry, unless the file says how long. */
export const AFTERMATH = 2000;

export interface Experiment {
  readonly file: string;
  readonly name: string;
  readonly why: string | undefined;
  readonly topology: Topology;
  readonly probes: readonly Probe[];
  /** ms that all must be good before the timeline begins, and how long to wait for it. */
  readonly hold: number;
  readonly steadyTimeout: number;
  readonly timeline: readonly Action[];
  readonly expect: readonly Expectation[];
  /** When the timeline ends, though not before its last entry has begun; AFTERMATH later than that if undefined. */
  readonly duration: Moment | undefined;
  /** ms of loop lag beyond which timings are not to be trusted. */
  readonly loopLag: number;
  /** Cables or ends of them; all cables if undefined. */
  readonly capture: readonly string[] | undefined;
}
