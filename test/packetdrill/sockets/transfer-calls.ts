// Reading and writing, in all their forms.

import { Unsupported } from '../language/errors.ts';
import { type Expression, expressionText } from '../language/expression.ts';
import { pattern } from '../packets/pattern.ts';
import { blocking, type Call, type CallArguments, onSocket } from './call.ts';
import { Errno } from './outcome.ts';
import { SYMBOLS } from './symbols.ts';
import type { Values } from './values.ts';

interface Buffers {
  readonly length: number;
  /** What is written, or what is expected to be read; undefined: `...`. */
  readonly text?: string | undefined;
}

const NO_FLAGS: Expression = { kind: 'number', value: 0 };
const FLAGS_OF_READING = ['MSG_PEEK', 'MSG_DONTWAIT', 'MSG_WAITALL', 'MSG_NOSIGNAL', 'MSG_TRUNC'];
const FLAGS_OF_WRITING = ['MSG_DONTWAIT', 'MSG_MORE', 'MSG_NOSIGNAL'];

function flagsOf(expression: Expression | undefined, known: readonly string[], values: Values): number {
  const given = expression ?? NO_FLAGS;
  for (const term of given.kind === 'or' ? given.terms : [given])
    if (term.kind === 'word' && !known.includes(term.name))
      throw new Unsupported(values.line, `the flag ${term.name}`);
  return values.number(given);
}

function reading(
  buffers: (given: CallArguments) => Buffers,
  flagsAt?: number,
  answer?: (given: CallArguments) => Expression | undefined,
): Call {
  return onSocket((socket, given) => {
    const { values, args } = given;
    const { length, text } = buffers(given);
    const flags = flagsAt === undefined ? 0 : flagsOf(args[flagsAt], FLAGS_OF_READING, values);
    const control = answer?.(given);
    if (control && values.list(control).length > 0)
      throw new Unsupported(values.line, 'control messages of recvmsg');
    const peek = (flags & SYMBOLS.MSG_PEEK!) !== 0;
    const never = (flags & SYMBOLS.MSG_DONTWAIT!) !== 0;
    const wholly = (flags & SYMBOLS.MSG_WAITALL!) !== 0;
    return blocking(
      socket,
      () => {
        const { outcome, data } = socket.read(length, peek, wholly && !socket.nonBlocking && !never);
        if (!data || text === undefined) return outcome;
        const read = Buffer.from(data).toString('latin1');
        const complaint = text.startsWith(read) ? undefined : `the data read is ${JSON.stringify(read)}`;
        return { outcome: outcome as number, complaint };
      },
      { never },
    );
  });
}

function writing(buffers: (given: CallArguments) => Buffers, flagsAt?: number): Call {
  return onSocket((socket, given) => {
    const { length, text } = buffers(given);
    const flags = flagsAt === undefined ? 0 : flagsOf(given.args[flagsAt], FLAGS_OF_WRITING, given.values);
    const data = pattern(socket.written, length);
    if (text !== undefined) data.set(Buffer.from(text, 'latin1').subarray(0, length));
    const never = (flags & SYMBOLS.MSG_DONTWAIT!) !== 0;
    let written = 0;
    return blocking(
      socket,
      () => {
        const outcome = socket.write(data.subarray(written), (flags & SYMBOLS.MSG_MORE!) !== 0);
        if (typeof outcome === 'number') written += outcome;
        if (written === length || (outcome instanceof Errno && written > 0)) return written;
        if (outcome instanceof Errno) return outcome;
        // A blocking write goes on until all is taken.
        return (socket.nonBlocking || never) && written > 0 ? written : undefined;
      },
      { never },
    );
  });
}

/** `read(fd, buffer, length)`. */
function oneBuffer({ args, values }: CallArguments): Buffers {
  const length = values.number(args[2]);
  return { length, ...(args[1]?.kind === 'string' && { text: args[1].value }) };
}

function vector(expression: Expression | undefined, values: Values): Buffers {
  const lengths = values
    .list(expression)
    .map((buffer) => values.number(values.members(buffer).at(-1)?.value));
  return { length: lengths.reduce((sum, length) => sum + length, 0) };
}

/** `readv(fd, [{..., length}, …], count)`. */
function buffersInRow({ args, values }: CallArguments): Buffers {
  return vector(args[1], values);
}

/** `recvmsg(fd, {msg_iov(…)=[…], …}, flags)`. */
function message({ args, values }: CallArguments): Buffers {
  return vector(values.member(args[1], 'msg_iov'), values);
}

function messageControl({ args, values }: CallArguments): Expression | undefined {
  return values.member(args[1], 'msg_control');
}

/** A `sendto` or `recvfrom` of a connected socket gives no address. */
function withoutAddress(call: Call): Call {
  return (given) => {
    const { args, values } = given;
    const address = args[4];
    const absent = !address || values.isEllipsis(address) || expressionText(address) === 'NULL';
    if (!absent && !(address.kind === 'number' && address.value === 0))
      throw new Unsupported(values.line, 'an address in sendto or recvfrom');
    return call(given);
  };
}

/** By name. */
export const TRANSFER_CALLS: Readonly<Record<string, Call>> = {
  read: reading(oneBuffer),
  recv: reading(oneBuffer, 3),
  recvfrom: withoutAddress(reading(oneBuffer, 3)),
  readv: reading(buffersInRow),
  recvmsg: reading(message, 2, messageControl),
  write: writing(oneBuffer),
  send: writing(oneBuffer, 3),
  sendto: withoutAddress(writing(oneBuffer, 3)),
  writev: writing(buffersInRow),
  sendmsg: writing(message, 2),
};
