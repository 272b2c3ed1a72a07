// What protocols say of themselves. The device gives the output (pino); a test gives an array.

/**
 * Logs one event. `event` is a stable dotted name whose first part is the layer (`arp.learn` is of
 * layer `arp`); `fields` are its own typed fields, flat, addresses as text, times in ms, sizes in bytes;
 * `message` is for people.
 */
export type LogEvent = (event: string, fields: Readonly<Record<string, unknown>>, message: string) => void;

/**
 * A level that nobody listens to is undefined, so that `log.debug?.(…)` does not even build its
 * arguments. At `info` a page visit reads as a story; per-frame detail is at `trace`.
 */
export interface EventLog {
  readonly error: LogEvent;
  readonly warn: LogEvent;
  readonly info: LogEvent;
  readonly debug?: LogEvent | undefined;
  readonly trace?: LogEvent | undefined;
}

export const silentLog: EventLog = { error: () => {}, warn: () => {}, info: () => {} };
