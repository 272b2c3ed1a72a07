// Checks of the faults that a device is asked for: what is wrong is said in words, with the code EINVAL.

import { parseCidr, parseIpv4 } from '../core/address.ts';
import type { FilterRule, FrameMatch, Misbehaviour } from '../topology/faults.ts';
import type { GilbertElliott, Impairment } from '../topology/types.ts';
import { invalid } from './call-params.ts';

/** Says what is wrong with a value, or nothing. */
type Check = (value: unknown, path: string) => void;
type Checks<T> = { readonly [field in keyof Required<T>]: Check };

function expect(holds: boolean, path: string, what: string): void {
  if (!holds) throw invalid(`${path} is to be ${what}`);
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isWhole = (value: unknown): value is number => isNumber(value) && Number.isInteger(value);

const probability: Check = (value, path) =>
  expect(isNumber(value) && value >= 0 && value <= 1, path, 'a probability from 0 to 1');
const duration: Check = (value, path) => expect(isNumber(value) && value >= 0, path, 'a number of ms');
const bitsPerSecond: Check = (value, path) =>
  expect(isNumber(value) && value > 0, path, 'a number of bits/s above 0');
const count: Check = (value, path) => expect(isWhole(value) && value >= 1, path, 'a whole number above 0');
const port: Check = (value, path) =>
  expect(isWhole(value) && value >= 0 && value <= 65_535, path, 'a port from 0 to 65535');
const flag: Check = (value, path) => expect(typeof value === 'boolean', path, 'true or false');
const text: Check = (value, path) => expect(typeof value === 'string' && value !== '', path, 'a name');
const address: Check = (value, path) =>
  expect(typeof value === 'string' && parseIpv4(value) !== undefined, path, 'an address a.b.c.d');
const network: Check = (value, path) =>
  expect(typeof value === 'string' && parseCidr(value) !== undefined, path, 'a network a.b.c.d/n');

function oneOf(...words: readonly string[]): Check {
  return (value, path) => expect(words.includes(value as string), path, `one of ${words.join(', ')}`);
}

function listOf(check: Check): Check {
  return (value, path) => {
    if (!Array.isArray(value)) throw invalid(`${path} is to be a list`);
    for (const [index, item] of value.entries()) check(item, `${path}[${index}]`);
  };
}

/** A map of known fields; the needed ones are there, and what is null is taken for absent. */
function fields<T>(checks: Checks<T>, needed: readonly (keyof T)[] = []): Check {
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw invalid(`${path} is to be a map`);
    const given = Object.entries(value).filter(([, item]) => item !== undefined && item !== null);
    for (const [name, item] of given) {
      if (!Object.hasOwn(checks, name))
        throw invalid(`${path}.${name} is nothing: there are ${Object.keys(checks).join(', ')}`);
      checks[name as keyof T](item, `${path}.${name}`);
    }
    for (const name of needed)
      expect(
        given.some(([present]) => present === name),
        `${path}.${String(name)}`,
        'given',
      );
  };
}

const impairment = fields<Impairment>({
  delay: duration,
  jitter: duration,
  distribution: oneOf('uniform', 'normal', 'pareto', 'paretonormal'),
  loss: probability,
  gemodel: fields<GilbertElliott>({ p: probability, r: probability, bad: probability, good: probability }, [
    'p',
    'r',
    'bad',
    'good',
  ]),
  duplicate: probability,
  corrupt: probability,
  reorder: probability,
  rate: bitsPerSecond,
  limit: count,
});

const match = fields<FrameMatch>({
  protocol: oneOf('arp', 'ipv4', 'icmp', 'udp', 'tcp'),
  source: listOf(network),
  destination: listOf(network),
  sourcePort: port,
  destinationPort: port,
  flags: listOf(oneOf('syn', 'ack', 'fin', 'rst', 'psh')),
  dns: oneOf('query', 'answer'),
  originated: flag,
  delivered: flag,
});

const rules = listOf(
  fields<FilterRule>({ interface: text, direction: oneOf('in', 'out'), match, first: count, every: count }, [
    'direction',
    'match',
  ]),
);

const misbehaviour = fields<Misbehaviour>(
  { service: oneOf('dns', 'dhcp'), delay: duration, silent: flag, servfail: flag, address },
  ['service'],
);

/** @throws SystemError EINVAL, as all here */
export function impairmentOf(value: unknown): Impairment {
  impairment(value, 'impairment');
  const given = withoutNulls(value as Impairment);
  if (given.gemodel && given.loss) throw invalid('impairment.loss and impairment.gemodel exclude each other');
  return given;
}

export function rulesOf(value: unknown): readonly FilterRule[] {
  rules(value, 'rules');
  const given = (value as FilterRule[]).map((rule) => ({
    ...withoutNulls(rule),
    match: withoutNulls(rule.match),
  }));
  for (const [index, rule] of given.entries()) checkRule(rule, `rules[${index}]`);
  return given;
}

export function misbehaviourOf(value: unknown): Misbehaviour {
  misbehaviour(value, 'misbehaviour');
  const how = withoutNulls(value as Misbehaviour);
  if (how.service === 'dhcp' && how.servfail)
    throw invalid('misbehaviour.servfail is for dns: DHCP has no such answer');
  if (!how.delay && !how.silent && !how.servfail && how.address === undefined)
    throw invalid(
      'misbehaviour is to have a delay, silent, servfail or address: this one does nothing wrong',
    );
  return how;
}

export function idOf(value: unknown): string {
  text(value, 'id');
  return value as string;
}

/** What can match no frame is a mistake. */
function checkRule({ direction, match: pattern, first, every }: FilterRule, path: string): void {
  const { protocol, flags, dns, sourcePort, destinationPort, originated, delivered } = pattern;
  const ports = sourcePort !== undefined || destinationPort !== undefined;
  if (first !== undefined && every !== undefined)
    throw invalid(`${path} has both first and every: give one of them`);
  if (originated && direction === 'in')
    throw invalid(`${path}.match.originated is for direction out: what comes in is not this device's own`);
  if (delivered && direction === 'out')
    throw invalid(`${path}.match.delivered is for direction in: what goes out does not end here`);
  if (flags && protocol !== undefined && protocol !== 'tcp' && protocol !== 'ipv4')
    throw invalid(`${path}.match.flags are those of tcp, and the protocol is ${protocol}`);
  if ((ports || dns) && (protocol === 'arp' || protocol === 'icmp'))
    throw invalid(`${path}.match looks for ports, which ${protocol} has not`);
}

function withoutNulls<T extends object>(value: T): T {
  const given = Object.entries(value).filter(([, item]) => item !== undefined && item !== null);
  return Object.fromEntries(given) as T;
}
