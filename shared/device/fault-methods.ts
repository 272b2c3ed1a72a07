// Faults on /control: what a device does when it is asked to go wrong, or well again. Every call takes
// effect at once and answers with the counts at that moment: PortCounts as they were just before the change,
// so that what it does to frames on their way counts as its own; RuleCounts with those frames in them.

import type { FilterCounts, FrameFilters } from '../cable/filter.ts';
import type { IncomingCall } from '../control/peer.ts';
import { systemError } from '../core/errors.ts';
import type { EventLog } from '../core/event-log.ts';
import type { FaultsHere, PortCounts, RuleCounts } from '../topology/faults.ts';
import { fieldsOf, invalid, portNamed } from './call-params.ts';
import type { Device } from './device.ts';
import { idOf, impairmentOf, misbehaviourOf, rulesOf } from './fault-params.ts';
import type { Port } from './ports.ts';

export interface FaultyDevice {
  readonly ports: ReadonlyMap<string, Port>;
  readonly filters: FrameFilters;
  /** Absent without a stack. */
  readonly device: Device | undefined;
  readonly log: EventLog;
}

const SERVICES = ['dns', 'dhcp'] as const;

type Fields = Record<string, unknown>;
type Method = readonly [name: string, handler: (call: IncomingCall) => unknown];

export function faultMethods(target: FaultyDevice): readonly Method[] {
  const { ports, filters } = target;
  const method = (name: string, run: (fields: Fields) => unknown): Method => [
    name,
    ({ params }) => run(fieldsOf(params)),
  ];
  return [
    method('impair', (fields) => impair(target, fields)),
    method('cut', (fields) => cut(target, fields)),
    method('splice', (fields) => splice(target, fields)),
    method('counts', (fields) => portCounts(portNamed(ports, fields.interface))),
    method('filter', (fields) => filter(target, fields)),
    method('unfilter', (fields) => unfilter(target, fields)),
    method('filtered', ({ id }) => known(filters.counts(idOf(id)), 'filter', id)),
    method('misbehave', (fields) => misbehave(target, fields)),
    method('behave', (fields) => behave(target, fields)),
    method('misbehaved', ({ id }) => known(misbehaviourCounts(target, idOf(id)), 'misbehaviour', id)),
    method('flush', (fields) => flush(target, fields)),
    method('faults', () => faultsHere(target)),
  ];
}

function faultsHere({ ports, filters, device }: FaultyDevice): FaultsHere {
  const cabled = [...ports].filter(([, { config }]) => config.cable !== undefined);
  return {
    impairments: Object.fromEntries(cabled.map(([name, { impaired }]) => [name, impaired.impairment])),
    cut: cabled.flatMap(([name, { cable }]) => (cable.isCut ? [name] : [])),
    filters: filters.ids,
    misbehaviours: SERVICES.flatMap((service) => device?.behaviours[service].ids ?? []),
  };
}

// Ports

export function portCounts({ impaired, cable }: Port): PortCounts {
  const own = Object.entries(impaired.counters.snapshot());
  const affected = own.map(([name, count]) => [name.slice('impairment.'.length), count] as const);
  const { counters } = cable;
  const cut = counters.get('cable.cut');
  const kill =
    counters.get('cable.no-carrier') +
    counters.get('cable.broadcast-no-carrier') +
    counters.get('cable.carrier-lost');
  return { seen: impaired.seen, affected: { ...Object.fromEntries(affected), cut, kill } };
}

function impair({ ports, log }: FaultyDevice, fields: Fields): PortCounts {
  const port = portNamed(ports, fields.interface);
  const impairment = impairmentOf(fields.impairment);
  const counts = portCounts(port);
  port.impaired.set(impairment);
  const { name } = port.config;
  const what = JSON.stringify(impairment);
  const text = what === '{}' ? `${name} sends well again` : `${name} sends badly: ${what}`;
  log.info('fault.impair', { interface: name, ...impairment }, text);
  return counts;
}

