// From what a run has seen to a verdict per expectation, each with a sentence that says what was seen. Pure.

import type { Receipt } from '../faults/receipt.ts';
import type { Expectation } from './expectations.ts';
import type { ExperimentRun, Played } from './experiment-run.ts';
import type { Moment } from './moments.ts';
import { formatMoment, momentAt } from './moments.ts';
import { median, outageBetween } from './outage.ts';
import type { Sample } from './sample.ts';
import { count, milliseconds, rateText, seconds } from './wording.ts';

export interface Verdict {
  /** What had to be so. */
  readonly expected: string;
  readonly passed: boolean;
  /** What was seen. */
  readonly seen: string;
}

export interface Verdicts {
  readonly passed: boolean;
  readonly verdicts: readonly Verdict[];
  /** Why the timings are not to be trusted. */
  readonly untrusted: string | undefined;
}

export function judge(record: ExperimentRun): Verdicts {
  const verdicts = [
    steadyState(record),
    ...record.played.flatMap((played) => playedVerdict(played, record)),
    ...(record.unsteady === undefined
      ? record.experiment.expect.map((expectation) => new Judge(record).expectation(expectation))
      : []),
    ...record.troubles.map((trouble) => ({
      expected: 'the run itself goes well',
      passed: false,
      seen: trouble,
    })),
  ];
  return { passed: verdicts.every(({ passed }) => passed), verdicts, untrusted: overload(record) };
}

function steadyState({ unsteady, experiment, samples }: ExperimentRun): Verdict {
  const expected = `a steady state of ${seconds(experiment.hold)}`;
  if (unsteady !== undefined) return { expected, passed: false, seen: unsteady };
  const before = samples.filter(({ at }) => at < 0).length;
  return { expected, passed: true, seen: `it held, ${count(before, 'try')}` };
}

/** Faults must have been made and have touched a frame; healings must have worked. */
function playedVerdict(played: Played, record: ExperimentRun): Verdict[] {
  const { name, what, fault, failed, done } = played;
  const label = name === undefined ? what : `${name} (${what})`;
  if (failed !== undefined) return [{ expected: `${label} is done`, passed: false, seen: failed }];
  if (!fault)
    return done === undefined
      ? [{ expected: `${label} is done`, passed: false, seen: 'it was not in effect when the run ended' }]
      : [];
  const receipt = record.receipts.find(({ id }) => id === played.receipt);
  const expected = `${label} touches a frame`;
  if (!receipt) return [{ expected, passed: false, seen: 'it gave no receipt before the run ended' }];
  const touched = affected(receipt, undefined);
  if (touched > 0) return [{ expected, passed: true, seen: affectedText(receipt) }];
  if (played.allowUntouched) return [];
  return [
    {
      expected,
      passed: false,
      seen: `${affectedText(receipt)}; if that is right, say "allowUntouched": true`,
    },
  ];
}

/** Frames that met a fault, by one cause or by all. */
export function affected(receipt: Receipt, cause: string | undefined): number {
  return Object.entries(receipt.affected)
    .filter(([name]) => cause === undefined || name === cause)
    .reduce((sum, [, number]) => sum + (number ?? 0), 0);
}

/** `40 frames seen, loss 12, delay 40`: a frame may meet several causes. */
export function affectedText(receipt: Receipt): string {
  const what = SEEN[receipt.fault] ?? 'frame';
  const causes = Object.entries(receipt.affected)
    .filter(([, number]) => (number ?? 0) > 0)
    .map(([cause, number]) => `${cause} ${number}`);
  const list = causes.length === 0 ? 'none affected' : causes.join(', ');
  return `${count(receipt.seen, what)} seen, ${list}`;
}

/** What receipts count that do not count frames. */
const SEEN: Partial<Record<Receipt['fault'], string>> = { misbehave: 'request', flush: 'entry' };

function overload({ lags, experiment }: ExperimentRun): string | undefined {
  const worst = [...lags].sort((a, b) => b.lag - a.lag)[0];
  if (!worst) return undefined;
  const late = [...new Set(lags.map(({ device }) => device))];
  return (
    `the machine was overloaded: ${worst.device} got to its work ${milliseconds(worst.lag)} late, ` +
    `the bound is ${milliseconds(experiment.loopLag)}` +
    (late.length > 1 ? ` (so did ${late.filter((device) => device !== worst.device).join(', ')})` : '')
  );
}

interface Window {
  readonly from: number;
  readonly until: number;
}

class Judge {
  constructor(private readonly record: ExperimentRun) {}

  expectation(expectation: Expectation): Verdict {
    const { passed, seen } = this.#judge(expectation);
    return { expected: describeExpectation(expectation), passed, seen };
  }

