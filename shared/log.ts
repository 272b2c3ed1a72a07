// A device's log: pino, one JSON line an event, to a file of its own.

import { mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import pino from 'pino';
import { systemClock } from './core/clock.ts';
import type { EventLog, LogEvent } from './core/event-log.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

export interface DeviceLogOptions {
  /** Appended to; its folder is made if it is not there. */
  readonly file: string;
  readonly level: LogLevel;
  readonly device: string;
  /** ms to add to the monotonic clock to have Unix time. */
  readonly clockOffset: number;
}

export interface DeviceLog extends EventLog {
  /** Lines that could not be written, because the disk was full, say. */
  readonly lost: number;
}

/**
 * Opens a device's log. Lines are `level` (pino's number), `time` (Unix ms with a fraction to the µs),
 * `device`, `layer` (the first part of the event's name), `event`, the event's own fields, and `msg`. Each is
 * written at once: a device that is killed has said all that it said.
 *
 * @throws Error in words, with the system's code, if the file can't be opened. The first line that is logged
 *   throws the same way if it can't be written; a later one that can't be is counted, and the first of these
 *   is reported on stderr.
 */
export function createDeviceLog(options: DeviceLogOptions): DeviceLog {
  const { level, device, clockOffset } = options;
  const sink = openSink(options.file);
  const logger = pino(
    {
      level,
      base: { device },
      timestamp: () => `,"time":${(systemClock.now() + clockOffset).toFixed(3)}`,
    },
    sink,
  );
  const at =
    (name: LogLevel): LogEvent =>
    (event, fields, message) =>
      logger[name]({ layer: event.split('.', 1)[0], event, ...fields }, message);
  const ifOn = (name: LogLevel) => (logger.isLevelEnabled(name) ? at(name) : undefined);
  return {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: ifOn('debug'),
    trace: ifOn('trace'),
    get lost() {
      return sink.lost;
    },
  };
}

/** Where pino writes its lines. Its own destination would hold on to lines that can't be written. */
interface Sink {
  readonly lost: number;
  write(line: string): void;
}

function openSink(file: string): Sink {
  const descriptor = trying(file, () => {
    mkdirSync(dirname(file), { recursive: true });
    return openSync(file, 'a', 0o600);
  });
  let written = false;
  let lost = 0;
  return {
    get lost() {
      return lost;
    },
    write(line) {
      try {
        writeWhole(descriptor, line);
        written = true;
      } catch (error) {
        if (!written) throw explained(file, error);
        lost++;
        if (lost === 1) process.stderr.write(`${explained(file, error).message}\n`);
      }
    },
  };
}

function writeWhole(descriptor: number, line: string): void {
  const bytes = Buffer.from(line);
  for (let offset = 0; offset < bytes.length; ) offset += writeSync(descriptor, bytes, offset);
}

function trying<Value>(file: string, action: () => Value): Value {
  try {
    return action();
  } catch (error) {
    throw explained(file, error);
  }
}

function explained(file: string, error: unknown): Error {
  const cause = error as NodeJS.ErrnoException;
  const why = cause.code === 'ENOSPC' ? 'the disk is full' : cause.message;
  return Object.assign(new Error(`cannot write the log ${file}: ${why}`, { cause }), { code: cause.code });
}
