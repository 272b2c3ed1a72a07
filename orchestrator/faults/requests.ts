// What can be asked for, in the form in which it comes in: quantities as text with their units.
// An error text here completes the sentence "should be …", as those of the topology file do.

import { z } from 'zod';
import { parseCidr, parseIpv4 } from '../../shared/core/address.ts';
import { impairmentFields, MOST_FRAMES_WAITING } from '../../shared/topology/schema.ts';
import { WrongUsage } from '../failure.ts';

const name = z.string({ error: 'a name' }).min(1, { error: 'a name' });

function count(what: string, most = Number.MAX_SAFE_INTEGER) {
  return z.int({ error: what }).min(1, { error: what }).max(most, { error: what });
}

const port = z
  .int({ error: 'a port from 0 to 65535' })
  .min(0, { error: 'a port from 0 to 65535' })
  .max(65_535, { error: 'a port from 0 to 65535' });

const ADDRESS_RULE = 'an IPv4 address or network, such as "8.8.8.8" or "10.0.0.0/8"';
const network = z
  .string({ error: ADDRESS_RULE })
  .refine((text) => parseIpv4(text) !== undefined || parseCidr(text) !== undefined, { error: ADDRESS_RULE });

const ADDRESS_ONLY_RULE = 'an IPv4 address, such as "192.0.2.1"';
const address = z
  .string({ error: ADDRESS_ONLY_RULE })
  .refine((text) => parseIpv4(text) !== undefined, { error: ADDRESS_ONLY_RULE });

const FLAGS = ['syn', 'ack', 'fin', 'rst', 'psh'] as const;

function oneOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, { error: `one of ${values.join(', ')}` });
}

const group = z.array(name, { error: 'a list of devices' }).min(1, { error: 'at least one device' });

export const impairRequest = z.strictObject({
  cable: name,
  /** Only frames that this end sends: `device:interface`, or the device where that is unambiguous. */
  from: name.optional(),
  /** Sets all that is not named to none, whatever the topology says. */
  clear: z.boolean().optional(),
  ...z.object(impairmentFields).partial().shape,
  limit: count(`a whole number from 1 to ${MOST_FRAMES_WAITING}`, MOST_FRAMES_WAITING).optional(),
});

export const partitionRequest = z.strictObject({
  groups: z.tuple([group, group], { error: 'two groups of devices' }),
  /** Only what goes from the first group to the second. */
  oneWay: z.boolean().optional(),
});

export const blackholeRequest = z.strictObject({
  /** A cable, a device, or one end as `device:interface`. */
  at: name,
  /** Of a cable: only frames that this end sends. */
  from: name.optional(),
  /** Of a device or an end: only what comes in, or only what goes out. */
  direction: oneOf(['in', 'out']).optional(),
  protocol: oneOf(['arp', 'ipv4', 'icmp', 'udp', 'tcp']).optional(),
  source: network.optional(),
  destination: network.optional(),
  sourcePort: port.optional(),
  destinationPort: port.optional(),
  /** All of them set. */
  flags: z.array(oneOf(FLAGS)).min(1, { error: 'at least one flag' }).optional(),
  dns: oneOf(['query', 'answer']).optional(),
  /** Only the first so many that match, in each direction. */
  first: count('a whole number from 1').optional(),
  /** Only every so manieth that matches, in each direction. */
  every: count('a whole number from 1').optional(),
});

export const misbehaveRequest = z.strictObject({
  device: name,
  service: oneOf(['dns', 'dhcp']),
  /** How late every answer is. */
  delay: impairmentFields.delay.optional(),
  /** No answer at all. */
  silent: z.boolean().optional(),
  /** DNS: SERVFAIL to everything. */
  servfail: z.boolean().optional(),
  /** The address in every answer. */
  address: address.optional(),
});

export const flushRequest = z.strictObject({ device: name, table: oneOf(['arp', 'nat', 'dns']) });

export const cableRequest = z.strictObject({ cable: name });

export const devicesRequest = z.strictObject({
  devices: z.array(name, { error: 'a list of devices' }).min(1, { error: 'at least one device' }),
  /** ms until it must be in effect. */
  timeout: z.number({ error: 'ms' }).positive({ error: 'ms' }).optional(),
});

export const healRequest = z.strictObject({
  /** All that are active, if absent. */
  receipts: z.array(name, { error: 'a list of receipts, such as ["f1"]' }).optional(),
  timeout: z.number({ error: 'ms' }).positive({ error: 'ms' }).optional(),
});

export type ImpairRequest = z.infer<typeof impairRequest>;
export type PartitionRequest = z.infer<typeof partitionRequest>;
export type BlackholeRequest = z.infer<typeof blackholeRequest>;
export type MisbehaveRequest = z.infer<typeof misbehaveRequest>;
export type FlushRequest = z.infer<typeof flushRequest>;

/** @throws WrongUsage with all that is wrong, on one line */
export function readRequest<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const { data, error } = schema.safeParse(value);
  if (error === undefined) return data;
  throw new WrongUsage(error.issues.map((issue) => describe(issue, value)).join('; '));
}

function describe(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === 'unrecognized_keys') return `unknown: ${issue.keys.join(', ')}`;
  const given = issue.path.reduce<unknown>(
    (inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key],
    value,
  );
  const path = issue.path.join('.') || 'the request';
  const what = given === undefined ? `${path} is missing` : `${path} ${JSON.stringify(given)}`;
  return `${what} should be ${issue.message}`;
}
