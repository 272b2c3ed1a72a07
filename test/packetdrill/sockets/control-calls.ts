// fcntl and ioctl.

import { Unsupported } from '../language/errors.ts';
import { immediate, immediateOnSocket } from './call.ts';
import { Errno } from './outcome.ts';
import { FREEBSD_O_NONBLOCK, OPEN_NONBLOCK } from './symbols.ts';
import type { TcpSocket } from './tcp-socket.ts';

const O_RDWR = 2;

export const fcntl = immediate(({ args, values, table, result }) => {
  const descriptor = table.find(values.number(args[0]));
  if (!descriptor) return new Errno('EBADF');
  const command = values.name(args[1]);
  if (command === 'F_SETFL') {
    descriptor.nonBlocking = (values.number(args[2]) & OPEN_NONBLOCK) !== 0;
    return 0;
  }
  if (command !== 'F_GETFL') throw new Unsupported(values.line, `fcntl with ${command}`);
  const bit =
    result.kind === 'number' && result.value & FREEBSD_O_NONBLOCK ? FREEBSD_O_NONBLOCK : OPEN_NONBLOCK;
  return O_RDWR | (descriptor.nonBlocking ? bit : 0);
});

export const ioctl = immediateOnSocket((socket, { args, values }) => {
  const request = values.name(args[1]);
  if (request === 'FIONBIO') {
    socket.nonBlocking = values.bracketed(args[2]) !== 0;
    return 0;
  }
  const actual = queued(socket, request);
  if (actual === undefined) throw new Unsupported(values.line, `ioctl with ${request}`);
  const value = values.inBrackets(args[2]);
  if (values.isEllipsis(value) || values.number(value) === actual) return 0;
  return { outcome: 0, complaint: `${request} gives ${actual}` };
});

function queued({ connection }: TcpSocket, request: string): number | undefined {
  switch (request) {
    case 'FIONREAD':
    case 'SIOCINQ':
    case 'TIOCINQ':
      return connection?.readableLength ?? 0;
    case 'SIOCOUTQ':
    case 'TIOCOUTQ':
    case 'FIONWRITE':
      return connection?.unacknowledged ?? 0;
    default:
      return undefined;
  }
}
