// setsockopt and getsockopt.

import { Unsupported } from '../language/errors.ts';
import type { Expression } from '../language/expression.ts';
import { type CallArguments, type CallEnd, immediateOnSocket } from './call.ts';
import type { Outcome } from './outcome.ts';
import { congestionControl, type OptionValue, type SocketOption, socketOption } from './socket-options.ts';
import type { Values } from './values.ts';

export const setsockopt = immediateOnSocket((socket, { args, values }): Outcome => {
  const option = optionOf(args, values, 'set');
  return option.set?.(socket, args[3]!, values) ?? 0;
});

export const getsockopt = immediateOnSocket((socket, given): CallEnd => {
  const { args, values, host } = given;
  const option = optionOf(args, values, 'get');
  const actual = option.get?.(socket, host.optionDefaults()) ?? 0;
  return { outcome: 0, complaint: complaint(option, actual, given) };
});

/** @throws Unsupported if this TCP does not have it, or not for that */
export function optionOf(args: readonly Expression[], values: Values, use: 'set' | 'get'): SocketOption {
  const level = values.name(args[1]);
  const name = values.name(args[2]);
  const option = socketOption(level, name);
  if (!option?.[use]) throw new Unsupported(values.line, `${use}sockopt of ${level} ${name}`);
  return option;
}

function complaint(
  { loose }: SocketOption,
  actual: OptionValue,
  { args, values, host }: CallArguments,
): string | undefined {
  if (loose && !host.strict) return undefined;
  const expected = args[3]?.kind === 'list' ? args[3].items[0] : args[3];
  if (!expected || values.isEllipsis(expected)) return undefined;
  const named = expected.kind === 'string' || isErrorName(expected);
  const wanted = named ? values.text(expected) : values.number(expected);
  return wanted === actual || isSameAlgorithm(wanted, actual) ? undefined : `the value is ${actual}`;
}

/** One system says reno, the other newreno. */
function isSameAlgorithm(a: OptionValue, b: OptionValue): boolean {
  const names = [a, b].map((value) => (typeof value === 'string' ? congestionControl(value) : undefined));
  return names[0] !== undefined && names[0] === names[1];
}

/** SO_ERROR gives an error, which scripts name. */
function isErrorName(expression: Expression): boolean {
  return expression.kind === 'word' && /^E[A-Z0-9]+$/.test(expression.name);
}
