// An experiment file as far as its parts have the right form: what is wrong in one of them does not hide what is
// wrong between the others.

import type { z } from 'zod';
import type { Topology } from '../../shared/topology/types.ts';
import { type Action, actionSchema } from './actions.ts';
import { type Expectation, expectationSchema } from './expectations.ts';
import { type Probe, probeSchema } from './probe-schema.ts';
import { experimentSchema } from './schema.ts';

/** ms that the timeline runs after its last entry, unless the file says how long. */
const AFTERMATH = 2000;

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
  /** ms; undefined where that is not known. */
  readonly duration: number | undefined;
}

/** @param file the value of the whole file, whatever it is */
export function draftOf(file: unknown, topology: Topology | undefined): Draft {
  const timeline = itemsOf(part(file, 'timeline'), actionSchema);
  const capture = experimentSchema.shape.capture.safeParse(part(file, 'capture'));
  return {
    topology,
    probes: itemsOf(part(part(file, 'steadyState'), 'probes'), probeSchema),
    timeline,
    expect: itemsOf(part(file, 'expect'), expectationSchema),
    capture: capture.data ?? [],
    duration: durationOf(part(file, 'duration'), timeline),
  };
}

/** ms that the timeline runs, unless the file says how long. */
export function defaultDuration(timeline: readonly Action[]): number {
  return Math.max(0, ...timeline.map(({ at }) => at)) + AFTERMATH;
}

function durationOf(given: unknown, timeline: readonly Item<Action>[]): number | undefined {
  if (given !== undefined) return experimentSchema.shape.duration.safeParse(given).data;
  const known = timeline.flatMap(({ value }) => value ?? []);
  return known.length === timeline.length ? defaultDuration(known) : undefined;
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
