// TCP options: `<mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7>`.

import { ScriptError, Unsupported } from './errors.ts';
import type { TcpOptionSpec } from './script.ts';
import { optionsLength } from './tcp-option-bytes.ts';
import type { TokenReader } from './token-reader.ts';

const LONGEST_OPTIONS = 40;

const FAST_OPEN = 34;
const MD5 = 19;
const EXPERIMENT = 254;
/** Which experiment it is (RFC 6994): Fast Open before it had a number. */
const FAST_OPEN_EXPERIMENT = [0xf9, 0x89];
const MD5_LENGTH = 16;

export function parseTcpOptions(reader: TokenReader): readonly TcpOptionSpec[] | 'any' {
  const open = reader.takeIf('mark', '<');
  if (!open) return [];
  if (reader.takeIf('ellipsis')) {
    reader.mark('>');
    return 'any';
  }
  const options: TcpOptionSpec[] = [];
  do options.push(parseOption(reader));
  while (reader.takeIf('mark', ','));
  reader.mark('>');
  checkLength(options, open.line);
  return options;
}

function checkLength(options: readonly TcpOptionSpec[], line: number): void {
  const length = optionsLength(options);
  if (length > LONGEST_OPTIONS)
    throw new ScriptError(
      line,
      `the TCP options have ${length} bytes, and there is room for ${LONGEST_OPTIONS}`,
    );
  if (length % 4 !== 0)
    throw new ScriptError(line, `the TCP options have ${length} bytes, which is no multiple of 4: add nops`);
}

function parseOption(reader: TokenReader): TcpOptionSpec {
  const { text, line } = reader.word('a TCP option');
  switch (text) {
    case 'nop':
    case 'eol':
    case 'sackOK':
      return { kind: text };
    case 'mss':
      return { kind: 'mss', value: reader.integer('an MSS', 0, 0xffff) };
    case 'wscale':
      return { kind: 'wscale', value: reader.integer('a window scale', 0, 0xff) };
    case 'sack':
      return parseSack(reader);
    case 'TS':
      return parseTimestamps(reader);
    case 'md5':
      return parseMd5(reader, line);
    case 'FO':
      return { kind: 'other', name: 'FO', code: FAST_OPEN, data: parseHex(reader, line) };
    case 'FOEXP':
      return parseFastOpenExperiment(reader, line);
    default:
      throw new Unsupported(line, `TCP option ${optionName(reader, text)}`);
  }
}

/** Names such as `exp-tarr` are more than one token. */
function optionName(reader: TokenReader, first: string): string {
  if (!reader.isMark('-')) return first;
  return `${first}-${reader.peek(1).text}`;
}

function parseSack(reader: TokenReader): TcpOptionSpec {
  const blocks: { start: number; end: number }[] = [];
  do {
    const start = reader.sequence('the start of a SACK block');
    reader.mark(':');
    blocks.push({ start, end: reader.sequence('the end of a SACK block') });
  } while (reader.is('integer'));
  return { kind: 'sack', blocks };
}

function parseTimestamps(reader: TokenReader): TcpOptionSpec {
  if (!reader.takeIf('word', 'val')) throw reader.unexpected("'val'");
  const value = parseTimestamp(reader, 'a timestamp');
  if (!reader.takeIf('word', 'ecr')) throw reader.unexpected("'ecr'");
  const echo = parseTimestamp(reader, 'an echoed timestamp');
  return { kind: 'TS', value, echo, absoluteEcho: reader.takeIf('mark', '!') !== undefined };
}

/** Undefined for the wildcards `...` and `*`. */
function parseTimestamp(reader: TokenReader, what: string): number | undefined {
  if (reader.takeIf('ellipsis') || reader.takeIf('mark', '*')) return undefined;
  return reader.sequence(what);
}

function parseMd5(reader: TokenReader, line: number): TcpOptionSpec {
  const data = parseHex(reader, line);
  if (data.length !== MD5_LENGTH) throw new ScriptError(line, `an MD5 digest has ${MD5_LENGTH} bytes`);
  return { kind: 'other', name: 'md5', code: MD5, data };
}

function parseFastOpenExperiment(reader: TokenReader, line: number): TcpOptionSpec {
  const data = Uint8Array.from([...FAST_OPEN_EXPERIMENT, ...parseHex(reader, line)]);
  return { kind: 'other', name: 'FOEXP', code: EXPERIMENT, data };
}

function parseHex(reader: TokenReader, line: number): Uint8Array {
  const digits = reader.is('word') || reader.is('integer') ? reader.take().text : '';
  if (!/^([0-9a-fA-F]{2})*$/.test(digits)) throw new ScriptError(line, `${digits} is not a row of hex bytes`);
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}