function cut({ ports, log }: FaultyDevice, fields: Fields): PortCounts {
  const port = portNamed(ports, fields.interface);
  const counts = portCounts(port);
  const { name, cable } = port.config;
  log.info('fault.cut', { interface: name, cable: cable?.name }, `The cable at ${name} is cut`);
  port.cable.cut();
  return counts;
}

function splice({ ports, log }: FaultyDevice, fields: Fields): PortCounts {
  const port = portNamed(ports, fields.interface);
  const counts = portCounts(port);
  const { name, cable } = port.config;
  log.info('fault.splice', { interface: name, cable: cable?.name }, `The cable at ${name} is spliced`);
  port.cable.splice();
  return counts;
}

// Filters

function filter({ filters, ports, log }: FaultyDevice, fields: Fields): RuleCounts {
  const id = idOf(fields.id);
  const rules = rulesOf(fields.rules);
  for (const rule of rules) if (rule.interface !== undefined) portNamed(ports, rule.interface);
  filters.set(id, rules);
  log.info('fault.filter', { id, rules: JSON.stringify(rules) }, `Drops frames for ${id}`);
  return known(filters.counts(id), 'filter', id);
}

function unfilter({ filters, log }: FaultyDevice, fields: Fields): RuleCounts {
  const id = idOf(fields.id);
  const counts = known(filters.remove(id), 'filter', id);
  log.info('fault.unfilter', { id, ...counts }, `Drops no frames for ${id} any more`);
  return counts;
}

/** @throws SystemError ENOENT if there is nothing of that id: perhaps it was undone already */
function known(counts: FilterCounts | undefined, what: string, id: unknown): RuleCounts {
  if (!counts)
    throw Object.assign(systemError('ENOENT', 'control'), { message: `no ${what} ${String(id)} here` });
  return counts;
}

// Misbehaviour

const SERVICE_NAMES = { dns: 'DNS', dhcp: 'DHCP' } as const;

function misbehave({ device, log }: FaultyDevice, fields: Fields): RuleCounts {
  const id = idOf(fields.id);
  const how = misbehaviourOf(fields.misbehaviour);
  const { service } = how;
  if (!device?.config.spec[service]) throw invalid(`there is no ${SERVICE_NAMES[service]} server here`);
  log.info('fault.misbehave', { id, ...how }, `The ${SERVICE_NAMES[service]} server begins to misbehave`);
  return device.behaviours[service].misbehave(id, how);
}

function behave({ device, log }: FaultyDevice, fields: Fields): RuleCounts {
  const id = idOf(fields.id);
  const service = SERVICES.find((each) => device?.behaviours[each].counts(id));
  const counts = known(service && device?.behaviours[service].behave(id), 'misbehaviour', id);
  log.info('fault.behave', { id, service, ...counts }, `Misbehaviour ${id} ends`);
  return counts;
}

function misbehaviourCounts({ device }: FaultyDevice, id: string): RuleCounts | undefined {
  return SERVICES.map((service) => device?.behaviours[service].counts(id)).find((counts) => counts);
}

// Amnesia

function flush({ device, log }: FaultyDevice, { table }: Fields): { entries: number } {
  if (table !== 'arp' && table !== 'nat' && table !== 'dns')
    throw invalid('table is to be one of arp, nat, dns');
  if (!device) throw invalid(`a device of this kind has no ${table} table`);
  const entries = forget(device, table);
  log.info('fault.flush', { table, entries }, `Forgets the ${entries} entries of its ${table} table`);
  return { entries };
}

function forget({ stack, nat, known }: Device, table: 'arp' | 'nat' | 'dns'): number {
  switch (table) {
    case 'arp': {
      const cabled = stack.interfaces.filter(({ loopback }) => !loopback);
      return cabled.reduce((sum, { name }) => sum + stack.arp(name).flush(), 0);
    }
    case 'nat':
      if (!nat) throw invalid('there is no NAT here');
      return nat.flush();
    case 'dns': {
      const own = known.resolver?.cache().length ?? 0;
      known.resolver?.flush();
      return own + (known.flushDnsServer?.() ?? 0);
    }
  }
}
