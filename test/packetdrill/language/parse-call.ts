// System calls: `name(arguments) = result`, with the error and a note behind.

import { parseArguments, parseExpression } from './parse-expression.ts';
import type { CallAction } from './script.ts';
import type { TokenReader } from './token-reader.ts';

/** @param end when the call returns, if it blocks */
export function parseCall(reader: TokenReader, end: number | undefined): CallAction {
  const name = reader.word('a packet, a system call, a command or code').text;
  reader.mark('(');
  const args = parseArguments(reader);
  reader.mark('=');
  const result = parseExpression(reader);
  const error = reader.takeIf('word')?.text;
  // What the system says of an error, or what the bits of a result mean: for people.
  while (reader.isMark('(')) skipNote(reader);
  return { kind: 'call', name, arguments: args, end, result, error };
}

function skipNote(reader: TokenReader): void {
  reader.mark('(');
  while (!reader.isMark(')')) {
    if (reader.is('end')) throw reader.unexpected("')'");
    reader.take();
  }
  reader.take();
}
