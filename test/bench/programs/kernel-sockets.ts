// The device's programs on the TCP of the machine's own kernel.

import { connect, createServer, type Server } from 'node:net';
import { createInterface } from 'node:readline';
import { systemClock } from '../../../shared/core/clock.ts';
import { Counters } from '../../../shared/core/counters.ts';
import { seededRandom } from '../../../shared/core/random.ts';
import { createDeviceLog } from '../../../shared/log.ts';
import type { Sockets, TcpServer, TcpSocket } from '../../../shared/socket/sockets.ts';

/** @param device writes a log as a device of this name does, which nobody keeps */
export function kernelSockets(device: string): Sockets {
  return {
    hostname: device,
    clock: systemClock,
    log: createDeviceLog({ file: '/dev/null', level: 'info', device, clockOffset: 0 }),
    counters: new Counters(),
    interfaces: [],
    random: (use) => seededRandom(device, use),
    lookup: undefined,
    // A TcpSocket has of a net.Socket what applications use, so a net.Socket will do for one.
    connect: (options, connected) => connect(options, connected) as unknown as TcpSocket,
    createServer: (options = {}, connection) =>
      createServer(options, connection as never) satisfies Server as unknown as TcpServer,
    createUdpSocket: absent,
    openIcmp: absent,
  };
}

function absent(): never {
  throw new Error('only TCP is here');
}

export function say(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Answers each line of standard input, and ends the process with it. */
export function serve<Question>(answer: (question: Question) => Promise<unknown>): void {
  createInterface({ input: process.stdin })
    .on('line', (line) => void answer(JSON.parse(line) as Question).then(say))
    .on('close', () => process.exit(0));
}
