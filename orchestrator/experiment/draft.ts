// An experiment file as far as its parts have the right form: what is wrong in one of them does not hide what is
// wrong between the others.

import type { z } from 'zod';
import type { Topology } from '../../shared/topology/types.ts';
import { type Action, actionSchema } from './actions.ts';
import { type Expectation, expectationSchema } from './expectations.ts';
import { AFTERMATH } from './experiment.ts';
import type { Moment } from './moments.ts';
import { Plan } from './plan.ts';
import { type Probe, probeSchema } from './probe-schema.ts';
import { experimentSchema } from './schema.ts';

/** A list item; without a value if its form is wrong. */
export interface Item<T> {
  readonly name: string | undefined;
  readonly value: T | undefined;
}

export interface Draft {
  readonly topology: Topology | undefined;
  readonly probes: readonly Item<Probe>[];
  readonly timeline: readonly Item<Action>[];
  readonly expect: readonly Item<Expectation>[];
  readonly capture: readonly string[];
  readonly plan: Plan;
  readonly duration: Moment | undefined;
  /** ms that the timeline runs; undefined where that depends on how fast the machine is. */
  readonly end: number | undefined;
}

/** @param file the value of the whole file, whatever it is */
export function draftOf(file: unknown, topology: Topology | undefined): Draft {
  const timeline = itemsOf(part(file, 'timeline'), actionSchema);
  const known = timeline.flatMap(({ value }) => value ?? []);
  const plan = new Plan(known);
  const given = part(file, 'duration');
  const duration = experimentSchema.shape.duration.safeParse(given).data;
  const capture = experimentSchema.shape.capture.safeParse(part(file, 'capture'));
  return {
    topology,
    probes: itemsOf(part(part(file, 'steadyState'), 'probes'), probeSchema),
    timeline,
    expect: itemsOf(part(file, 'expect'), expectationSchema),
    capture: capture.data ?? [],
    plan,
    duration,
    end: endOf(given, duration, known.length === timeline.length ? plan.last : undefined),
  };
}

/** ms, where it does not depend on when some entry is in effect. */
function endOf(given: unknown, duration: Moment | undefined, last: number | undefined): number | undefined {
  if (given === undefined) return last === undefined ? undefined : last + AFTERMATH;
  return duration?.entry === undefined ? duration?.offset : undefined;
}

function itemsOf<T extends z.ZodType>(list: unknown, schema: T): Item<z.output<T>>[] {
  if (!Array.isArray(list)) return [];
  return list.map((item: unknown) => {
    const name = part(item, 'name');
    return { name: typeof name === 'string' ? name : undefined, value: schema.safeParse(item).data };
  });
}

function part(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}
