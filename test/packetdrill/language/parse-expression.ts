// Expressions of system calls.

import type { Expression, Member } from './expression.ts';
import type { TokenReader } from './token-reader.ts';

export function parseExpression(reader: TokenReader): Expression {
  const first = parseTerm(reader);
  if (!reader.isMark('|')) return first;
  const terms = [first];
  while (reader.takeIf('mark', '|')) terms.push(parseTerm(reader));
  return { kind: 'or', terms };
}

/** What stands between parentheses, the opening one taken already. */
export function parseArguments(reader: TokenReader): Expression[] {
  return parseList(reader, ')');
}

function parseTerm(reader: TokenReader): Expression {
  const { kind, text } = reader.next;
  if (kind === 'integer') {
    reader.take();
    return { kind: 'number', value: Number(text) };
  }
  if (kind === 'hex') {
    reader.take();
    return { kind: 'number', value: Number.parseInt(text, 16) };
  }
  if (kind === 'ellipsis') {
    reader.take();
    return { kind: 'ellipsis' };
  }
  if (kind === 'string') return parseString(reader);
  if (kind === 'word') return parseWord(reader);
  if (reader.takeIf('mark', '[')) return { kind: 'list', items: parseList(reader, ']') };
  if (reader.takeIf('mark', '{')) return { kind: 'struct', members: parseMembers(reader) };
  throw reader.unexpected('an argument');
}

/** Strings side by side are one; a `...` behind says that more may follow. */
function parseString(reader: TokenReader): Expression {
  let value = '';
  while (reader.is('string')) value += unescaped(reader.take().text);
  reader.takeIf('ellipsis');
  return { kind: 'string', value };
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', 0: '\0' };

function unescaped(text: string): string {
  return text.replaceAll(/\\x([0-9a-fA-F]{2})|\\(.)/gs, (_, code: string | undefined, char: string) =>
    code === undefined ? (ESCAPES[char] ?? char) : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

function parseWord(reader: TokenReader): Expression {
  const name = reader.take().text;
  if (reader.takeIf('mark', '(')) return { kind: 'call', name, arguments: parseArguments(reader) };
  return { kind: 'word', name };
}

function parseList(reader: TokenReader, close: string): Expression[] {
  const items: Expression[] = [];
  if (reader.takeIf('mark', close)) return items;
  do items.push(parseExpression(reader));
  while (reader.takeIf('mark', ','));
  reader.mark(close);
  return items;
}

function parseMembers(reader: TokenReader): Member[] {
  const members: Member[] = [];
  if (reader.takeIf('mark', '}')) return members;
  do members.push(parseMember(reader));
  while (reader.takeIf('mark', ','));
  reader.mark('}');
  return members;
}

/** `name=value`, `name(length)=value` as `msg_iov(1)=…`, or the value alone. */
function parseMember(reader: TokenReader): Member {
  const value = parseExpression(reader);
  if (!reader.takeIf('mark', '=')) return { name: undefined, value };
  if (value.kind !== 'word' && value.kind !== 'call') throw reader.unexpected("',' or '}'");
  return { name: value.name, value: parseExpression(reader) };
}
