// The tables that a device can be made to forget.

import type { DeviceSpec } from '../../shared/topology/types.ts';
import { Failure } from '../failure.ts';
import type { FlushRequest } from './requests.ts';

/** @throws Failure if the device has no such table */
export function checkTable(spec: DeviceSpec, table: FlushRequest['table']): void {
  if (table === 'nat' && spec.nat === undefined) throw new Failure(`${spec.name} has no NAT table`);
  if (spec.kind === 'switch' || spec.kind === 'tap')
    throw new Failure(`${spec.name} is a ${spec.kind} and has no ${table} table`);
}
