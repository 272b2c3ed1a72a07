// A whole script: options, then events, each at its time. The grammar is that of packetdrill, in its Linux
// and its FreeBSD dialect.

import { ScriptError } from './errors.ts';
import { tokens } from './lexer.ts';
import { parseCall } from './parse-call.ts';
import { parsePacket } from './parse-packet.ts';
import type { Action, EventTime, Script, ScriptEvent, ScriptOption } from './script.ts';
import { TokenReader } from './token-reader.ts';

export function parseScript(text: string): Script {
  const reader = new TokenReader(tokens(text));
  const options: ScriptOption[] = [];
  while (reader.is('option')) options.push(parseOption(reader));
  const events: ScriptEvent[] = [];
  while (!reader.is('end')) events.push(parseEvent(reader));
  checkTimes(events);
  return { options, events };
}

/** `--name=value`; the value of `--define` is itself `NAME=value`. */
function parseOption(reader: TokenReader): ScriptOption {
  const { text, line } = reader.take();
  const name = text.slice(2);
  if (!reader.takeIf('mark', '=')) return { line, name, value: undefined };
  let value = reader.take().text;
  if (reader.takeIf('mark', '=')) value += `=${reader.take().text}`;
  return { line, name, value };
}

function parseEvent(reader: TokenReader): ScriptEvent {
  const { line } = reader.next;
  // A command without a time, as at the beginning and the end, comes right after what is before it.
  const time: EventTime = reader.is('command') ? { kind: 'relative', at: 0 } : parseTime(reader);
  const action = parseAction(reader);
  const outbound = action.kind === 'packet' && action.direction === 'out';
  if (!outbound && time.kind !== 'relative' && time.kind !== 'absolute')
    throw new ScriptError(line, 'a time that is * or a range can only be used with outbound packets');
  return { line, time, action };
}

function parseAction(reader: TokenReader): Action {
  if (reader.isMark('<') || reader.isMark('>')) return parsePacket(reader);
  if (reader.is('command')) return { kind: 'command', text: reader.take().text };
  if (reader.is('code')) return { kind: 'code', text: reader.take().text.trim() };
  const end = reader.takeIf('ellipsis') ? parseSeconds(reader) : undefined;
  return parseCall(reader, end);
}

function parseTime(reader: TokenReader): EventTime {
  if (reader.takeIf('mark', '*')) return { kind: 'any' };
  const relative = reader.takeIf('mark', '+') !== undefined;
  const { line } = reader.next;
  const at = parseSeconds(reader);
  if (!reader.takeIf('mark', '~')) return { kind: relative ? 'relative' : 'absolute', at };
  if (relative) reader.mark('+');
  const until = parseSeconds(reader);
  if (until < at) throw new ScriptError(line, 'the time range is backwards');
  return { kind: relative ? 'relative-range' : 'absolute-range', at, until };
}

function parseSeconds(reader: TokenReader): number {
  if (!reader.is('float') && !reader.is('integer')) throw reader.unexpected('a time in seconds');
  const { text, line } = reader.take();
  const seconds = Number(text);
  if (seconds < 0) throw new ScriptError(line, 'the time is negative');
  return Math.round(seconds * 1e6);
}

function checkTimes(events: readonly ScriptEvent[]): void {
  let last = 0;
  for (const { line, time } of events) {
    if (time.kind !== 'absolute' && time.kind !== 'absolute-range') continue;
    if (time.at < last) throw new ScriptError(line, 'time goes backwards');
    last = time.at;
  }
}
