// The form of the file, key by key: what zod finds, worded for people.

import type { z } from 'zod';
import { NAME, NAME_RULE, topologySchema } from './schema.ts';
import { nearest } from './suggest.ts';
import type { PathPart, Report } from './topology-error.ts';

/** Reports everything whose form is wrong, unknown keys and bad names included. */
export function checkStructure(json: unknown, report: Report): void {
  const result = topologySchema.safeParse(json);
  for (const issue of result.error?.issues ?? []) reportIssue(json, issue, report);
  checkNames(json, ['devices'], 'device', report);
  checkNames(json, ['cables'], 'cable', report);
  for (const device of keysAt(json, ['devices']))
    checkNames(json, ['devices', device, 'interfaces'], 'interface', report);
  for (const path of freelyNamed(json)) checkNoPrototype(json, path, report);
}

/** Blocks whose keys are the user's, and no names of ours. */
function freelyNamed(json: unknown): (readonly PathPart[])[] {
  const ofDevices = keysAt(json, ['devices']).flatMap((device) => {
    const zones = ['devices', device, 'dns', 'zones'];
    return [
      zones,
      ...keysAt(json, zones).map((zone) => [...zones, zone]),
      ['devices', device, 'http', 'sites'],
    ];
  });
  return [...ofDevices, ...keysAt(json, ['cables']).map((cable) => ['cables', cable, 'from'])];
}

/** zod passes over that key without a word. */
function checkNoPrototype(json: unknown, path: readonly PathPart[], report: Report): void {
  if (keysAt(json, path).includes('__proto__'))
    report([...path, '__proto__'], 'no name that can be used', 'give it another');
}

function reportIssue(json: unknown, issue: z.core.$ZodIssue, report: Report): void {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(path);
    for (const key of issue.keys) {
      const meant = nearest(key, known);
      const mend =
        meant === undefined ? `remove it; known are ${known.join(', ')}` : `did you mean "${meant}"?`;
      report([...path, key], 'unknown key', mend);
    }
    return;
  }
  const value = at(json, path);
  report(path, value === undefined ? 'missing' : `got ${show(value)}`, `should be ${issue.message}`);
}

function checkNames(json: unknown, path: readonly PathPart[], what: string, report: Report): void {
  for (const key of keysAt(json, path))
    if (!NAME.test(key))
      report([...path, key], `bad name for a ${what}`.replace('a i', 'an i'), `should be ${NAME_RULE}`);
}

/** The keys that the schema knows for the object at a path. */
function knownKeys(path: readonly PathPart[]): string[] {
  let schema: unknown = topologySchema;
  for (const part of path) schema = below(unwrap(schema), part);
  const shape = shapeOf(unwrap(schema));
  return shape ? Object.keys(shape).filter((key) => key !== '$schema') : [];
}

function definition(schema: unknown): Record<string, unknown> {
  return (schema as { def?: Record<string, unknown> } | undefined)?.def ?? {};
}

function unwrap(schema: unknown): unknown {
  const { type, innerType } = definition(schema);
  return type === 'optional' ? unwrap(innerType) : schema;
}

function shapeOf(schema: unknown): Record<string, unknown> | undefined {
  return definition(schema).shape as Record<string, unknown> | undefined;
}

function below(schema: unknown, part: PathPart): unknown {
  const { type, valueType, element } = definition(schema);
  if (type === 'record') return valueType;
  if (type === 'array') return element;
  return shapeOf(schema)?.[String(part)];
}

/** The value at a path, own properties only. */
function at(json: unknown, path: readonly PathPart[]): unknown {
  let value = json;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<PathPart, unknown>)[part];
  }
  return value;
}

function keysAt(json: unknown, path: readonly PathPart[]): string[] {
  const value = at(json, path);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
}

/** A value on one line, cut short. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
