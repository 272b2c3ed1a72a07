// Waits for the packet that the script expects next, and compares it.

import { seqAfter } from '../../../shared/stack/tcp/sequence.ts';
import { TCP_SYN } from '../../../shared/wire/tcp.ts';
import { Mismatch } from '../language/errors.ts';
import type { IcmpSpec, PacketAction, TcpSpec } from '../language/script.ts';
import type { Flow } from '../packets/flow.ts';
import type { SentIcmp } from '../packets/seen.ts';
import { inScriptNumbers, type SeenTcp, type SentTcp } from '../packets/seen.ts';
import { seenText, sentIcmpText, specText } from '../packets/text.ts';
import type { Range } from './acknowledgments.ts';
import { joined } from './aggregate.ts';
import { ipMismatch, type SegmentRules, segmentMismatch } from './segment.ts';
import { looseTimer, type TimeWindow, timeText } from './timing.ts';
import type { Watch } from './watch.ts';

/** What was sent by one connection and not been looked at, oldest first. */
export interface Outbox {
  peek(flow: Flow, ahead?: number): SentTcp | SentIcmp | undefined;
  take(flow: Flow, count: number): void;
  /** Lets the next thing happen that will by itself, up to `until` µs; whether there was one. */
  step(until: number): boolean;
  readonly now: number;
}

export interface Expected {
  readonly line: number;
  readonly action: PacketAction;
  readonly window: TimeWindow;
  /** µs: when the script begins to wait for it. */
  readonly origin: number;
  readonly flow: Flow;
  readonly watch: Watch;
}

export class Expectation {
  constructor(
    private readonly outbox: Outbox,
    private readonly rules: SegmentRules & { readonly strictSegments: boolean },
  ) {}

  /** @throws Mismatch */
  meet(expected: Expected): void {
    const { packet } = expected.action;
    if (packet.kind === 'tcp') this.#meetTcp(expected, packet);
    else this.#meetIcmp(expected, packet);
  }

  #meetTcp(expected: Expected, spec: TcpSpec): void {
    const { flow, watch } = expected;
    for (;;) {
      const sent = this.#await(expected, spec);
      if (!sent) {
        if (this.#mayMiss(expected, spec)) return;
        throw nothing(expected, spec, this.outbox.now);
      }
      if (sent.kind !== 'tcp') throw wrong(expected, spec, sentIcmpText(sent), 'it is ICMP');
      nameIsn(sent, spec, flow);
      const seen = inScriptNumbers(sent, flow);
      const { whole, parts } = this.#whole(expected, spec, seen);
      const why = this.#mismatch(expected, spec, whole);
      if (why === undefined && this.#isAnEarlierOne(expected, spec, whole)) {
        this.#consume(expected, parts);
        continue;
      }
      if (why === undefined) return this.#accept(expected, spec, whole, parts);
      if (this.#isSystemsChoice(expected, spec, seen)) {
        if (watch.acknowledgments.mayBeSent(seen, spec)) this.#consume(expected, [seen]);
        else if (this.#mayMiss(expected, spec)) return;
        continue;
      }
      throw wrong(expected, spec, seenText(seen), why);
    }
  }

  /** The next packet of the connection, if one is sent in time. */
  #await(expected: Expected, spec: TcpSpec | IcmpSpec): SentTcp | SentIcmp | undefined {
    const { flow } = expected;
    const until = this.#latest(expected, spec);
    for (;;) {
      const sent = this.outbox.peek(flow);
      if (sent || !this.outbox.step(until)) return sent;
    }
  }

