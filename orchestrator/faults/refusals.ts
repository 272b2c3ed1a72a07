// What can't be asked of a device that is off, or frozen.

import { Failure } from '../failure.ts';
import type { FaultBench } from './bench.ts';

/** @throws Failure if the device is off */
export function refuseOff(bench: FaultBench, name: string, verb: string): void {
  if (bench.device(name).run === undefined)
    throw new Failure(`can't ${verb} ${name}: it is not running; start it with: tincan start ${name}`);
}

/** @param outcome what became of what was asked @throws Failure if one of the devices is frozen */
export function refuseFrozen(bench: FaultBench, devices: readonly string[], outcome: string): void {
  const frozen = devices.filter((name) => bench.device(name).frozen);
  if (frozen.length > 0)
    throw new Failure(
      `${frozen.join(' and ')} ${frozen.length > 1 ? 'are' : 'is'} frozen and can't confirm it; ${outcome}; thaw first: tincan thaw ${frozen.join(' ')}`,
    );
}
