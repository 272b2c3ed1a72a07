// Whether a segment that was sent is the one that the script expects: all of it, as packetdrill compares, or
// what RFCs fix and no more.

import { TCP_ACK, TCP_PSH, TCP_RST } from '../../../shared/wire/tcp.ts';
import type { IpSpec, TcpOptionSpec, TcpSpec } from '../language/script.ts';
import type { Flow } from '../packets/flow.ts';
import { patternByte } from '../packets/pattern.ts';
import type { SeenTcp, SentIp } from '../packets/seen.ts';
import { flagText, optionsText } from '../packets/text.ts';

export interface SegmentRules {
  /** Whether what is a system's choice is compared too. */
  readonly strict: boolean;
  /** µs of a tick of timestamps, 0 if their values are not looked at. */
  readonly timestampTick: number;
  /** µs. */
  readonly tolerance: number;
  /** Whether a SACK block tells truly of a duplicate, which a receiver may tell of or not (RFC 2883 §4). */
  readonly isDuplicate?: (block: { readonly start: number; readonly end: number }) => boolean;
  /** Whether all that is written is the pattern, so that it is known what each byte must be. */
  readonly patterned: boolean;
}

/** What is wrong with `seen`; undefined if nothing is. */
export function segmentMismatch(
  spec: TcpSpec,
  ip: IpSpec,
  seen: SeenTcp,
  flow: Flow,
  rules: SegmentRules,
): string | undefined {
  return (
    ipMismatch(ip, seen) ??
    flagMismatch(spec.flags, seen.flags, rules) ??
    numberMismatch(spec, seen) ??
    windowMismatch(spec.window, seen.window, rules) ??
    (spec.options === 'any' ? undefined : optionMismatch(spec.options, seen, flow, rules)) ??
    (rules.patterned ? payloadMismatch(seen) : undefined)
  );
}

export function ipMismatch({ tos, tosMask, anyEct, ttl }: IpSpec, seen: SentIp): string | undefined {
  if (tos !== undefined && tosMask !== undefined && (seen.tos & tosMask) !== tos)
    return `its TOS is 0x${seen.tos.toString(16)}`;
  const codepoint = seen.tos & 3;
  if (anyEct && codepoint !== 1 && codepoint !== 2) return 'it is not ECN-capable';
  // 0 stands for any: nothing is sent with it.
  return ttl && ttl !== seen.ttl ? `its TTL is ${seen.ttl}` : undefined;
}

/** Where PSH stands, but for the end of what was written, is a system's choice (RFC 9293 §3.9.1.2). */
function flagMismatch(wanted: number, actual: number, { strict }: SegmentRules): string | undefined {
  const differing = (wanted ^ actual) & (strict ? 0xff : ~TCP_PSH & 0xff);
  return differing ? `its flags are ${flagText(actual)}, not ${flagText(wanted)}` : undefined;
}

function numberMismatch(spec: TcpSpec, seen: SeenTcp): string | undefined {
  const { start, length, absolute, ignored } = spec.sequence;
  const sequence = absolute ? seen.absoluteSequence : seen.sequence;
  if (!ignored && sequence !== start) return `its sequence number is ${sequence >>> 0}, not ${start >>> 0}`;
  if (seen.length !== length) return `its payload has ${seen.length} bytes, not ${length}`;
  if (spec.flags & TCP_ACK && seen.acknowledgment !== spec.acknowledgment)
    return `its ACK number is ${seen.acknowledgment >>> 0}, not ${spec.acknowledgment >>> 0}`;
  return seen.urgent === spec.urgent ? undefined : `its urgent pointer is ${seen.urgent}`;
}

/** How large a window is, and in which scale, is a system's choice; whether it is shut is not. */
function windowMismatch(
  wanted: number | undefined,
  actual: number,
  { strict }: SegmentRules,
): string | undefined {
  if (wanted === undefined) return undefined;
  const same = strict ? wanted === actual : (wanted === 0) === (actual === 0);
  return same ? undefined : `its window is ${actual}, not ${wanted}`;
}

