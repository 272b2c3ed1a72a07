// Two hosts on one cable, each with a whole stack and its sockets.

import { ipv4, mac } from '../../shared/core/address.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { Counters } from '../../shared/core/counters.ts';
import { type EventLog, silentLog } from '../../shared/core/event-log.ts';
import type { FramePort } from '../../shared/core/frame-port.ts';
import { seededRandom } from '../../shared/core/random.ts';
import { createSockets, type DeviceSockets } from '../../shared/socket/create-sockets.ts';
import { Stack } from '../../shared/stack/stack.ts';
import { type MemoryCable, type MemoryCableOptions, memoryCable } from './memory-cable.ts';

export interface Host {
  readonly stack: Stack;
  readonly sockets: DeviceSockets;
  readonly counters: Counters;
}

export interface TwoHosts {
  /** 10.0.0.1. */
  readonly a: Host;
  /** 10.0.0.2. */
  readonly b: Host;
  readonly cable: MemoryCable;
  close(): void;
}

export function twoHosts(
  clock: Clock,
  log: EventLog = silentLog,
  options: MemoryCableOptions = {},
): TwoHosts {
  const cable = memoryCable(clock, options);
  const a = host(1, cable.a, clock, log);
  const b = host(2, cable.b, clock, log);
  return {
    a,
    b,
    cable,
    close() {
      a.stack.close();
      b.stack.close();
    },
  };
}

function host(number: number, port: FramePort, clock: Clock, log: EventLog): Host {
  const counters = new Counters();
  const random = (use: string) => seededRandom('two-hosts', number, use);
  const stack = new Stack({
    clock,
    random,
    log,
    counters,
    forwarding: false,
    interfaces: [
      {
        name: 'eth0',
        mac: mac(`02:00:00:00:00:0${number}`),
        port,
        addresses: [{ address: ipv4(`10.0.0.${number}`), prefixLength: 24 }],
      },
    ],
  });
  const sockets = createSockets({ stack, hostname: `host-${number}`, clock, log, counters, random });
  return { stack, sockets, counters };
}
