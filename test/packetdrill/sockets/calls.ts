// The system calls that a script can make.

import { Unsupported } from '../language/errors.ts';
import { type Expression, expressionText } from '../language/expression.ts';
import type { CallAction } from '../language/script.ts';
import type { Call, CallHost, PendingCall } from './call.ts';
import { accept, bind, close, connect, listen, shutdown, socket } from './connection-calls.ts';
import { fcntl, ioctl } from './control-calls.ts';
import { DescriptorTable } from './descriptor-table.ts';
import { getsockopt, optionOf, setsockopt } from './option-calls.ts';
import { epollControl, epollCreate, epollWait, poll } from './ready-calls.ts';
import { TRANSFER_CALLS } from './transfer-calls.ts';
import { type CallContext, Values } from './values.ts';

const CALLS: Readonly<Record<string, Call>> = {
  socket,
  bind,
  listen,
  accept,
  accept4: accept,
  connect,
  shutdown,
  close,
  ...TRANSFER_CALLS,
  setsockopt,
  getsockopt,
  fcntl,
  ioctl,
  poll,
  epoll_create: epollCreate,
  epoll_create1: epollCreate,
  epoll_ctl: epollControl,
  epoll_wait: epollWait,
};

export class Calls {
  readonly table = new DescriptorTable();

  constructor(private readonly host: CallHost) {}

  begin({ name, arguments: args, result }: CallAction, context: CallContext): PendingCall {
    const call = CALLS[name];
    if (!call) throw new Unsupported(context.line, `the system call ${name}`);
    return call({ args, values: new Values(context), result, table: this.table, host: this.host });
  }
}

/** Refuses what is not known of a call before anything of the script is played. */
export function checkCall({ name, arguments: args }: CallAction, context: CallContext): void {
  if (!(name in CALLS)) throw new Unsupported(context.line, `the system call ${name}`);
  if (name === 'setsockopt') optionOf(args, new Values(context), 'set');
  if (name === 'getsockopt') optionOf(args, new Values(context), 'get');
  for (const argument of args) checkNames(argument, context);
}

const NOT_HERE: ReadonlySet<string> = new Set([
  'MSG_FASTOPEN',
  'MSG_ZEROCOPY',
  'MSG_ERRQUEUE',
  'MSG_OOB',
  'MSG_EOR',
]);

function checkNames(argument: Expression, context: CallContext): void {
  if (argument.kind === 'or') for (const term of argument.terms) checkNames(term, context);
  if (argument.kind === 'word' && NOT_HERE.has(argument.name))
    throw new Unsupported(context.line, `the flag ${expressionText(argument)}`);
}
