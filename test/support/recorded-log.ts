// An event log that a test can ask what was said.

import type { EventLog, LogEvent } from '../../shared/core/event-log.ts';

export interface RecordedEvent {
  readonly level: string;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export class RecordedLog implements EventLog {
  readonly events: RecordedEvent[] = [];
  readonly error = this.#at('error');
  readonly warn = this.#at('warn');
  readonly info = this.#at('info');
  readonly debug = this.#at('debug');

  named(event: string): RecordedEvent[] {
    return this.events.filter((recorded) => recorded.event === event);
  }

  #at(level: string): LogEvent {
    return (event, fields, message) => this.events.push({ level, event, fields, message });
  }
}
