// What the parts of an experiment must agree on: names of devices, cables, probes and faults, and times.

import type { Report } from '../../shared/topology/topology-error.ts';
import type { Cause } from '../faults/receipt.ts';
import { type FaultAction, isFault } from './actions.ts';
import { checkTimeline } from './check-timeline.ts';
import type { Draft } from './draft.ts';
import type { Expectation } from './expectations.ts';
import type { Moment } from './moments.ts';
import { checkUnique, Names, type Path } from './names.ts';
import type { Probe } from './probe-schema.ts';

export function checkExperiment(draft: Draft, report: Report): void {
  const names = new Names(draft, report);
  new ProbeCheck(names, report).all(draft);
  checkTimeline(draft, report);
  if (draft.duration?.entry !== undefined) names.entry(draft.duration.entry, ['duration']);
  const expectations = new ExpectationCheck(draft, names, report);
  for (const [index, { value }] of draft.expect.entries())
    if (value) expectations.check(value, ['expect', index]);
  for (const [index, what] of draft.capture.entries()) names.cableOrEnd(what, ['capture', index]);
}

class ProbeCheck {
  constructor(
    private readonly names: Names,
    private readonly report: Report,
  ) {}

  all({ probes }: Draft): void {
    const path = ['steadyState', 'probes'];
    checkUnique(probes, path, this.report);
    for (const [index, { value }] of probes.entries()) if (value) this.#one(value, [...path, index]);
    if (probes.length > 0 && probes.every(({ value }) => value?.start))
      this.report(
        path,
        'none runs before the timeline',
        'let one probe have no start, so that there is a steady state',
      );
  }

  #one({ from, start }: Probe, path: Path): void {
    const device = this.names.device(from, [...path, 'from']);
    if (device?.kind === 'switch' || device?.kind === 'tap')
      this.report(
        [...path, 'from'],
        `"${from}" is a ${device.kind}, which asks nobody`,
        'name another device',
      );
    if (start?.entry !== undefined) this.names.entry(start.entry, [...path, 'start']);
  }
}

const NEEDED_TYPES: Partial<Record<Expectation['that'], readonly Probe['type'][]>> = {
  rate: ['throughput'],
  'answered-once': ['http', 'throughput'],
};

/** What each kind of fault can do to what it meets. */
const CAUSES_OF: Readonly<Record<FaultAction['do'], readonly Cause[]>> = {
  kill: ['kill'],
  stop: ['kill'],
  restart: ['kill'],
  freeze: ['freeze'],
  cut: ['cut'],
  impair: ['loss', 'delay', 'duplicate', 'corrupt', 'reorder', 'rate', 'limit'],
  partition: ['partition'],
  blackhole: ['filter'],
  misbehave: ['service'],
  flush: ['flush'],
};

class ExpectationCheck {
  constructor(
    private readonly draft: Draft,
    private readonly names: Names,
    private readonly report: Report,
  ) {}

  check(expectation: Expectation, path: Path): void {
    if ('probe' in expectation) this.#probe(expectation, [...path, 'probe']);
    if ('after' in expectation) this.#soonEnough(expectation, path);
    if (expectation.that === 'affected') this.#fault(expectation, path);
    const { from, until } = expectation as { from?: Moment; until?: Moment };
    if (from?.entry !== undefined) this.names.entry(from.entry, [...path, 'from']);
    if (until?.entry !== undefined) this.names.entry(until.entry, [...path, 'until']);
    if (['failures', 'latency', 'rate', 'affected'].includes(expectation.that))
      this.#bounds(expectation as { atLeast?: number; atMost?: number }, path);
  }

  #probe({ that, probe: name }: Extract<Expectation, { probe: string }>, path: Path): void {
    const probe = this.names.probe(name, path);
    const needed = NEEDED_TYPES[that];
    if (probe && needed && !needed.includes(probe.type))
      this.report(
        path,
        `"${name}" is a probe of type ${probe.type}`,
        `name a probe of type ${needed.join(' or ')}`,
      );
  }

  #fault({ fault: name, cause }: Extract<Expectation, { that: 'affected' }>, path: Path): void {
    const entry = this.names.entry(name, [...path, 'fault']);
    if (!entry) return;
    if (!isFault(entry)) {
      this.report([...path, 'fault'], `"${name}" is no fault`, 'name what broke something');
      return;
    }
    const causes = CAUSES_OF[entry.do];
    if (cause !== undefined && !causes.includes(cause))
      this.report(
        [...path, 'cause'],
        `no ${entry.do} affects frames by ${cause}`,
        `name ${causes.join(' or ')}, or leave it out`,
      );
  }

  #bounds({ atLeast, atMost }: { atLeast?: number; atMost?: number }, path: Path): void {
    if (atLeast === undefined && atMost === undefined)
      this.report(path, 'neither "atLeast" nor "atMost"', 'give one or both');
    if (atLeast !== undefined && atMost !== undefined && atLeast > atMost)
      this.report(path, 'its "atLeast" is more than its "atMost"', 'exchange them');
  }

  #soonEnough(expectation: Extract<Expectation, { after: string }>, path: Path): void {
    const { after } = expectation;
    const entry = this.names.entry(after, [...path, 'after']);
    const left = entry && this.#leftAfter(entry.at, after);
    if (left === undefined || left < 0) return;
    const [key, time] =
      expectation.that === 'recovers' ? ['within', expectation.within] : ['for', expectation.for];
    if (time > left)
      this.report(
        [...path, key],
        `the run ends ${left / 1000} s after ${after}`,
        'make it shorter, or give the experiment a longer "duration"',
      );
  }

  /** ms between an entry and the end; negative if it comes after that, which is told at its own place. */
  #leftAfter(at: Moment, entry: string): number | undefined {
    const { duration, end } = this.draft;
    if (duration?.entry === entry) return duration.offset;
    return end === undefined || at.entry !== undefined ? undefined : end - at.offset;
  }
}
