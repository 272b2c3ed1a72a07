// What a packet says of its IP header, in `[…]` or `(…)`: ECN, TOS, DSCP, TTL.

import { ScriptError, Unsupported } from './errors.ts';
import type { IpSpec } from './script.ts';
import type { TokenReader } from './token-reader.ts';

const ECN_MASK = 0x03;
const DSCP_MASK = 0xfc;

const ECN: Readonly<Record<string, number>> = { noecn: 0, ect1: 1, ect0: 2, ce: 3 };

/** Codepoints with a name, as the six bits that they are (RFC 2474, RFC 2597, RFC 3246, RFC 5865, RFC 8622). */
const DSCP: Readonly<Record<string, number>> = {
  cs0: 0x00,
  cs1: 0x08,
  cs2: 0x10,
  cs3: 0x18,
  cs4: 0x20,
  cs5: 0x28,
  cs6: 0x30,
  cs7: 0x38,
  af11: 0x0a,
  af12: 0x0c,
  af13: 0x0e,
  af21: 0x12,
  af22: 0x14,
  af23: 0x16,
  af31: 0x1a,
  af32: 0x1c,
  af33: 0x1e,
  af41: 0x22,
  af42: 0x24,
  af43: 0x26,
  ef: 0x2e,
  voice_admit: 0x2c,
  le: 0x01,
};

export function parseIp(reader: TokenReader, direction: 'in' | 'out'): IpSpec {
  const close = reader.isMark('[') ? ']' : ')';
  if (!reader.isMark('[') && !reader.isMark('(')) return {};
  reader.take();
  let spec: IpSpec = {};
  do spec = merge(spec, parseField(reader, direction));
  while (reader.takeIf('mark', ','));
  reader.mark(close);
  return spec;
}

function merge(spec: IpSpec, field: IpSpec): IpSpec {
  const both: IpSpec = { ...spec, ...field };
  if (field.tosMask === undefined) return both;
  return {
    ...both,
    tos: (spec.tos ?? 0) | (field.tos ?? 0),
    tosMask: (spec.tosMask ?? 0) | field.tosMask,
  };
}

function parseField(reader: TokenReader, direction: 'in' | 'out'): IpSpec {
  const { text, line } = reader.word('a field of IP');
  if (text === 'ecn') return parseEcn(reader.word('an ECN codepoint').text, line, direction);
  if (text in ECN || text === 'ect01') return parseEcn(text, line, direction);
  if (text === 'tos' || text === 'class') return { tos: parseByte(reader, 0xff), tosMask: 0xff };
  if (text === 'dscp') return { tos: parseDscp(reader) << 2, tosMask: DSCP_MASK };
  if (text === 'ttl') return { ttl: reader.integer('a TTL', 0, 255) };
  throw new Unsupported(line, `IP field ${text}`);
}

function parseEcn(name: string, line: number, direction: 'in' | 'out'): IpSpec {
  if (name === 'ect01') {
    if (direction === 'out') return { anyEct: true };
    throw new ScriptError(line, '[ect01] can only be used with outbound packets');
  }
  const codepoint = ECN[name];
  if (codepoint === undefined) throw new Unsupported(line, `ECN codepoint ${name}`);
  return { tos: codepoint, tosMask: ECN_MASK };
}

function parseByte(reader: TokenReader, most: number): number {
  const { text, kind, line } = reader.take();
  const value = kind === 'hex' ? Number.parseInt(text, 16) : Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw new ScriptError(line, `${text} is not a number up to ${most}`);
}

function parseDscp(reader: TokenReader): number {
  if (!reader.is('word')) return parseByte(reader, 63);
  const { text, line } = reader.take();
  const codepoint = DSCP[text.toLowerCase()];
  if (codepoint === undefined) throw new Unsupported(line, `DSCP ${text}`);
  return codepoint;
}
