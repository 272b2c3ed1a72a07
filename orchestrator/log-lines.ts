// The lines that devices logged: merged in the order of their times, and set for reading.

import { styleText } from 'node:util';

export interface LogLine {
  /** Unix ms. */
  readonly time: number;
  /** As it was written. */
  readonly raw: string;
}

/** pino's numbers for its levels. */
const LEVELS: Record<number, string> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

const DEVICE_COLOURS = ['cyan', 'green', 'magenta', 'yellow', 'blue', 'cyanBright', 'greenBright'] as const;

/** A line of a log file; undefined if it is none (the last one of a device that was killed may be cut off). */
export function readLogLine(raw: string): LogLine | undefined {
  try {
    const { time } = JSON.parse(raw) as { time?: unknown };
    return typeof time === 'number' ? { time, raw } : undefined;
  } catch {
    return undefined;
  }
}

/** Logs that are in order each, as one. */
export async function* mergeLogs(logs: readonly AsyncIterator<LogLine>[]): AsyncGenerator<LogLine> {
  const heads = await Promise.all(logs.map((log) => log.next()));
  for (;;) {
    let earliest = -1;
    let time = Number.POSITIVE_INFINITY;
    for (const [index, head] of heads.entries())
      if (!head.done && head.value.time < time) {
        earliest = index;
        time = head.value.time;
      }
    const head = heads[earliest];
    const log = logs[earliest];
    if (!head || head.done || !log) return;
    yield head.value;
    heads[earliest] = await log.next();
  }
}

/** `12:34:56.789012 laptop   dhcp.lease  Leased 192.168.0.10 …` */
export function formatLogLine({ raw }: LogLine, width: number, colours: boolean): string {
  const line = JSON.parse(raw) as Record<string, unknown>;
  const device = String(line.device ?? '');
  const level = typeof line.level === 'number' ? (LEVELS[line.level] ?? '') : String(line.level ?? '');
  const loud = level === 'warn' || level === 'error' || level === 'fatal';
  const colour = (style: Parameters<typeof styleText>[0], text: string) =>
    colours ? styleText(style, text) : text;
  return [
    colour('dim', clockTime(Number(line.time))),
    colour(deviceColour(device), device.padEnd(width)),
    colour('dim', String(line.event ?? '').padEnd(18)),
    loud
      ? colour(level === 'warn' ? 'yellow' : 'red', `${level}: ${line.msg ?? ''}`)
      : String(line.msg ?? ''),
  ].join('  ');
}

function deviceColour(device: string): (typeof DEVICE_COLOURS)[number] {
  let sum = 0;
  for (const letter of device) sum = (sum * 31 + letter.charCodeAt(0)) % 1009;
  return DEVICE_COLOURS[sum % DEVICE_COLOURS.length] ?? 'cyan';
}

/** Local time of day to the µs. */
function clockTime(time: number): string {
  const date = new Date(time);
  const two = (value: number) => String(value).padStart(2, '0');
  const micros = String(Math.floor((time % 1000) * 1000)).padStart(6, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${micros}`;
}