  #judge(expectation: Expectation): { passed: boolean; seen: string } {
    switch (expectation.that) {
      case 'fails-at-most':
        return this.#outage(expectation, this.#played(expectation.after)?.at, expectation.for);
      case 'recovers':
        return this.#outage(expectation, this.#played(expectation.after)?.done, expectation.within);
      case 'failures':
        return this.#failures(expectation);
      case 'unaffected':
        return this.#unaffected(expectation);
      case 'latency':
        return this.#median(expectation, ({ latency }) => latency, milliseconds, 'latency');
      case 'rate':
        return this.#median(expectation, ({ rate }) => rate, rateText, 'rate');
      case 'answered-once':
        return this.#answeredOnce(expectation.probe);
      case 'affected':
        return this.#affected(expectation);
    }
  }

  #outage(
    { probe, after, until }: Extract<Expectation, { after: string }>,
    from: number | undefined,
    most: number,
  ): { passed: boolean; seen: string } {
    const end = this.#end(until);
    if (from === undefined || end === undefined) return endedBefore(`${after} was played`);
    const { failed, over } = outageBetween(this.#of(probe), from, end);
    const [first] = failed;
    const last = failed.at(-1);
    if (!first || !last) {
      if (over === undefined) return { passed: false, seen: `no try ended after ${after}` };
      return {
        passed: over - from <= most,
        seen: `no try failed; the first answer came ${seconds(over - from)} after ${after}`,
      };
    }
    const told = `${count(failed.length, 'failure')}, the first at ${seconds(first.at)} (${first.code})`;
    if (over === undefined)
      return { passed: false, seen: `${told}, the last at ${seconds(last.at)}; no answer came after it` };
    return {
      passed: over - from <= most,
      seen: `${told}; it worked again ${seconds(over - from)} after ${after}`,
    };
  }

  #failures(expectation: Extract<Expectation, { that: 'failures' }>): { passed: boolean; seen: string } {
    const within = this.#window(expectation);
    if (!within) return endedBefore('the window began');
    const tries = this.#begun(expectation.probe, within);
    const failed = tries.filter(({ ok }) => !ok);
    const counted = failed.filter(({ code }) => expectation.code === undefined || code === expectation.code);
    return {
      passed: isWithin(counted.length, expectation),
      seen: `${count(counted.length, 'failure')} of ${count(tries.length, 'try')}${codes(failed)}`,
    };
  }

  #unaffected(expectation: Extract<Expectation, { that: 'unaffected' }>): { passed: boolean; seen: string } {
    const within = this.#window(expectation);
    if (!within) return endedBefore('the window began');
    const tries = this.#begun(expectation.probe, within);
    const failed = tries.filter(({ ok }) => !ok);
    const [first] = failed;
    if (first)
      return {
        passed: false,
        seen: `${count(failed.length, 'failure')} of ${count(tries.length, 'try')}, the first at ${seconds(first.at)}: ${first.reason ?? first.code}`,
      };
    return { passed: tries.length > 0, seen: `no failure in ${count(tries.length, 'try')}` };
  }

  #median(
    expectation: Extract<Expectation, { that: 'latency' | 'rate' }>,
    value: (sample: Sample) => number | undefined,
    text: (value: number) => string,
    what: string,
  ): { passed: boolean; seen: string } {
    const within = this.#window(expectation);
    if (!within) return endedBefore('the window began');
    const values = this.#begun(expectation.probe, within).flatMap((sample) => value(sample) ?? []);
    const middle = median(values);
    if (middle === undefined) return { passed: false, seen: 'no answer came in the window' };
    return {
      passed: isWithin(middle, expectation),
      seen: `the median ${what} was ${text(middle)}, from ${text(Math.min(...values))} to ${text(Math.max(...values))} in ${count(values.length, 'answer')}`,
    };
  }

  #answeredOnce(probe: string): { passed: boolean; seen: string } {
    const requests = this.#of(probe).flatMap((sample) => sample.request ?? []);
    if (!requests.some((request) => Object.hasOwn(this.record.answers, request)))
      return { passed: false, seen: `no server's log has any of ${count(requests.length, 'request')}` };
    const twice = requests.filter((request) => (this.record.answers[request] ?? 0) > 1);
    const lost = this.#of(probe).filter(
      ({ ok, request }) => !ok && request !== undefined && (this.record.answers[request] ?? 0) > 0,
    ).length;
    const besides = lost === 0 ? '' : `; ${count(lost, 'answer')} never reached who asked`;
    const [first] = twice;
    if (first !== undefined)
      return {
        passed: false,
        seen: `${count(twice.length, 'request')} answered twice, such as ${first} (${this.record.answers[first]} times)${besides}`,
      };
    return {
      passed: true,
      seen: `none of ${count(requests.length, 'request')} was answered twice${besides}`,
    };
  }

  #affected(expectation: Extract<Expectation, { that: 'affected' }>): { passed: boolean; seen: string } {
    const id = this.#played(expectation.fault)?.receipt;
    const receipt = this.record.receipts.find((each) => each.id === id);
    if (!receipt) return endedBefore(`${expectation.fault} was played`);
    return {
      passed: isWithin(affected(receipt, expectation.cause), expectation),
      seen: affectedText(receipt),
    };
  }

  #of(probe: string): Sample[] {
    return this.record.samples.filter((sample) => sample.probe === probe);
  }

  #begun(probe: string, { from, until }: Window): Sample[] {
    return this.#of(probe).filter(({ at }) => at >= from && at < until);
  }

  /** What lies between two entries: from when the first is in effect until the second is asked for. */
  #window({ from, until }: { from?: Moment; until?: Moment }): Window | undefined {
    const begin = from === undefined ? 0 : momentAt(from, (entry) => this.#played(entry)?.done);
    const end = this.#end(until);
    return begin === undefined || end === undefined ? undefined : { from: begin, until: end };
  }

  #end(until: Moment | undefined): number | undefined {
    return until === undefined ? this.record.ran : momentAt(until, (entry) => this.#played(entry)?.at);
  }

  #played(entry: string): Played | undefined {
    return this.record.played.find(({ name }) => name === entry);
  }
}

