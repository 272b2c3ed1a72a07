// What all parts of one TCP share: the layers and services around it.

import type { Clock } from '../../core/clock.ts';
import type { Counters } from '../../core/counters.ts';
import type { EventLog } from '../../core/event-log.ts';
import type { Random } from '../../core/random.ts';
import type { NetworkLayer } from '../network-layer.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { TcpEndpoint } from './connection-api.ts';
import type { InitialSequence } from './initial-sequence.ts';
import type { TcpSettings } from './settings.ts';

export interface TcpContext {
  readonly network: NetworkLayer;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: EventLog;
  readonly counters: Counters;
  readonly settings: TcpSettings;
  readonly sequences: InitialSequence;
  /** What the buffers of all connections share. */
  readonly buffers: BufferPool;
}

/** `address:port`. */
export function endpointText({ network }: TcpContext, endpoint: TcpEndpoint): string {
  return `${network.format(endpoint.address)}:${endpoint.port}`;
}
