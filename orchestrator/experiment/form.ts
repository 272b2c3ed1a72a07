// The form of the file, key by key: what zod finds, worded for people.

import type { z } from 'zod';
import { nearest } from '../../shared/topology/suggest.ts';
import type { PathPart, Report } from '../../shared/topology/topology-error.ts';
import { experimentSchema } from './schema.ts';

/** Reports everything whose form is wrong, unknown keys included. */
export function checkForm(value: unknown, report: Report): void {
  for (const issue of experimentSchema.safeParse(value).error?.issues ?? [])
    reportIssue(value, issue, report);
}

function reportIssue(value: unknown, issue: z.core.$ZodIssue, report: Report): void {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(value, path);
    for (const key of issue.keys) {
      const meant = nearest(key, known);
      const mend =
        meant === undefined ? `remove it; known are ${known.join(', ')}` : `did you mean "${meant}"?`;
      report([...path, key], 'unknown key', mend);
    }
    return;
  }
  const given = path.reduce<unknown>(inside, value);
  report(path, given === undefined ? 'missing' : `got ${show(given)}`, `should be ${issue.message}`);
}

/** The keys that the schema knows for the object at a path. */
function knownKeys(value: unknown, path: readonly PathPart[]): string[] {
  let schema: unknown = experimentSchema;
  let here = value;
  for (const part of path) {
    schema = below(variant(schema, here), part);
    here = inside(here, part);
  }
  return Object.keys(shapeOf(variant(schema, here)) ?? {}).filter((key) => key !== '$schema');
}

type Definition = Readonly<Record<string, unknown>>;

function definition(schema: unknown): Definition {
  return (schema as { def?: Definition } | undefined)?.def ?? {};
}

/** What stands for a value inside defaults and alternatives. */
function variant(schema: unknown, value: unknown): unknown {
  const { type, innerType, options, discriminator } = definition(schema);
  if (type === 'optional' || type === 'default') return variant(innerType, value);
  if (!Array.isArray(options) || typeof discriminator !== 'string') return schema;
  const tag = inside(value, discriminator);
  return options.find((option) => {
    const { values } = definition(shapeOf(option)?.[discriminator]);
    return Array.isArray(values) && values.includes(tag);
  });
}

function shapeOf(schema: unknown): Readonly<Record<string, unknown>> | undefined {
  return definition(schema).shape as Readonly<Record<string, unknown>> | undefined;
}

function below(schema: unknown, part: PathPart): unknown {
  const { type, element } = definition(schema);
  return type === 'array' ? element : shapeOf(schema)?.[String(part)];
}

/** What an object or a list has there, own properties only. */
function inside(value: unknown, part: PathPart): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
  return (value as Record<PathPart, unknown>)[part];
}

/** A value on one line, cut short. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
