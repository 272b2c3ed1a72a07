// Carries a plan out: each step at its time, and after those before it that concern the same devices. So
// faults overlap as they would under several hands, and none meets a state that the plan did not foresee.

import { setTimeout as sleep } from 'node:timers/promises';
import type { DeviceState, FaultReceipt, Net } from '../../orchestrator/api.ts';
import { describe, make, type SoakFault } from './faults.ts';
import type { PlannedFault, Step } from './plan.ts';
import { REVIVED, type SoakNet } from './soak-net.ts';

/** ms in which the supervisor has started a device again, however often that ended before. */
const REVIVAL = 30_000;

export interface CarriedOut {
  /** Faults that could not be made or healed. */
  readonly problems: readonly string[];
  /** Of each fault that has one. */
  readonly receipts: ReadonlyMap<PlannedFault, FaultReceipt>;
}

/** @param say is told of each fault as it is made */
export async function carryOut(
  net: Net,
  soakNet: SoakNet,
  steps: readonly Step[],
  say: (line: string) => void,
): Promise<CarriedOut> {
  const problems: string[] = [];
  const receipts = new Map<PlannedFault, FaultReceipt>();
  const begun = performance.now();
  /** By device: the last step that concerns it. */
  const last = new Map<string, Promise<void>>();
  const take = async ({ does, planned }: Step): Promise<void> => {
    const { number, fault } = planned;
    if (does === 'make') {
      const receipt = await make(net, fault);
      if (receipt) receipts.set(planned, receipt);
      const seconds = ((performance.now() - begun) / 1000).toFixed(1).padStart(6);
      say(`${String(number).padStart(4)} ${seconds} s  ${describe(fault)}`);
    } else if (fault.kind === 'kill -9') await revive(net, fault.device);
    else if (does === 'undo') await undo(net, fault);
    else if (does === 'heal') await receipts.get(planned)?.heal();
    else await Promise.all([receipts.get(planned)?.heal(), receipts.get(planned)?.heal()]);
    const state = stateProblem(net, soakNet, does, fault);
    if (state !== undefined) problems.push(`fault ${number} (${describe(fault)}): ${state}`);
  };
  const all: Promise<void>[] = [];
  for (const step of steps) {
    await sleep(Math.max(begun + step.at - performance.now(), 0));
    const before = step.participants.flatMap((device) => last.get(device) ?? []);
    const done = Promise.all(before)
      .then(() => take(step))
      .catch((error: unknown) => {
        const { does, planned } = step;
        const failed = does === 'make' ? 'was not made' : 'was not healed';
        problems.push(`fault ${planned.number} (${describe(planned.fault)}) ${failed}: ${textOf(error)}`);
      });
    for (const device of step.participants) last.set(device, done);
    all.push(done);
  }
  await Promise.all(all);
  return { problems, receipts };
}

/** Whether `ps` says of the device and the cable what was just done to them. */
function stateProblem(net: Net, soakNet: SoakNet, does: Step['does'], fault: SoakFault): string | undefined {
  if (fault.kind === 'cut' && does === 'make') {
    // What hangs has not seen it.
    const lit = net.devices.flatMap(({ report: { device, state, interfaces } }) =>
      interfaces.flatMap(({ name, carrier }) => (carrier && state !== 'frozen' ? [`${device}:${name}`] : [])),
    );
    const left = soakNet.cables.get(fault.cable)!.filter((end) => lit.includes(end));
    return left.length > 0 ? `${left.join(' and ')} still has carrier` : undefined;
  }
  if (!('device' in fault) || fault.kind === 'misbehave' || fault.kind === 'flush') return undefined;
  const { state } = net.device(fault.device).report;
  const expected: readonly DeviceState[] = does === 'make' ? AFTER[fault.kind] : ['ready', 'starting'];
  // The supervisor may have begun to start it again.
  if (fault.kind === 'kill -9' && fault.device === REVIVED) return undefined;
  return expected.includes(state) ? undefined : `${fault.device} is ${state}`;
}

/** A client without its lease is `starting`. */
const AFTER: Readonly<Record<'kill' | 'kill -9' | 'stop' | 'freeze' | 'restart', readonly DeviceState[]>> = {
  kill: ['crashed'],
  'kill -9': ['crashed'],
  stop: ['stopped'],
  freeze: ['frozen'],
  restart: ['ready', 'starting'],
};

async function undo(net: Net, fault: SoakFault): Promise<void> {
  if (fault.kind === 'cut') await net.splice(fault.cable);
  else if (fault.kind === 'freeze') await net.thaw(fault.device);
  else if ('device' in fault) await net.start(fault.device);
}

/** Started again by who has to: the supervisor or us. */
async function revive(net: Net, name: string): Promise<void> {
  if (name !== REVIVED) {
    await net.start(name);
    return;
  }
  const end = performance.now() + REVIVAL;
  while (net.device(name).report.state !== 'ready') {
    if (performance.now() > end) throw new Error(`the supervisor has not started it again`);
    await sleep(20);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
