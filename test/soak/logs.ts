// What devices must not log, whatever happens to them.

import type { LogEvent } from '../../orchestrator/api.ts';

const WARN = 40;

/** Events that say that something is wrong with a device or with the protocol between two of them. */
const NEVER = ['device.crash', 'http.failed', 'http.internal-error', 'cable.closed', 'control.closed'];

export function logProblems(events: readonly LogEvent[]): string[] {
  return events
    .filter(({ event, level }) => level >= WARN && NEVER.includes(event))
    .map(({ device, event, msg, stack }) => `${device} logged ${event}: ${msg} ${String(stack ?? '')}`);
}

/** Warnings that faults explain, for people: `arp.conflict 3`. */
export function describeWarnings(events: readonly LogEvent[]): string {
  const counts = new Map<string, number>();
  for (const { event, level } of events) if (level >= WARN) counts.set(event, (counts.get(event) ?? 0) + 1);
  return [...counts].map(([event, count]) => `${event} ${count}`).join(', ') || 'none';
}
