// Expectations: what the probes and receipts must have shown when the run is over.

import { z } from 'zod';
import { CAUSES } from '../faults/receipt.ts';
import * as field from './fields.ts';
import { moment } from './moments.ts';

const probe = field.reference('a probe', 'The probe.');

const window = {
  from: moment(
    'When it begins to count: once that entry is in effect; with the timeline unless told.',
  ).optional(),
  until: moment('When it ends to count: as that entry is asked for; with the run unless told.').optional(),
};

const MOST = Number.MAX_SAFE_INTEGER;

const expectations = [
  field.block(
    {
      that: z.literal('fails-at-most'),
      probe,
      for: field.duration('How long after the fault it may fail.'),
      after: field.reference('an entry of the timeline', 'The fault.'),
      until: window.until,
    },
    'The probe works again for good so soon after a fault was asked for, healed or not.',
  ),
  field.block(
    {
      that: z.literal('recovers'),
      probe,
      within: field.duration('How soon.'),
      after: field.reference('an entry of the timeline', 'The healing.'),
      until: window.until,
    },
    'The probe works again for good so soon after a healing is in effect.',
  ),
  field.block(
    {
      that: z.literal('failures'),
      probe,
      atLeast: field.whole(0, MOST, 'The least.').optional(),
      atMost: field.whole(0, MOST, 'The most.').optional(),
      code: field
        .text('an error code, such as "ETIMEDOUT"', 'Count only failures with this code.')
        .optional(),
      ...window,
    },
    'So many tries that began in the window failed.',
  ),
  field.block(
    { that: z.literal('unaffected'), probe, ...window },
    'Every try that began in the window was answered within its bounds, and there was one.',
  ),
  field.block(
    {
      that: z.literal('latency'),
      probe,
      atLeast: field.duration('The least.').optional(),
      atMost: field.duration('The most.').optional(),
      ...window,
    },
    'The median time to the answer of the tries that began in the window.',
  ),
  field.block(
    {
      that: z.literal('rate'),
      probe,
      atLeast: field.rate('The least.').optional(),
      atMost: field.rate('The most.').optional(),
      ...window,
    },
    'The median rate of the downloads that began in the window.',
  ),
  field.block(
    { that: z.literal('answered-once'), probe },
    'By its log, no server answered a request of the probe twice.',
  ),
  field.block(
    {
      that: z.literal('affected'),
      fault: field.reference('an entry of the timeline', 'The fault.'),
      cause: field.oneOf(CAUSES, 'Count only this cause.').optional(),
      atLeast: field.whole(0, MOST, 'The least.').optional(),
      atMost: field.whole(0, MOST, 'The most.').optional(),
    },
    'So many frames met the fault, by its receipt.',
  ),
] as const;

export const EXPECTATIONS = expectations.map((schema) => schema.shape.that.value);

export const expectationSchema = z.discriminatedUnion('that', expectations, {
  error: `an expectation with a "that", one of ${field.quoted(EXPECTATIONS)}`,
});

export type Expectation = z.output<typeof expectationSchema>;
