// What a request makes a server do.

import { parseDuration } from '../../shared/core/units.ts';
import type { Misbehaviour } from '../../shared/topology/faults.ts';
import type { DeviceSpec } from '../../shared/topology/types.ts';
import { Failure, WrongUsage } from '../failure.ts';
import type { MisbehaveRequest } from './requests.ts';

/** @throws Failure if the device has no such service, WrongUsage if there is nothing to do */
export function misbehaviourOf(spec: DeviceSpec, request: MisbehaveRequest): Misbehaviour {
  const { device, service, delay, silent, servfail, address } = request;
  if (spec[service] === undefined) throw new Failure(`${device} is no ${service.toUpperCase()} server`);
  if (service === 'dhcp' && servfail) throw new WrongUsage('SERVFAIL is an answer of DNS, not of DHCP');
  if (silent && (servfail || address !== undefined || delay !== undefined))
    throw new WrongUsage('a silent server gives no answer that could be late or wrong');
  if (servfail && address !== undefined)
    throw new WrongUsage('an answer of SERVFAIL has no address: one of both');
  if (!silent && !servfail && delay === undefined && address === undefined)
    throw new WrongUsage('no misbehaviour named: a delay such as 2s, silent, servfail or an address');
  return {
    service,
    ...(delay !== undefined && { delay: parseDuration(delay) ?? 0 }),
    ...(silent && { silent }),
    ...(servfail && { servfail }),
    ...(address !== undefined && { address }),
  };
}
