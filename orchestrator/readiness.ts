// What a net still waits for until it is ready: devices, and cables between devices that live.

import type { CableSpec } from '../shared/topology/types.ts';
import type { Machine } from './machine.ts';

/**
 * For people, in the order of the topology; empty when all is ready.
 * @param cabled devices whose cables are to have carrier
 * @param ready devices that are to have what they wait for
 */
export function missing(
  machines: ReadonlyMap<string, Machine>,
  cables: readonly CableSpec[],
  cabled: ReadonlySet<string>,
  ready: ReadonlySet<string>,
): string[] {
  const devices = [...ready].flatMap((name) => {
    const machine = machines.get(name);
    return machine === undefined || machine.ready ? [] : [waitsFor(machine)];
  });
  const dark = cables
    .filter(({ ends }) => ends.some((end) => cabled.has(end.device)))
    .filter(({ ends }) => !ends.every((end) => machines.get(end.device)?.hasCarrier(end.interface)))
    // Last, as the system is asked for each of them.
    .filter(({ ends }) => ends.every((end) => machines.get(end.device)?.answers))
    .map((cable) => `cable ${cable.name} has no carrier`);
  return [...devices, ...dark];
}

/** What a device that is not ready waits for. */
export function waitsFor(machine: Machine): string {
  const { running } = machine;
  if (!running) return `${machine.name} ${machine.hasRun ? 'is not running' : 'waits for its turn'}`;
  if (running.frozen) return `${machine.name} is frozen`;
  if (!running.status) return `${machine.name} is starting`;
  return `${machine.name} waits for ${running.status.waiting.join(', ') || 'its services'}`;
}