  /** Until when to wait. */
  #latest({ window, origin, watch }: Expected, spec: TcpSpec | IcmpSpec): number {
    if (this.rules.strict || spec.kind !== 'tcp') return window.until;
    return watch.acknowledgments.mayWait(spec) ? window.until : looseTimer(window, origin).until;
  }

  /** `seen`, with those behind it that the script has as one with it. */
  #whole({ flow, window }: Expected, spec: TcpSpec, seen: SeenTcp): { whole: SeenTcp; parts: SeenTcp[] } {
    const parts = [seen];
    let whole = seen;
    while (!this.rules.strictSegments && whole.length > 0 && whole.length < spec.sequence.length) {
      const next = this.outbox.peek(flow, parts.length);
      if (!next && this.outbox.step(Math.max(window.until, this.outbox.now))) continue;
      if (next?.kind !== 'tcp') break;
      const grown = joined([...parts, inScriptNumbers(next, flow)]);
      if (!grown) break;
      parts.push(inScriptNumbers(next, flow));
      whole = grown;
    }
    return { whole, parts };
  }

  #mismatch({ action, flow, watch }: Expected, spec: TcpSpec, seen: SeenTcp): string | undefined {
    const isDuplicate = (block: Range): boolean => watch.acknowledgments.isDuplicate(block);
    const why = segmentMismatch(spec, action.ip, seen, flow, { ...this.rules, isDuplicate });
    if (this.rules.strict) return why;
    if (why !== undefined && watch.isSameProbe(spec, seen)) return undefined;
    return why ?? watch.timestamps.mismatch(seen);
  }

  #accept(expected: Expected, spec: TcpSpec, seen: SeenTcp, parts: readonly SeenTcp[]): void {
    const window = this.#window(expected, spec, seen);
    if (seen.at < window.from || seen.at > window.until)
      throw mistimed(expected, spec, seen.at, this.rules.strict ? expected.window : window);
    nameTimestamp(spec, seen, expected.flow);
    this.#consume(expected, parts);
  }

  /** An acknowledgment that the script has, or need not have, before the one like it that it means here. */
  #isAnEarlierOne(expected: Expected, spec: TcpSpec, seen: SeenTcp): boolean {
    const tooEarly = seen.at < this.#window(expected, spec, seen).from;
    return tooEarly && !this.rules.strict && expected.watch.acknowledgments.isOwnChoice(seen);
  }

  #window({ window, origin, watch }: Expected, spec: TcpSpec, seen: SeenTcp): TimeWindow {
    if (this.rules.strict) return window;
    const earliest = watch.acknowledgments.earliest(spec);
    if (earliest !== undefined) return { ...window, from: Math.min(earliest, window.from) };
    return watch.isRepeated(seen) || watch.isSameProbe(spec, seen) ? looseTimer(window, origin) : window;
  }

  #consume({ flow, watch }: Expected, parts: readonly SeenTcp[]): void {
    for (const part of parts) watch.seen(part);
    this.outbox.take(flow, parts.length);
  }

  #isSystemsChoice({ watch }: Expected, spec: TcpSpec, seen: SeenTcp): boolean {
    const { acknowledgments } = watch;
    if (this.rules.strict) return false;
    return acknowledgments.mayBeSent(seen, spec) || this.#covers(watch, spec, seen);
  }

  /** Whether `seen` goes on from where the acknowledgment that the script lists is still owed, or not needed. */
  #covers({ acknowledgments }: Watch, spec: TcpSpec, seen: SeenTcp): boolean {
    if (acknowledgments.isWindowUpdate(spec)) return true;
    return acknowledgments.mayWait(spec) && !seqAfter(spec.acknowledgment, seen.acknowledgment);
  }

  /** The script's packet is one that need not come, or not yet. */
  #mayMiss({ line, watch }: Expected, spec: TcpSpec): boolean {
    const { acknowledgments } = watch;
    if (this.rules.strict) return false;
    if (acknowledgments.mayWait(spec)) {
      acknowledgments.owe(line, spec, this.outbox.now);
      return true;
    }
    return acknowledgments.isWindowUpdate(spec);
  }

  #meetIcmp(expected: Expected, spec: IcmpSpec): void {
    const sent = this.#await(expected, spec);
    if (!sent) throw nothing(expected, spec, this.outbox.now);
    if (sent.kind !== 'icmp') {
      const text = seenText(inScriptNumbers(sent, expected.flow));
      throw wrong(expected, spec, text, 'it is TCP');
    }
    const { type, code } = sent.message;
    const same = type === spec.type && code === spec.code;
    const why = same ? ipMismatch(expected.action.ip, sent) : 'its type or code differs';
    if (why !== undefined) throw wrong(expected, spec, sentIcmpText(sent), why);
    const { window } = expected;
    if (sent.at < window.from || sent.at > window.until) throw mistimed(expected, spec, sent.at, window);
    this.outbox.take(expected.flow, 1);
  }
}

/** The first SYN shows what the script's number for it stands for. */
function nameIsn({ segment }: SentTcp, { flags, sequence }: TcpSpec, flow: Flow): void {
  if (segment.flags & flags & TCP_SYN && !sequence.absolute && !sequence.ignored)
    flow.nameOwnIsn(sequence.start);
}

function nameTimestamp(spec: TcpSpec, seen: SeenTcp, flow: Flow): void {
  if (spec.options === 'any') return;
  const script = spec.options.find(({ kind }) => kind === 'TS');
  const live = seen.options.find(({ kind }) => kind === 'TS');
  if (script?.kind !== 'TS' || live?.kind !== 'TS') return;
  if (script.value !== undefined && live.value !== undefined) flow.nameTimestamp(script.value, live.value);
}

function nothing({ line, window }: Expected, spec: TcpSpec | IcmpSpec, now: number): Mismatch {
  const when = window.expected === undefined ? '' : ` at ${timeText(window.expected)}`;
  return new Mismatch(
    line,
    `> ${specText(spec)} is expected${when}; nothing was sent up to ${timeText(now)}`,
  );
}

function wrong({ line }: Expected, spec: TcpSpec | IcmpSpec, text: string, why: string): Mismatch {
  return new Mismatch(line, `> ${specText(spec)} is expected; sent was > ${text}: ${why}`);
}

function mistimed(
  { line, window: { expected } }: Expected,
  spec: TcpSpec | IcmpSpec,
  at: number,
  window: TimeWindow,
): Mismatch {
  const wanted = `at ${timeText(expected ?? 0)} (from ${timeText(window.from)} to ${timeText(window.until)})`;
  return new Mismatch(line, `> ${specText(spec)} is expected ${wanted}; it was sent at ${timeText(at)}`);
}
