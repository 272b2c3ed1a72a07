// Sockets over a TCP without a network.

import { type Clock, systemClock } from '../../shared/core/clock.ts';
import { Counters } from '../../shared/core/counters.ts';
import type { EventLog } from '../../shared/core/event-log.ts';
import { seededRandom } from '../../shared/core/random.ts';
import { createSockets, type DeviceSockets, type SocketStack } from '../../shared/socket/create-sockets.ts';
import { RouteTable } from '../../shared/stack/routes.ts';
import { fakeTcp } from './fake-tcp.ts';
import { RecordedLog } from './recorded-log.ts';

function absent(): never {
  throw new Error('there is no such thing in this test');
}

export function fakeSockets(
  log: EventLog = new RecordedLog(),
  stack: Partial<SocketStack> = {},
  clock: Clock = systemClock,
): DeviceSockets {
  return createSockets({
    stack: {
      interfaces: [],
      tcp: fakeTcp(),
      udp: { bind: absent, endpoints: () => [] },
      echo: { open: absent },
      routes: new RouteTable(),
      arp: absent,
      ...stack,
    },
    hostname: 'fake',
    clock,
    log,
    counters: new Counters(),
    random: (use) => seededRandom('fake', use),
  });
}
