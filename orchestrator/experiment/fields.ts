// The values that an experiment file is made of. A field gives what it means: durations in ms, rates in bits/s.
// An error text here completes the sentence "should be …".

import { z } from 'zod';
import { parseIpv4 } from '../../shared/core/address.ts';
import { parseDuration, parseRate } from '../../shared/core/units.ts';
import { NAME, NAME_RULE } from '../../shared/topology/schema.ts';

const DURATION_RULE = 'a duration with its unit (us, ms, s, m, h, d), such as "500ms"';
const RATE_RULE = 'a rate above 0 with its unit (bit, kbit, mbit, gbit), such as "10mbit"';
const END_RULE = 'a device, or device:interface, such as "router:wan"';

export function duration(description: string) {
  return quantity(parseDuration, DURATION_RULE, description);
}

/** A duration above 0. */
export function interval(description: string) {
  return quantity(
    (text) => parseDuration(text) || undefined,
    `${DURATION_RULE}, above 0`,
    `${description} Above 0.`,
  );
}

export function rate(description: string) {
  return quantity((text) => parseRate(text) || undefined, RATE_RULE, description);
}

function quantity(parse: (text: string) => number | undefined, should: string, description: string) {
  return z
    .string({ error: should })
    .transform((text, context) => {
      const value = parse(text);
      if (value !== undefined) return value;
      context.issues.push({ code: 'custom', message: should, input: text });
      return z.NEVER;
    })
    .describe(description);
}

export function whole(lowest: number, highest: number, description: string) {
  const error = `a whole number from ${lowest} to ${highest}, without quotes`;
  return z.int({ error }).min(lowest, { error }).max(highest, { error }).describe(description);
}

export function text(should: string, description: string) {
  return z.string({ error: should }).min(1, { error: should }).describe(description);
}

export function flag(description: string) {
  return z.boolean({ error: 'true or false, without quotes' }).describe(description);
}

export function name(description: string) {
  return z.string({ error: NAME_RULE }).regex(NAME, { error: NAME_RULE }).describe(description);
}

/** Names of devices, cables or faults that are looked up later, where a wrong one is worded better. */
export function reference(what: string, description: string) {
  return text(`the name of ${what}`, description);
}

export function end(description: string) {
  return z
    .string({ error: END_RULE })
    .regex(/^[^:]+(:[^:]+)?$/, { error: END_RULE })
    .describe(description);
}

export function address(description: string) {
  const error = 'an IPv4 address, such as "93.184.216.34"';
  return z
    .string({ error })
    .refine((value) => parseIpv4(value) !== undefined, { error })
    .describe(description);
}

export function oneOf<const T extends readonly [string, ...string[]]>(values: T, description: string) {
  return z.enum(values, { error: `one of ${quoted(values)}` }).describe(description);
}

export function list<T extends z.ZodType>(item: T, should: string, description: string) {
  return z.array(item, { error: should }).min(1, { error: should }).describe(description);
}

/** An object with these keys and no others. */
export function block<T extends z.core.$ZodLooseShape>(shape: T, description: string) {
  return z.strictObject(shape, { error: 'an object, { … }' }).describe(description);
}

export function quoted(words: readonly string[]): string {
  return words.map((word) => JSON.stringify(word)).join(', ');
}
