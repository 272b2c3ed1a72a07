// Whether a packet was sent at the time that the script says.

import type { EventTime } from '../language/script.ts';

/** µs since the script began. */
export interface TimeWindow {
  readonly from: number;
  readonly until: number;
  /** When the script has it, for people; undefined for any time. */
  readonly expected: number | undefined;
}

export const ANY_TIME: TimeWindow = {
  from: 0,
  until: Number.POSITIVE_INFINITY,
  expected: undefined,
};

export interface Tolerance {
  /** µs. */
  readonly tolerance: number;
  /** Of the time that the script waits. */
  readonly tolerancePercent: number;
}

/** @param origin what a relative time is relative to */
export function timeWindow(time: EventTime, origin: number, tolerance: Tolerance): TimeWindow {
  if (time.kind === 'any') return ANY_TIME;
  const base = time.kind === 'relative' || time.kind === 'relative-range' ? origin : 0;
  const expected = base + time.at;
  const end = 'until' in time ? base + time.until : expected;
  const waited = Math.max(expected - origin, 0);
  const slack = Math.max(tolerance.tolerance, (waited * tolerance.tolerancePercent) / 100);
  return { from: expected - slack, until: end + slack, expected };
}

/**
 * The window in which a timer may go off whose length is a system's choice. RFC 6298 fixes how a
 * retransmission timeout is computed, and leaves open its granularity and, as no system keeps to the second
 * that it asks for, its least value: with these two a timeout may be half of another system's or twice as
 * long, and the same holds for the probes that go by it.
 */
export function looseTimer(window: TimeWindow, origin: number): TimeWindow {
  if (window.expected === undefined) return window;
  const waited = window.expected - origin;
  return {
    ...window,
    from: Math.min(window.from, origin + waited / 2),
    until: Math.max(window.until, origin + waited * 2),
  };
}

export function timeText(at: number): string {
  return `${(at / 1e6).toFixed(6)} s`;
}
