// A run that never was: samples, receipts and entries as a test wants them.

import type { Expectation } from '../../orchestrator/experiment/expectations.ts';
import { expectationSchema } from '../../orchestrator/experiment/expectations.ts';
import type { Experiment } from '../../orchestrator/experiment/experiment.ts';
import type { ExperimentRun, Played } from '../../orchestrator/experiment/experiment-run.ts';
import { loadExperiment } from '../../orchestrator/experiment/load.ts';
import type { Sample } from '../../orchestrator/experiment/sample.ts';
import type { Receipt } from '../../orchestrator/faults/receipt.ts';

/** An experiment on the default net, from its file's own form. */
export const base: Experiment = await loadExperiment(
  new URL('../experiments/split-lan.yaml', import.meta.url).pathname,
);

export function ok(at: number, took = 10, more: Partial<Sample> = {}): Sample {
  return { probe: 'page', at, took, ok: true, latency: took, ...more };
}

export function failed(at: number, took = 500, code = 'ETIMEDOUT', more: Partial<Sample> = {}): Sample {
  return { probe: 'page', at, took, ok: false, code, reason: 'no answer', ...more };
}

export function played(name: string, at: number, more: Partial<Played> = {}): Played {
  return { name, what: `cut ${name}`, fault: false, allowUntouched: false, at, done: at + 5, ...more };
}

/** A fault, whose receipt is `f1` unless told. */
export function fault(name: string, at: number, more: Partial<Played> = {}): Played {
  return played(name, at, { fault: true, receipt: 'f1', ...more });
}

export function receipt(affected: Receipt['affected'], more: Partial<Receipt> = {}): Receipt {
  return {
    id: 'f1',
    fault: 'cut',
    asked: { cable: 'uplink' },
    applied: [{ at: 'router:wan', confirmed: true }],
    from: '2026-01-01T00:00:01.000000Z',
    until: '2026-01-01T00:00:02.000000Z',
    seen: 40,
    affected,
    ...more,
  };
}

/** As a file has it. */
export function expectation(entry: Record<string, unknown>): Expectation {
  return expectationSchema.parse(entry);
}

export function run(
  more: Partial<Omit<ExperimentRun, 'experiment'>> & { expect?: readonly Expectation[] } = {},
): ExperimentRun {
  const { expect = [], ...given } = more;
  return {
    experiment: { ...base, name: 'made', expect },
    seed: 1,
    began: Date.parse('2026-01-01T00:00:00Z'),
    ran: 10_000,
    troubles: [],
    samples: [],
    played: [],
    receipts: [],
    rolledBack: [],
    events: [],
    lags: [],
    answers: {},
    ...given,
  };
}
