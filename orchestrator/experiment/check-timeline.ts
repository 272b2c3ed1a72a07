// Whether the entries of a timeline can be played: what they name is there, what they ask for makes sense in this
// net, and what they mend was broken before.

import { parseDuration } from '../../shared/core/units.ts';
import type { Report } from '../../shared/topology/topology-error.ts';
import type { Topology } from '../../shared/topology/types.ts';
import { Failure } from '../failure.ts';
import { blackholeRules } from '../faults/blackhole-rules.ts';
import { impairmentValues } from '../faults/impair-values.ts';
import { misbehaviourOf } from '../faults/misbehaviour.ts';
import { checkPartition } from '../faults/partitions.ts';
import { deviceNamed } from '../faults/places.ts';
import { checkTable } from '../faults/tables.ts';
import { type Action, type FaultAction, isFault, type MendingAction, requestOf } from './actions.ts';
import type { Draft } from './draft.ts';
import { checkUnique, Names, type Path } from './names.ts';

export function checkTimeline(draft: Draft, report: Report): void {
  checkUnique(draft.timeline, ['timeline'], report);
  const check = new TimelineCheck(draft, report);
  for (const [index, { value }] of draft.timeline.entries())
    if (value) check.entry(value, ['timeline', index]);
}

class TimelineCheck {
  readonly #known: readonly Action[];
  readonly #names: Names;
  #reported = 0;

  constructor(
    private readonly draft: Draft,
    private readonly report: Report,
  ) {
    this.#known = draft.timeline.flatMap(({ value }) => value ?? []);
    this.#names = new Names(draft, (...fault) => {
      this.#reported++;
      report(...fault);
    });
  }

  entry(action: Action, path: Path): void {
    const { end, topology, plan } = this.draft;
    if (end !== undefined && action.at.entry === undefined && action.at.offset > end)
      this.report(
        [...path, 'at'],
        `after the end at ${end / 1000} s`,
        'set it earlier, or give the experiment a longer "duration"',
      );
    if (plan.inCircle(action.at))
      this.report([...path, 'at'], 'waits, by way of others, for itself', 'give one of them a plain time');
    const before = this.#reported;
    this.#namesOf(action, path);
    if (this.#reported > before) return;
    if (!isFault(action)) this.#mends(action, path);
    else if (topology) this.#makesSense(action, topology, path);
  }

  #namesOf(action: Action, path: Path): void {
    const names = this.#names;
    if (action.at.entry !== undefined) names.entry(action.at.entry, [...path, 'at']);
    if ('device' in action) names.device(action.device, [...path, 'device']);
    if ('cable' in action) names.cable(action.cable, [...path, 'cable']);
    if (action.do === 'impair' && action.from !== undefined)
      names.endOf(action.cable, action.from, [...path, 'from']);
    if (action.do === 'blackhole') names.place(action.where, [...path, 'where']);
    if (action.do === 'partition')
      for (const [side, group] of action.groups.entries())
        for (const [index, device] of group.entries()) names.device(device, [...path, 'groups', side, index]);
    if (action.do === 'heal')
      for (const [index, name] of (action.faults ?? []).entries())
        names.entry(name, [...path, 'faults', index]);
  }

  /** As the fault itself would find when it is made, but all at once and before anything starts. */
  #makesSense(action: FaultAction, topology: Topology, path: Path): void {
    try {
      checkRequest(action, topology);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const [, problem = error.message, mend] = /^(.*?)[:;] (.*)$/s.exec(error.message) ?? [];
      this.report(path, problem, mend ?? `see: tincan ${action.do} --help`);
    }
    if (action.do === 'impair') this.#hasDelay(action, topology, path);
  }

  /** Jitter and reordering need a delay: of the topology, or of this or another entry. */
  #hasDelay(action: ImpairAction, { cables }: Topology, path: Path): void {
    const cable = cables.find(({ name }) => name === action.cable);
    const longest = Math.max(
      ...(cable?.impairments ?? []).map(({ delay = 0 }) => delay),
      ...this.#known.map((other) =>
        other.do === 'impair' && other.cable === action.cable ? durationOf(other.delay) : 0,
      ),
    );
    if (durationOf(action.jitter) > longest)
      this.report(
        [...path, 'jitter'],
        `more than the delay, which is ${longest} ms`,
        'lower it or raise the delay, as no frame arrives before it is sent',
      );
    if (action.reorder !== undefined && longest === 0)
      this.report([...path, 'reorder'], 'there is no delay that frames could skip', 'add one');
  }

  #mends(action: MendingAction, path: Path): void {
    switch (action.do) {
      case 'start':
        return this.#needs(action, ['kill', 'stop'], [...path, 'device']);
      case 'thaw':
        return this.#needs(action, ['freeze'], [...path, 'device']);
      case 'splice':
        return this.#needs(action, ['cut'], [...path, 'cable']);
      case 'heal':
        for (const [index, name] of (action.faults ?? []).entries())
          this.#healable(name, action, [...path, 'faults', index]);
    }
  }

  /** That something before has broken what is mended. */
  #needs(action: Exclude<MendingAction, { do: 'heal' }>, verbs: readonly string[], path: Path): void {
    const target = nameOf(action);
    const broken = this.#known.some(
      (other) => verbs.includes(other.do) && nameOf(other) === target && !this.#comesAfter(other, action),
    );
    if (broken) return;
    const what = verbs.join(' or ');
    this.report(path, `no ${what} of "${target}" comes before`, 'name what is broken, or leave this out');
  }

  /** Whether it surely does; unknown where entries go round in a circle. */
  #comesAfter(action: Action, other: Action): boolean {
    const { plan } = this.draft;
    return (plan.at(action.at) ?? 0) > (plan.at(other.at) ?? Number.POSITIVE_INFINITY);
  }

  #healable(name: string, heal: Action, path: Path): void {
    const entry = this.#names.entry(name, path);
    if (!entry) return;
    if (!isFault(entry)) this.report(path, `"${name}" is no fault`, 'name what broke something');
    else if (this.#comesAfter(entry, heal))
      this.report(path, `"${name}" comes later`, 'heal it after it was made');
    else if (entry.do === 'restart' || entry.do === 'flush')
      this.report(path, `"${name}" is a ${entry.do}, which is over at once`, 'leave it out');
  }
}

type ImpairAction = Extract<Action, { do: 'impair' }>;

/** ms. */
function durationOf(text: string | undefined): number {
  return text === undefined ? 0 : (parseDuration(text) ?? 0);
}

/** @throws Failure */
function checkRequest(action: FaultAction, topology: Topology): void {
  if (action.do === 'impair') impairmentValues(requestOf(action));
  if (action.do === 'partition') checkPartition({ topology }, action.groups);
  if (action.do === 'flush') checkTable(deviceNamed(topology, action.device), action.table);
  if (action.do === 'misbehave') misbehaviourOf(deviceNamed(topology, action.device), requestOf(action));
  if (action.do === 'blackhole') {
    const { where, ...filter } = requestOf(action);
    blackholeRules(topology, { ...filter, at: where });
  }
}

function nameOf(action: Action): string | undefined {
  if ('device' in action) return action.device;
  return 'cable' in action ? action.cable : undefined;
}