function endedBefore(what: string): { passed: false; seen: string } {
  return { passed: false, seen: `the run ended before ${what}` };
}

function isWithin(value: number, { atLeast, atMost }: { atLeast?: number; atMost?: number }): boolean {
  return value >= (atLeast ?? 0) && value <= (atMost ?? Number.POSITIVE_INFINITY);
}

/** `: ETIMEDOUT 3, SERVFAIL 1`. */
function codes(failed: readonly Sample[]): string {
  const counts = new Map<string, number>();
  for (const { code = 'unknown' } of failed) counts.set(code, (counts.get(code) ?? 0) + 1);
  const list = [...counts].map(([code, number]) => `${code} ${number}`);
  return list.length === 0 ? '' : `: ${list.join(', ')}`;
}

/** An expectation as a sentence. */
export function describeExpectation(expectation: Expectation): string {
  switch (expectation.that) {
    case 'fails-at-most':
      return `${expectation.probe} fails at most ${seconds(expectation.for)} after ${expectation.after}${windowText(expectation)}`;
    case 'recovers':
      return `${expectation.probe} recovers within ${seconds(expectation.within)} of ${expectation.after}${windowText(expectation)}`;
    case 'failures': {
      const code = expectation.code === undefined ? '' : ` with ${expectation.code}`;
      return `${expectation.probe} has ${number(expectation, 'failure')}${code}${windowText(expectation)}`;
    }
    case 'unaffected':
      return `${expectation.probe} is unaffected${windowText(expectation)}`;
    case 'latency':
      return `${expectation.probe} has a latency of ${range(expectation, milliseconds)}${windowText(expectation)}`;
    case 'rate':
      return `${expectation.probe} has a rate of ${range(expectation, rateText)}${windowText(expectation)}`;
    case 'answered-once':
      return `no request of ${expectation.probe} is answered twice`;
    case 'affected': {
      const cause = expectation.cause === undefined ? '' : ` by ${expectation.cause}`;
      return `${expectation.fault} affects ${number(expectation, 'frame')}${cause}`;
    }
  }
}

/** `no failures`, `at least 1 frame`, `at least 2 and at most 5 frames`. */
function number(bounds: { atLeast?: number; atMost?: number }, what: string): string {
  const { atLeast, atMost } = bounds;
  if (atMost === 0) return `no ${what}s`;
  return `${range(bounds, String)} ${(atMost ?? atLeast) === 1 ? what : `${what}s`}`;
}

function range(
  { atLeast, atMost }: { atLeast?: number; atMost?: number },
  text: (value: number) => string,
): string {
  if (atLeast !== undefined && atLeast === atMost) return text(atLeast);
  const bounds = [
    ...(atLeast === undefined ? [] : [`at least ${text(atLeast)}`]),
    ...(atMost === undefined ? [] : [`at most ${text(atMost)}`]),
  ];
  return bounds.join(' and ');
}

function windowText({ from, until }: { from?: Moment; until?: Moment }): string {
  return [
    from === undefined ? '' : ` from ${formatMoment(from)}`,
    until === undefined ? '' : ` until ${formatMoment(until)}`,
  ].join('');
}
