// Counts in the answers of devices.

import { z } from 'zod';
import type { PortCounts, RuleCounts } from '../../shared/topology/faults.ts';

const number = z.number();
const portCounts = z.object({ seen: number, affected: z.record(z.string(), number) });
const ruleCounts = z.object({ seen: number, affected: number });
const flushed = z.object({ entries: number });

export function readPortCounts(answer: unknown): PortCounts {
  return portCounts.parse(answer);
}

export function readRuleCounts(answer: unknown): RuleCounts {
  return ruleCounts.parse(answer);
}

export function readFlushed(answer: unknown): number {
  return flushed.parse(answer).entries;
}
