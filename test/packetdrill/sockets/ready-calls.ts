// poll and epoll.

import type { Expression } from '../language/expression.ts';
import { type Call, type CallArguments, failing, immediate } from './call.ts';
import { READY } from './descriptor.ts';
import { Epoll } from './epoll.ts';
import { Errno } from './outcome.ts';
import { SYMBOLS } from './symbols.ts';
import type { Values } from './values.ts';

const NOT_OPEN = SYMBOLS.POLLNVAL!;

/** What else a bit of `READY` is called, for who asks by that name. */
const ALIASES: readonly (readonly [number, number])[] = [
  [SYMBOLS.POLLRDNORM!, READY.in],
  [SYMBOLS.POLLWRNORM!, READY.out],
];

/** `poll([{fd=…, events=…, revents=…}], count, timeout)`. */
export const poll: Call = (given) => {
  const { args, values, host } = given;
  const timeout = values.number(args[2]);
  const end = timeout < 0 ? Number.POSITIVE_INFINITY : host.now() + timeout;
  const entries = values.list(args[0]);
  return () => {
    const ready = entries.map((entry) => readyOf(entry, given));
    const count = ready.filter((bits) => bits !== 0).length;
    if (count === 0 && host.now() < end) return undefined;
    return { outcome: count, complaint: complaint(entries, ready, values) };
  };
};

function readyOf(entry: Expression, { values, table }: CallArguments): number {
  const descriptor = table.find(values.number(values.member(entry, 'fd')));
  if (!descriptor) return NOT_OPEN;
  const asked = values.number(values.member(entry, 'events'));
  let readiness = descriptor.readiness;
  for (const [alias, bit] of ALIASES) if (readiness & bit) readiness |= alias;
  return readiness & (asked | READY.error | READY.hangUp);
}

function complaint(
  entries: readonly Expression[],
  ready: readonly number[],
  values: Values,
): string | undefined {
  for (const [index, entry] of entries.entries()) {
    const expected = values.member(entry, 'revents');
    if (!expected || values.isEllipsis(expected) || values.number(expected) === ready[index]) continue;
    return `revents is 0x${ready[index]!.toString(16)}`;
  }
  return undefined;
}

export const epollCreate = immediate(({ values, result, table }) => table.put(new Epoll(), result, values));

export const epollControl = immediate(({ args, values, table }) => {
  const epoll = table.find(values.number(args[0]));
  const descriptor = table.find(values.number(args[2]));
  if (!epoll || !descriptor) return new Errno('EBADF');
  if (!(epoll instanceof Epoll)) return new Errno('EINVAL');
  const { events, data } = epollEvent(args[3], values);
  return epoll.control(values.name(args[1]), descriptor, events, data);
});

export const epollWait: Call = ({ args, values, table, host }) => {
  const epoll = table.find(values.number(args[0]));
  if (!(epoll instanceof Epoll)) return failing(epoll ? 'EINVAL' : 'EBADF');
  const limit = values.number(args[2]);
  const timeout = values.number(args[3]);
  const end = timeout < 0 ? Number.POSITIVE_INFINITY : host.now() + timeout;
  const expected = args[1];
  return () => {
    const [event, ...more] = epoll.wait(limit);
    if (!event) return host.now() >= end ? { outcome: 0 } : undefined;
    const { events, data } = epollEvent(expected, values);
    const same = event.events === events && (data === -1 || event.data === data);
    return {
      outcome: 1 + more.length,
      complaint: same ? undefined : `the event is {events=0x${event.events.toString(16)}, fd=${event.data}}`,
    };
  };
};

function epollEvent(expression: Expression | undefined, values: Values): { events: number; data: number } {
  if (expression?.kind !== 'struct') return { events: 0, data: -1 };
  const data = ['fd', 'ptr', 'u32', 'u64'].map((name) => values.member(expression, name)).find(Boolean);
  return {
    events: values.number(values.member(expression, 'events')),
    data: data && !values.isEllipsis(data) ? values.number(data) : -1,
  };
}
