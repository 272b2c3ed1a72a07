// The end of a soak in a few lines.

import type { LogEvent, Receipt } from '../../orchestrator/api.ts';
import type { CarriedOut } from './carry-out.ts';
import { describe } from './faults.ts';
import type { Load } from './load.ts';
import { describeWarnings } from './logs.ts';
import { describeMemory, type Memory } from './memory.ts';
import { ACTIVITIES, type Activity } from './programs.ts';

interface Result {
  readonly load: Load;
  readonly carriedOut: CarriedOut;
  readonly frames: number;
  readonly receipts: readonly Receipt[];
  readonly logs: readonly LogEvent[];
  readonly memory: readonly [before: Memory, after: Memory];
}

export function summary({ load, carriedOut, frames, receipts, logs, memory }: Result): string[] {
  return [
    ...ACTIVITIES.map((activity) => describeTally(activity, load)),
    `faults: ${describeKinds(receipts)}`,
    `touched no frame: ${untouched(carriedOut, receipts).join('; ') || 'none'}`,
    `frames looked at: ${frames}`,
    `warnings in logs: ${describeWarnings(logs)}`,
    `memory in MiB, warmed up → at the end: ${describeMemory(...memory)}`,
  ];
}

/** `download: 600 well, TimeoutError 40` */
function describeTally(activity: Activity, load: Load): string {
  const tally = load.tally(activity);
  const failed = [...tally].filter(([outcome]) => outcome !== 'ok').sort(([, a], [, b]) => b - a);
  return `${activity}: ${[`${tally.get('ok') ?? 0} well`, ...failed.map((each) => each.join(' '))].join(', ')}`;
}

/** `cut 19 (affected 138)`; a device that was killed from outside has no receipt. */
function describeKinds(receipts: readonly Receipt[]): string {
  const byKind = new Map<string, { faults: number; affected: number }>();
  for (const receipt of receipts) {
    const sum = byKind.get(receipt.fault) ?? { faults: 0, affected: 0 };
    byKind.set(receipt.fault, { faults: sum.faults + 1, affected: sum.affected + affectedBy(receipt) });
  }
  return [...byKind]
    .map(([kind, { faults, affected }]) => `${kind} ${faults} (affected ${affected})`)
    .join(', ');
}

function untouched({ receipts: planned }: CarriedOut, receipts: readonly Receipt[]): string[] {
  return [...planned].flatMap(([{ number, fault }, { id }]) => {
    const receipt = receipts.find((each) => each.id === id);
    return receipt && affectedBy(receipt) > 0 ? [] : [`${number} ${describe(fault)}`];
  });
}

function affectedBy({ affected }: Receipt): number {
  return Object.values(affected).reduce((sum, frames) => sum + frames, 0);
}
