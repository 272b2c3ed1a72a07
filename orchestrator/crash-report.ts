// What is told of a device that ended without being asked to.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { formatLogLine, readLogLine } from './log-lines.ts';

export interface CrashReport {
  readonly device: string;
  /** `exit code 70`, `SIGKILL`. */
  readonly reason: string;
  /** What it said last on its standard error, and what it logged last; for people. */
  readonly lastLines: readonly string[];
}

/** Lines of its log. */
const LOG_LINES = 5;

/** Bytes of the log's end, which hold so many lines. */
const LOG_END = 16 * 1024;

/** The last lines of a log, set for reading; none if there is no such file. */
export function lastLogLines(file: string): string[] {
  let handle: number;
  try {
    handle = openSync(file, 'r');
  } catch {
    return [];
  }
  try {
    const { size } = fstatSync(handle);
    const end = Buffer.alloc(Math.min(size, LOG_END));
    readSync(handle, end, 0, end.length, size - end.length);
    const lines = end.toString('utf8').split('\n');
    return lines
      .flatMap((raw) => readLogLine(raw) ?? [])
      .slice(-LOG_LINES)
      .map((line) => formatLogLine(line, 0, false));
  } finally {
    closeSync(handle);
  }
}

/** `web crashed (exit code 70):` and its last lines below. */
export function formatCrash({ device, reason, lastLines }: CrashReport): string {
  const lines = lastLines.map((line) => `\n  ${line}`).join('');
  return `${device} crashed (${reason})${lastLines.length > 0 ? `; its last lines:${lines}` : ''}\n`;
}
