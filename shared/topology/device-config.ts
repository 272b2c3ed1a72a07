// What the orchestrator hands a device: one line of JSON on its standard input. The input then stays open;
// its end means that the orchestrator is gone, and the device ends too.

import type { StandingFaults } from './faults.ts';
import type { CableEnd, DeviceSpec, Impairment } from './types.ts';

/** A port of the device: where a cable may end. */
export interface PortConfig {
  readonly name: string;
  readonly mac: string;
  /** Bytes. */
  readonly mtu: number;
  /** Absent while nothing is cabled there: any outside program may then attach. */
  readonly cable?: {
    readonly name: string;
    readonly peer: CableEnd;
    /** Whether this end dials; the peer's URL then comes over /control. */
    readonly dials: boolean;
    /** What this end does to the frames that it sends. */
    readonly impairment: Impairment;
  };
}

export interface DeviceConfig {
  readonly net: string;
  readonly spec: DeviceSpec;
  readonly seed: number;
  /** 0 at first, one more at each start. */
  readonly incarnation: number;
  readonly timing: 'fast' | 'rfc';
  /** Bearer token of the net. */
  readonly token: string;
  /** Where to serve /cable/<interface> and /control. A port of 0 takes a free one. */
  readonly listen: { readonly path: string } | { readonly host: string; readonly port: number };
  readonly logFile: string;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  /** ms to add to the monotonic clock to have Unix time. */
  readonly clockOffset: number;
  readonly ports: readonly PortConfig[];
  /** Faults that are active as it starts; the impairments of its ports are with the ports. */
  readonly faults?: StandingFaults;
}

/** The one line that a device prints on its standard output, once it serves its socket. */
export interface DeviceReady {
  /** Base URL as the library `ws` takes it: `ws://127.0.0.1:4711` or `ws+unix:/path/to.sock:`, to which `/control` is appended. */
  readonly url: string;
}
