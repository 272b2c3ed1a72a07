// Probes: what is asked over and over, from which device, and which answers are good.

import { z } from 'zod';
import * as field from './fields.ts';
import { moment } from './moments.ts';

const common = {
  name: field.name('Name of the probe, which expectations speak of.'),
  from: field.reference('a device', 'The device that asks.'),
  interval: field
    .interval('Time between the beginnings of two tries, whatever becomes of the first.')
    .default(250),
  timeout: field.interval('When a try counts as failed.').default(1000),
  start: moment(
    'When it begins. Unless told it runs from the boot on and is part of the steady state.',
  ).optional(),
  count: field
    .whole(1, 1_000_000, 'How many tries it makes; as many as there is time for unless told.')
    .optional(),
};

const latency = field.interval('The longest time to the answer that is good.').optional();

const URL_RULE = 'an http:// URL, such as "http://www.example.com/"';
const url = z
  .string({ error: URL_RULE })
  .refine((value) => URL.canParse(value) && new URL(value).protocol === 'http:', { error: URL_RULE })
  .describe('What is asked for. Each try adds a query with an id of its own.');

const ping = field.block(
  {
    ...common,
    type: z.literal('ping'),
    target: field.text('an address or a DNS name', 'Who is pinged.'),
    bounds: field.block({ latency }, 'What a good answer is.').optional(),
  },
  'One echo request a try.',
);

const http = field.block(
  {
    ...common,
    type: z.literal('http'),
    target: url,
    bounds: field
      .block(
        { latency, status: field.whole(100, 599, 'The status that is good, 200 unless told.').optional() },
        'What a good answer is.',
      )
      .optional(),
  },
  'One GET a try, on a connection of its own, until the body has come in whole.',
);

const dns = field.block(
  {
    ...common,
    type: z.literal('dns'),
    target: field.text('a DNS name, such as "www.example.com"', 'The name whose address is asked for.'),
    server: field
      .address('The server that is asked, past what the device remembers; its own resolver unless told.')
      .optional(),
    bounds: field
      .block(
        { latency, answer: field.address('The address that must be among the answers.').optional() },
        'What a good answer is.',
      )
      .optional(),
  },
  'One lookup of an A record a try.',
);

const TARGET_RULE = 'host:port, such as "www.example.com:80"';
const tcp = field.block(
  {
    ...common,
    type: z.literal('tcp'),
    target: z
      .string({ error: TARGET_RULE })
      .regex(/^[^:\s]+:[1-9]\d{0,4}$/, { error: TARGET_RULE })
      .refine((text) => Number(text.split(':')[1]) <= 65_535, { error: TARGET_RULE })
      .describe('Where it connects to, as host:port.'),
    bounds: field.block({ latency }, 'What a good answer is.').optional(),
  },
  'One TCP connection a try, opened and closed.',
);

const throughput = field.block(
  {
    ...common,
    type: z.literal('throughput'),
    target: url,
    bounds: field
      .block(
        { latency, rate: field.rate('The least rate that is good.').optional() },
        'What a good answer is.',
      )
      .optional(),
  },
  'One download a try, whose rate is measured over its body.',
);

export const PROBE_TYPES = ['ping', 'http', 'dns', 'tcp', 'throughput'] as const;

export const probeSchema = z.discriminatedUnion('type', [ping, http, dns, tcp, throughput], {
  error: `a probe with a "type", one of ${field.quoted(PROBE_TYPES)}`,
});

/** Durations in ms, rates in bits/s. */
export type Probe = z.output<typeof probeSchema>;
