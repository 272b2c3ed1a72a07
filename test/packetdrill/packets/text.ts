// Packets as a script would have them, for people.

import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN, TCP_URG } from '../../../shared/wire/tcp.ts';
import { TCP_CWR, TCP_ECE } from '../language/parse-packet.ts';
import type { IcmpSpec, TcpOptionSpec, TcpSpec } from '../language/script.ts';
import type { SeenTcp, SentIcmp } from './seen.ts';

const LETTERS: readonly (readonly [string, number])[] = [
  ['F', TCP_FIN],
  ['S', TCP_SYN],
  ['R', TCP_RST],
  ['P', TCP_PSH],
  ['E', TCP_ECE],
  ['W', TCP_CWR],
  ['U', TCP_URG],
  ['.', TCP_ACK],
];

export function flagText(flags: number): string {
  return LETTERS.map(([letter, flag]) => (flags & flag ? letter : '')).join('') || '-';
}

export function seenText(seen: SeenTcp): string {
  const { flags, sequence, length, acknowledgment, window, urgent, options } = seen;
  return [
    `${flagText(flags)} ${sequence >>> 0}:${(sequence + length) >>> 0}(${length})`,
    ...(flags & TCP_ACK ? [`ack ${acknowledgment >>> 0}`] : []),
    `win ${window}`,
    ...(urgent ? [`urg ${urgent}`] : []),
    ...(options.length > 0 ? [optionsText(options)] : []),
  ].join(' ');
}

export function specText(spec: TcpSpec | IcmpSpec): string {
  return spec.kind === 'tcp' ? tcpText(spec) : icmpText(spec);
}

function tcpText({ flags, sequence, acknowledgment, window, urgent, options }: TcpSpec): string {
  const { start, length, absolute, ignored } = sequence;
  const numbers = ignored ? `...(${length})` : `${start >>> 0}:${(start + length) >>> 0}(${length})`;
  return [
    `${flagText(flags)} ${numbers}${absolute ? '!' : ''}`,
    ...(flags & TCP_ACK ? [`ack ${acknowledgment >>> 0}`] : []),
    ...(window !== undefined ? [`win ${window}`] : []),
    ...(urgent ? [`urg ${urgent}`] : []),
    ...(options === 'any' ? ['<...>'] : options.length > 0 ? [optionsText(options)] : []),
  ].join(' ');
}

function icmpText({ type, code }: { type: number; code: number }): string {
  return `icmp type ${type} code ${code}`;
}

export function sentIcmpText({ message }: SentIcmp): string {
  return icmpText(message);
}

export function optionsText(options: readonly TcpOptionSpec[]): string {
  return `<${options.map(optionText).join(',')}>`;
}

function optionText(option: TcpOptionSpec): string {
  switch (option.kind) {
    case 'mss':
    case 'wscale':
      return `${option.kind} ${option.value}`;
    case 'TS':
      return `TS val ${timestampText(option.value)} ecr ${timestampText(option.echo)}`;
    case 'sack':
      return `sack ${option.blocks.map(({ start, end }) => `${start >>> 0}:${end >>> 0}`).join(' ')}`;
    case 'other':
      return option.name;
    default:
      return option.kind;
  }
}

function timestampText(value: number | undefined): string {
  return value === undefined ? '...' : `${value >>> 0}`;
}
