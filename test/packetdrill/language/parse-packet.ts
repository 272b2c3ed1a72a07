// Packets: the direction, what is said of IP, then TCP or ICMP.

import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN, TCP_URG } from '../../../shared/wire/tcp.ts';
import { ScriptError, Unsupported } from './errors.ts';
import { ICMP_CODES, ICMP_TYPES } from './icmp-names.ts';
import { parseIp } from './parse-ip.ts';
import { parseTcpOptions } from './parse-tcp-options.ts';
import type { IcmpSpec, PacketAction, SequenceSpec, TcpSpec } from './script.ts';
import type { TokenReader } from './token-reader.ts';

export const TCP_ECE = 0x40;
export const TCP_CWR = 0x80;

const FLAGS: Readonly<Record<string, number>> = {
  F: TCP_FIN,
  S: TCP_SYN,
  R: TCP_RST,
  P: TCP_PSH,
  '.': TCP_ACK,
  U: TCP_URG,
  E: TCP_ECE,
  W: TCP_CWR,
  C: TCP_CWR,
};

/** What a packet may begin with that is not TCP or ICMP over one IP header. */
const OTHER_PROTOCOLS: ReadonlySet<string> = new Set([
  'ipv4',
  'ipv6',
  'gre',
  'GREv0',
  'mpls',
  'udp',
  'udplite',
  'sctp',
]);

export function parsePacket(reader: TokenReader): PacketAction {
  const direction = reader.take().text === '<' ? 'in' : 'out';
  refuseOthers(reader);
  const ip = parseIp(reader, direction);
  refuseOthers(reader);
  const packet = reader.takeIf('word', 'icmp') ? parseIcmp(reader) : parseTcp(reader, direction);
  refuseEncapsulation(reader);
  return { kind: 'packet', direction, ip, packet };
}

function refuseOthers(reader: TokenReader): void {
  const { kind, text, line } = reader.next;
  if (kind === 'word' && OTHER_PROTOCOLS.has(text)) throw new Unsupported(line, `${text} packets`);
}

function refuseEncapsulation(reader: TokenReader): void {
  const { line } = reader.next;
  if (reader.isMark('/')) throw new Unsupported(line, 'encapsulation in UDP');
  if (reader.isMark('{')) throw new Unsupported(line, 'mutated packets { … }');
}

function parseTcp(reader: TokenReader, direction: 'in' | 'out'): TcpSpec {
  const { line } = reader.next;
  const ports = parsePorts(reader);
  const flags = parseFlags(reader);
  const sequence = parseSequence(reader, direction);
  const acknowledgment = reader.takeIf('word', 'ack') ? reader.sequence('an ACK number') : 0;
  const window = reader.takeIf('word', 'win') ? reader.integer('a window', 0, 0xffff) : undefined;
  const urgent = reader.takeIf('word', 'urg') ? reader.integer('an urgent pointer', 0, 0xffff) : 0;
  const options = parseTcpOptions(reader);
  if (direction === 'in' && options === 'any')
    throw new ScriptError(line, '<...> for TCP options can only be used with outbound packets');
  return { kind: 'tcp', ports, flags, sequence, acknowledgment, window, urgent, options };
}

function parsePorts(reader: TokenReader): TcpSpec['ports'] {
  if (!reader.is('integer') || reader.peek(1).text !== '>') return undefined;
  const source = reader.integer('a source port', 0, 0xffff);
  reader.mark('>');
  return { source, destination: reader.integer('a destination port', 0, 0xffff) };
}

/** `S`, `S.`, `FP.`, `.`, or `-` for none. */
function parseFlags(reader: TokenReader): number {
  if (reader.takeIf('mark', '-')) return 0;
  const { line, kind } = reader.next;
  if (kind === 'integer') throw reader.unexpected('TCP flags');
  let flags = 0;
  for (const letter of reader.takeIf('word')?.text ?? '') {
    const flag = FLAGS[letter];
    if (flag === undefined) throw new Unsupported(line, `TCP flag ${letter}`);
    flags |= flag;
  }
  if (reader.is('float')) throw new Unsupported(line, `ACE counter ${reader.next.text} in the TCP flags`);
  if (reader.takeIf('mark', '.')) flags |= TCP_ACK;
  else if (flags === 0) throw reader.unexpected('TCP flags');
  return flags;
}

function parseSequence(reader: TokenReader, direction: 'in' | 'out'): SequenceSpec {
  const { line } = reader.next;
  if (reader.takeIf('ellipsis')) {
    if (direction === 'in') throw new ScriptError(line, 'an inbound packet needs a sequence number');
    return { start: 0, length: parseLength(reader), absolute: false, ignored: true };
  }
  const start = reader.sequence('a sequence number');
  reader.mark(':');
  const end = reader.sequence('a sequence number');
  const length = parseLength(reader);
  if (end !== ((start + length) | 0))
    throw new ScriptError(line, `${start >>> 0}:${end >>> 0} are not ${length} bytes`);
  return { start, length, absolute: reader.takeIf('mark', '!') !== undefined, ignored: false };
}

function parseLength(reader: TokenReader): number {
  reader.mark('(');
  const length = reader.integer('a payload length', 0, 0xffff);
  reader.mark(')');
  return length;
}

function parseIcmp(reader: TokenReader): IcmpSpec {
  const { text: typeName, line } = reader.word('an ICMP type');
  const type = ICMP_TYPES[typeName] ?? numbered(typeName, 'type_');
  if (type === undefined) throw new Unsupported(line, `ICMP type ${typeName}`);
  const code = parseCode(reader, typeName);
  const mtu = reader.takeIf('word', 'mtu') ? reader.integer('an MTU', 0, 0xffff) : undefined;
  const identifier = reader.takeIf('word', 'id') ? reader.integer('an identifier', 0, 0xffff) : undefined;
  return { kind: 'icmp', type, code, mtu, identifier, quoted: parseQuoted(reader) };
}

function parseCode(reader: TokenReader, typeName: string): number {
  if (!reader.is('word') || reader.isWord('mtu') || reader.isWord('id')) return 0;
  const { text, line } = reader.take();
  const code = ICMP_CODES[typeName]?.[text] ?? numbered(text, 'code_');
  if (code === undefined) throw new Unsupported(line, `ICMP code ${text}`);
  return code;
}

/** `type_42`, `code_7`. */
function numbered(name: string, prefix: string): number | undefined {
  const digits = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  return /^\d{1,3}$/.test(digits) && Number(digits) < 256 ? Number(digits) : undefined;
}

function parseQuoted(reader: TokenReader): IcmpSpec['quoted'] {
  if (!reader.takeIf('mark', '[')) return undefined;
  const { kind, text, line } = reader.next;
  if (kind === 'word') throw new Unsupported(line, `ICMP that quotes ${text}`);
  const { start, length } = parseSequence(reader, 'in');
  reader.mark(']');
  return { start, length };
}
