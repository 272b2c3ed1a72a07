// The experiment file's own form: keys, descriptions, and what each value must look like. What several keys
// must agree on is in check.ts; the JSON Schema is made from this one.

import { z } from 'zod';
import { actionSchema } from './actions.ts';
import { expectationSchema } from './expectations.ts';
import * as field from './fields.ts';
import { moment } from './moments.ts';
import { probeSchema } from './probe-schema.ts';

export const experimentSchema = field.block(
  {
    $schema: field.text('the path of the JSON Schema', 'The JSON Schema, for editors.').optional(),
    name: field.name('Name of the experiment, of its report folder too.'),
    why: field
      .text('a text, or leave it out', 'What a real system shows here, and why; the report says it.')
      .optional(),
    net: z
      .union([z.string(), z.record(z.string(), z.unknown())], {
        error: 'a topology file, relative to this one, or a topology, { "devices": { … } }',
      })
      .describe('The net: a topology file, relative to this one, or the topology itself.'),
    seed: field
      .whole(0, Number.MAX_SAFE_INTEGER, 'Seed of all randomness; the one of the net unless told.')
      .optional(),
    steadyState: field.block(
      {
        probes: field.list(probeSchema, 'a list of probes, [{ "name": … }]', 'What is asked over and over.'),
        hold: field.duration('How long all of it must be good before the timeline begins.').default(1000),
        timeout: field.interval('How long to wait for that.').default(15_000),
      },
      'What the net does when nothing is wrong.',
    ),
    timeline: z
      .array(actionSchema, { error: 'a list of entries, [{ "at": "1s", "do": "cut", "cable": "uplink" }]' })
      .describe('Faults and healings.'),
    expect: z
      .array(expectationSchema, { error: 'a list of expectations, [{ "that": "recovers", … }]' })
      .describe('What must have been seen.'),
    duration: moment(
      'How long the timeline runs, though not less than to its last entry; until 2 s after that unless told.',
    ).optional(),
    loopLag: field
      .interval('A device whose event loop lagged more than this makes the timings not to be trusted.')
      .default(250),
    capture: z
      .array(field.reference('a cable', 'A cable, or one end of it as device:interface.'), {
        error: 'a list of cables or ends, ["uplink", "router:wan"]',
      })
      .describe(
        'Where frames are recorded: cables, each seen at both ends, or single ends. All cables unless told.',
      )
      .optional(),
  },
  'A failure experiment, run by tincan run.',
);

/** Durations in ms, rates in bits/s. */
export type ExperimentFile = z.output<typeof experimentSchema>;

/** The JSON Schema (draft 2020-12) of the experiment file, for editors. */
export function experimentJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(experimentSchema, { io: 'input' }) };
}
