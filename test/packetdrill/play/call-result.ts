// Whether a system call came to what the script says.

import type { CallAction } from '../language/script.ts';
import type { CallEnd } from '../sockets/call.ts';
import { Errno } from '../sockets/outcome.ts';
import { type CallContext, Values } from '../sockets/values.ts';

/** Errors that are one and the same. */
const SAME: Readonly<Record<string, string>> = { EWOULDBLOCK: 'EAGAIN', EOPNOTSUPP: 'ENOTSUP' };

/** What is wrong; undefined if nothing is. */
export function callMismatch(action: CallAction, end: CallEnd, context: CallContext): string | undefined {
  const { name, result, error } = action;
  const { outcome, complaint } = end;
  if (result.kind === 'ellipsis') return undefined;
  const wanted = new Values(context).number(result);
  const expected = wanted === -1 && error !== undefined ? `-1 ${error}` : String(wanted);
  if (outcome instanceof Errno) {
    const same = wanted === -1 && (error === undefined || plain(error) === plain(outcome.code));
    return same ? undefined : `${name} gives -1 ${outcome.code}, not ${expected}`;
  }
  if (outcome !== wanted || error !== undefined) return `${name} gives ${outcome}, not ${expected}`;
  return complaint === undefined ? undefined : `${name}: ${complaint}`;
}

function plain(code: string): string {
  return SAME[code] ?? code;
}
