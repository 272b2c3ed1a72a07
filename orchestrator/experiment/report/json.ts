// The report for programs. Times in ms from the beginning of the timeline, unless RFC 3339; rates in bits/s.

import type { ExperimentRun } from '../experiment-run.ts';
import type { Verdicts } from '../verdict.ts';

export function jsonOf(run: ExperimentRun, { passed, verdicts, untrusted }: Verdicts): object {
  const { experiment, seed, began, ran, samples, played, receipts, rolledBack, events, lags, troubles } = run;
  return {
    experiment: experiment.name,
    file: experiment.file,
    passed,
    timingsTrusted: untrusted === undefined,
    ...(untrusted !== undefined && { overload: untrusted }),
    seed,
    began: new Date(began).toISOString(),
    duration: ran,
    verdicts,
    timeline: played,
    receipts,
    rolledBack,
    events,
    troubles,
    lags,
    probes: experiment.probes,
    samples,
  };
}
