// When a probe failed and from when on it worked again. A try counts from its beginning to its end: one that
// began before a fault and ended after it has met the fault.

import type { Sample } from './sample.ts';

export interface Outage {
  /** Tries that failed, in the order in which they began. */
  readonly failed: readonly Sample[];
  /** ms: the answer after which no later try failed; undefined if none came. */
  readonly over: number | undefined;
}

/** Of one probe, what ended after `from` and began before `until`. */
export function outageBetween(samples: readonly Sample[], from: number, until: number): Outage {
  const met = samples
    .filter((sample) => sample.at + sample.took >= from && sample.at < until)
    .sort((a, b) => a.at - b.at);
  const failed = met.filter((sample) => !sample.ok);
  const last = failed.at(-1);
  const answers = met
    .filter((sample) => sample.ok && (last === undefined || sample.at > last.at))
    .map((sample) => sample.at + sample.took);
  return { failed, over: answers.length === 0 ? undefined : Math.min(...answers) };
}

export function median(values: readonly number[]): number | undefined {
  const inOrder = [...values].sort((a, b) => a - b);
  const middle = inOrder.length >> 1;
  const high = inOrder[middle];
  const low = inOrder[middle - 1];
  return inOrder.length % 2 === 1 || low === undefined || high === undefined ? high : (low + high) / 2;
}
