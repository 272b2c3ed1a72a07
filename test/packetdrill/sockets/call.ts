// What a system call is here: begun once with its arguments, then asked until it has an outcome.

import type { Expression } from '../language/expression.ts';
import type { Descriptor } from './descriptor.ts';
import type { DescriptorTable } from './descriptor-table.ts';
import { Errno, type Outcome } from './outcome.ts';
import type { OptionDefaults } from './socket-options.ts';
import type { Address, SocketHost, TcpSocket } from './tcp-socket.ts';
import type { Values } from './values.ts';

export interface CallHost extends SocketHost {
  /** ms on the virtual clock. */
  now(): number;
  optionDefaults(): OptionDefaults;
  readonly bindAddress: Address;
  readonly connectAddress: Address;
  /** Whether what is a system's choice is compared too. */
  readonly strict: boolean;
}

/** What a call has come to. */
export interface CallEnd {
  readonly outcome: Exclude<Outcome, undefined>;
  /** What is wrong with the values that the call filled in. */
  readonly complaint?: string | undefined;
}

/** Asks whether the call is done; `undefined`: not yet. */
export type PendingCall = () => CallEnd | undefined;

export interface CallArguments {
  readonly args: readonly Expression[];
  readonly values: Values;
  /** What the script says that it gives. */
  readonly result: Expression;
  readonly table: DescriptorTable;
  readonly host: CallHost;
}

export type Call = (given: CallArguments) => PendingCall;

/** One that is done at once. */
export function immediate(call: (given: CallArguments) => Outcome | CallEnd): Call {
  return (given) => {
    const outcome = call(given);
    const end: CallEnd = isEnd(outcome) ? outcome : { outcome: outcome ?? 0 };
    return () => end;
  };
}

function isEnd(value: Outcome | CallEnd): value is CallEnd {
  return typeof value === 'object' && 'outcome' in value;
}

/** One that blocks, unless the descriptor or the call (`never`) says that it must not. */
export function blocking(
  descriptor: Descriptor,
  attempt: () => Outcome | CallEnd,
  { never = false, wouldBlock = 'EAGAIN' } = {},
): PendingCall {
  return () => {
    const outcome = attempt();
    if (outcome !== undefined) return isEnd(outcome) ? outcome : { outcome };
    return descriptor.nonBlocking || never ? { outcome: new Errno(wouldBlock) } : undefined;
  };
}

export function failing(code: string): PendingCall {
  return () => ({ outcome: new Errno(code) });
}

/** A call on a socket, which is its first argument. */
export function onSocket(call: (socket: TcpSocket, given: CallArguments) => PendingCall): Call {
  return (given) => {
    const socket = given.table.socket(given.args[0], given.values);
    return socket instanceof Errno ? failing(socket.code) : call(socket, given);
  };
}

export function immediateOnSocket(
  call: (socket: TcpSocket, given: CallArguments) => Outcome | CallEnd,
): Call {
  return onSocket((socket, given) => immediate(() => call(socket, given))(given));
}
