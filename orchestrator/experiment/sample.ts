// One try of a probe: what came of it, and whether that is good.

import type { Answer } from './net-under-test.ts';
import type { Probe } from './probe-schema.ts';
import { milliseconds, rateText } from './wording.ts';

export interface Sample {
  readonly probe: string;
  /** ms from the beginning of the timeline to the beginning of the try; negative before. */
  readonly at: number;
  /** ms that it took to its answer, or to its failure. */
  readonly took: number;
  readonly ok: boolean;
  /** Why it is not good: `ETIMEDOUT`, `ECONNREFUSED`, `SERVFAIL`, `STATUS`, `SLOW`, … */
  readonly code?: string;
  /** The same for people. */
  readonly reason?: string;
  /** ms, of an answer that came. */
  readonly latency?: number;
  /** bits/s, of a download. */
  readonly rate?: number;
  /** Its id, of what is asked over HTTP. */
  readonly request?: string;
}

export interface Shortcoming {
  readonly code: string;
  readonly reason: string;
}

/** What is wrong with an answer by the bounds of its probe. */
export function shortcoming(probe: Probe, answer: Answer): Shortcoming | undefined {
  const { latency } = probe.bounds ?? {};
  if (probe.type === 'http' || probe.type === 'throughput') {
    const status = (probe.type === 'http' ? probe.bounds?.status : undefined) ?? 200;
    if (answer.status !== status) return { code: 'STATUS', reason: `status ${answer.status}, not ${status}` };
  }
  if (probe.type === 'dns') {
    const wanted = probe.bounds?.answer;
    const got = answer.addresses ?? [];
    if (wanted !== undefined && !got.includes(wanted))
      return { code: 'ANSWER', reason: `answered ${got.join(', ') || 'nothing'}, not ${wanted}` };
  }
  if (latency !== undefined && answer.latency > latency)
    return {
      code: 'SLOW',
      reason: `took ${milliseconds(answer.latency)}, more than ${milliseconds(latency)}`,
    };
  if (probe.type === 'throughput') {
    const least = probe.bounds?.rate;
    if (least !== undefined && (answer.rate ?? 0) < least)
      return { code: 'SLOW', reason: `${rateText(answer.rate ?? 0)}, less than ${rateText(least)}` };
  }
  return undefined;
}
