// net.json of a run directory: what the commands need to find a running net and its devices.

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface RecordedPort {
  readonly name: string;
  readonly mtu: number;
  /** Absent while nothing is cabled there. */
  readonly cable?: string;
}

export interface RecordedDevice {
  readonly kind: string;
  /** Absent while it is not running. */
  readonly pid?: number;
  /** Base URL of its socket, absent until it serves. */
  readonly url?: string;
  readonly ports: readonly RecordedPort[];
}

export interface RecordedCable {
  readonly name: string;
  /** As device:interface. */
  readonly ends: readonly [string, string];
}

export interface RunRecord {
  readonly net: string;
  /** It belongs to the program that made it: commands mean it only by its name, which nobody gave it. */
  readonly unnamed?: true;
  readonly pid: number;
  /** The run's own, new at each start. */
  readonly id: string;
  readonly rundir: string;
  /** URL of the orchestrator's control socket. */
  readonly control: string;
  /** Bearer token of the net, for it and for every device. */
  readonly token: string;
  /** ms to add to the monotonic clock to have Unix time. */
  readonly clockOffset: number;
  readonly devices: Readonly<Record<string, RecordedDevice>>;
  readonly cables: readonly RecordedCable[];
}

/** Replaces the file in one step, so that a reader always sees a whole one. */
export function writeRecord(record: RunRecord): void {
  const file = join(record.rundir, 'net.json');
  writeFileSync(`${file}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Undefined if the net has ended, or the file is damaged. */
export function readRecord(rundir: string): RunRecord | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(join(rundir, 'net.json'), 'utf8'));
    return isRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the file is whole: every part is there, as it was written. */
function isRecord(value: unknown): value is RunRecord {
  const { net, pid, id, rundir, control, token, devices, cables } = (value ?? {}) as Partial<RunRecord>;
  return (
    [net, id, rundir, control, token].every((part) => typeof part === 'string') &&
    Number(pid) > 0 &&
    typeof devices === 'object' &&
    devices !== null &&
    Array.isArray(cables)
  );
}
