// What is still in force on the devices, as they have it themselves: the orchestrator's word is not enough.

import { join } from 'node:path';
import type { Net } from '../../orchestrator/api.ts';
import { readRecord } from '../../orchestrator/run-record.ts';
import { connectControl } from '../../shared/control/client.ts';
import type { FaultsHere } from '../../shared/topology/faults.ts';

/** By device. */
export type FaultsInForce = ReadonlyMap<string, FaultsHere>;

export async function faultsInForce(net: Net): Promise<FaultsInForce> {
  const record = readRecord(net.rundir);
  if (!record) throw new Error(`${join(net.rundir, 'net.json')} is not there`);
  const devices = Object.entries(record.devices).map(async ([name, { url }]) => {
    const control = await connectControl(`${url}/control`, record.token);
    try {
      return [name, (await control.request('faults')) as FaultsHere] as const;
    } finally {
      control.close();
    }
  });
  return new Map(await Promise.all(devices));
}

/** What is another than at the start. */
export function faultsLeft(before: FaultsInForce, now: FaultsInForce): string[] {
  return [...now].flatMap(([device, faults]) => {
    const [was, is] = [JSON.stringify(before.get(device)), JSON.stringify(faults)];
    return was === is ? [] : [`${device} has not healed: ${is} instead of ${was}`];
  });
}
