// What the parts of an experiment must agree on: names of devices, cables, probes and faults, and times.

import { suggest } from '../../shared/topology/suggest.ts';
import type { PathPart, Report } from '../../shared/topology/topology-error.ts';
import type { Topology } from '../../shared/topology/types.ts';
import type { Action } from './actions.ts';
import { isFault } from './actions.ts';
import type { Expectation } from './expectations.ts';
import type { Experiment } from './experiment.ts';
import type { Moment } from './moments.ts';

type Path = readonly PathPart[];

export function checkExperiment(experiment: Experiment, report: Report): void {
  new Check(experiment, report).all();
}

class Check {
  readonly #devices: ReadonlySet<string>;
  readonly #cables: ReadonlySet<string>;
  readonly #probes: ReadonlyMap<string, Experiment['probes'][number]>;
  readonly #entries: ReadonlyMap<string, Action>;

  constructor(
    private readonly experiment: Experiment,
    private readonly report: Report,
  ) {
    const { topology, probes, timeline } = experiment;
    this.#devices = new Set(topology.devices.map(({ name }) => name));
    this.#cables = new Set(topology.cables.map(({ name }) => name));
    this.#probes = new Map(probes.map((probe) => [probe.name, probe]));
    this.#entries = new Map(
      timeline.flatMap((action) => (action.name === undefined ? [] : [[action.name, action] as const])),
    );
  }

  all(): void {
    const { probes, timeline, expect, capture } = this.experiment;
    const probesPath = ['steadyState', 'probes'];
    this.#onceEach(probes, probesPath);
    this.#onceEach(timeline, ['timeline']);
    for (const [index, probe] of probes.entries()) {
      this.#device(probe.from, [...probesPath, index, 'from']);
      if (probe.start) this.#moment(probe.start, [...probesPath, index, 'start']);
    }
    if (probes.every((probe) => probe.start))
      this.report(
        probesPath,
        'none runs before the timeline',
        'let one probe have no start, so that there is a steady state',
      );
    for (const [index, action] of timeline.entries()) this.#action(action, ['timeline', index]);
    for (const [index, expectation] of expect.entries()) this.#expectation(expectation, ['expect', index]);
    for (const [index, cable] of (capture ?? []).entries()) this.#cable(cable, ['capture', index]);
  }

  #onceEach(named: readonly { readonly name?: string }[], path: Path): void {
    const seen = new Set<string>();
    for (const [index, { name }] of named.entries()) {
      if (name === undefined) continue;
      if (seen.has(name))
        this.report([...path, index, 'name'], `"${name}" is there already`, 'give each a name of its own');
      seen.add(name);
    }
  }

  #action(action: Action, path: Path): void {
    const { duration } = this.experiment;
    if (action.at > duration)
      this.report(
        [...path, 'at'],
        `after the end at ${duration / 1000} s`,
        'set it earlier, or give the experiment a longer "duration"',
      );
    if ('device' in action) this.#device(action.device, [...path, 'device']);
    if ('cable' in action) this.#cable(action.cable, [...path, 'cable']);
    if (action.do === 'impair' && action.from !== undefined)
      this.#endOf(action.cable, action.from, [...path, 'from']);
    if (action.do === 'blackhole') this.#place(action.where, [...path, 'where']);
    if (action.do === 'partition')
      for (const [side, group] of action.groups.entries())
        for (const [index, device] of group.entries()) this.#device(device, [...path, 'groups', side, index]);
    if (action.do === 'heal')
      for (const [index, name] of (action.faults ?? []).entries())
        this.#earlierFault(name, action, [...path, 'faults', index]);
  }

  #expectation(expectation: Expectation, path: Path): void {
    if ('probe' in expectation) this.#probe(expectation, [...path]);
    if ('after' in expectation) this.#soonEnough(expectation, path);
    for (const key of ['from', 'until'] as const) {
      const moment = key in expectation ? (expectation as { from?: Moment; until?: Moment })[key] : undefined;
      if (moment) this.#moment(moment, [...path, key]);
    }
    if ('atLeast' in expectation || 'atMost' in expectation) return;
    if (['failures', 'latency', 'rate', 'affected'].includes(expectation.that))
      this.report(path, 'neither "atLeast" nor "atMost"', 'give one or both');
  }

  #probe(expectation: Extract<Expectation, { probe: string }>, path: Path): void {
    const probe = this.#probes.get(expectation.probe);
    if (!probe) {
      this.report(
        [...path, 'probe'],
        `no probe "${expectation.probe}"`,
        suggest(expectation.probe, this.#probes.keys()),
      );
      return;
    }
    const needed = NEEDED_TYPES[expectation.that];
    if (needed && !needed.includes(probe.type))
      this.report(
        [...path, 'probe'],
        `"${probe.name}" is a ${probe.type} probe`,
        `name a probe of type ${needed.join(' or ')}`,
      );
  }

  #soonEnough(expectation: Extract<Expectation, { after: string }>, path: Path): void {
    const entry = this.#entry(expectation.after, [...path, 'after']);
    if (!entry) return;
    const key = expectation.that === 'recovers' ? 'within' : 'for';
    const time = expectation.that === 'recovers' ? expectation.within : expectation.for;
    // What comes after the end is told at its own place.
    const { duration } = this.experiment;
    if (entry.at <= duration && entry.at + time > duration)
      this.report(
        [...path, key],
        `the run ends ${(duration - entry.at) / 1000} s after ${expectation.after}`,
        'make it shorter, or give the experiment a longer "duration"',
      );
  }

  #moment({ entry }: Moment, path: Path): void {
    if (entry !== undefined) this.#entry(entry, path);
  }

  #entry(name: string, path: Path): Action | undefined {
    const entry = this.#entries.get(name);
    if (!entry)
      this.report(path, `no entry of the timeline is named "${name}"`, suggest(name, this.#entries.keys()));
    return entry;
  }

  #earlierFault(name: string, heal: Action, path: Path): void {
    const entry = this.#entry(name, path);
    if (!entry) return;
    if (!isFault(entry)) this.report(path, `"${name}" is no fault`, 'name what broke something');
    else if (entry.at > heal.at) this.report(path, `"${name}" comes later`, 'heal it after it was made');
  }

  #device(name: string, path: Path): void {
    if (!this.#devices.has(name)) this.report(path, `no device "${name}"`, suggest(name, this.#devices));
  }

  #cable(name: string, path: Path): void {
    if (!this.#cables.has(name)) this.report(path, `no cable "${name}"`, suggest(name, this.#cables));
  }

  #endOf(cable: string, end: string, path: Path): void {
    const ends = endsOf(this.experiment.topology, cable);
    if (ends.length > 0 && !ends.some((known) => known === end || known.startsWith(`${end}:`)))
      this.report(path, `"${end}" is no end of ${cable}`, suggest(end, ends));
  }

  #place(where: string, path: Path): void {
    if (this.#cables.has(where) || this.#devices.has(where.split(':')[0] ?? '')) return;
    this.report(path, `no cable or device "${where}"`, suggest(where, [...this.#cables, ...this.#devices]));
  }
}

const NEEDED_TYPES: Partial<Record<Expectation['that'], readonly string[]>> = {
  rate: ['throughput'],
  'answered-once': ['http', 'throughput'],
};

function endsOf(topology: Topology, cable: string): string[] {
  const ends = topology.cables.find(({ name }) => name === cable)?.ends ?? [];
  return ends.map((end) => `${end.device}:${end.interface}`);
}