function optionMismatch(
  wanted: readonly TcpOptionSpec[],
  seen: SeenTcp,
  flow: Flow,
  rules: SegmentRules,
): string | undefined {
  if (rules.strict) return strictOptions(wanted, seen.options, flow, rules);
  const actual = withoutNews(wanted, seen.options, rules);
  for (const option of significant(wanted, seen.flags)) {
    const found = actual.find((other) => sameKind(option, other));
    if (!found) return `it has no ${optionsText([option])} among its options ${optionsText(actual)}`;
    if (!sameValue(option, found)) return `it has ${optionsText([found])}, not ${optionsText([option])}`;
  }
  const extra = significant(actual, seen.flags).find(
    (option) => !wanted.some((other) => sameKind(option, other)),
  );
  return extra && `it has ${optionsText([extra])}, which is not expected`;
}

/** Without the news of a duplicate, where it is not wanted: that a receiver tells of it is its choice. */
function withoutNews(
  wanted: readonly TcpOptionSpec[],
  actual: readonly TcpOptionSpec[],
  { isDuplicate }: SegmentRules,
): readonly TcpOptionSpec[] {
  const blocks = wanted.find(({ kind }) => kind === 'sack');
  return actual.flatMap((option): TcpOptionSpec[] => {
    const [first, ...others] = option.kind === 'sack' ? option.blocks : [];
    if (!first || !isDuplicate?.(first)) return [option];
    if (blocks?.kind === 'sack' && sameBlock(blocks.blocks[0], first)) return [option];
    return others.length > 0 ? [{ kind: 'sack', blocks: others }] : [];
  });
}

type Block = { readonly start: number; readonly end: number };

function sameBlock(a: Block | undefined, b: Block): boolean {
  return a?.start === b.start && a.end === b.end;
}

/** Without padding; and a RST may have timestamps or not (RFC 7323 §3.2). */
function significant(options: readonly TcpOptionSpec[], flags: number): readonly TcpOptionSpec[] {
  return options.filter(
    ({ kind }) => kind !== 'nop' && kind !== 'eol' && !(kind === 'TS' && flags & TCP_RST),
  );
}

function sameKind(a: TcpOptionSpec, b: TcpOptionSpec): boolean {
  if (a.kind !== b.kind) return false;
  return a.kind !== 'other' || b.kind !== 'other' || a.code === b.code;
}

/** Scale and timestamps are a system's choice; whether timestamps are consistent is looked at elsewhere. */
function sameValue(a: TcpOptionSpec, b: TcpOptionSpec): boolean {
  if (a.kind === 'mss' && b.kind === 'mss') return a.value === b.value;
  if (a.kind === 'sack' && b.kind === 'sack') return optionsText([a]) === optionsText([b]);
  if (a.kind === 'other' && b.kind === 'other') return Buffer.compare(a.data, b.data) === 0;
  return true;
}

function strictOptions(
  wanted: readonly TcpOptionSpec[],
  actual: readonly TcpOptionSpec[],
  flow: Flow,
  rules: SegmentRules,
): string | undefined {
  const wrong = `its options are ${optionsText(actual)}`;
  if (wanted.length !== actual.length) return wrong;
  for (const [index, option] of wanted.entries()) {
    const other = actual[index]!;
    if (!sameKind(option, other)) return wrong;
    if (option.kind === 'TS' && other.kind === 'TS') {
      if (!sameTick(option.value, other.value, flow, rules)) return wrong;
    } else if (optionsText([option]) !== optionsText([other]) || !sameValue(option, other)) return wrong;
  }
  return undefined;
}

/** As packetdrill: only on demand, on a scale that begins at the first timestamp, and the echo not at all. */
function sameTick(
  wanted: number | undefined,
  actual: number | undefined,
  flow: Flow,
  { timestampTick, tolerance }: SegmentRules,
): boolean {
  if (timestampTick === 0 || wanted === undefined || actual === undefined) return true;
  const distance = Math.abs((flow.scriptTimestamp(actual) - wanted) | 0);
  return distance * timestampTick <= tolerance;
}

function payloadMismatch({ sequence, payload }: SeenTcp): string | undefined {
  const wrong = payload.findIndex((byte, index) => byte !== patternByte(sequence - 1 + index));
  return wrong < 0 ? undefined : `byte ${wrong} of its payload is not what was written there`;
}
