// The receipt of a fault: what was asked, where it was applied, and which frames it met.

/** What was done to the net. `restart` and `flush` are over as soon as they are done. */
export type FaultName =
  | 'kill'
  | 'stop'
  | 'restart'
  | 'freeze'
  | 'cut'
  | 'impair'
  | 'partition'
  | 'blackhole'
  | 'misbehave'
  | 'flush';

export const CAUSES = [
  'loss',
  'delay',
  'duplicate',
  'corrupt',
  'reorder',
  'rate',
  'limit',
  'partition',
  'filter',
  'cut',
  'kill',
  'freeze',
  'service',
  'flush',
] as const;

/** What befell a frame; `service` is a request that was answered badly, `flush` a table entry. */
export type Cause = (typeof CAUSES)[number];

/** A place where the fault works. */
export interface Application {
  /** `device:interface`, or a device. */
  readonly at: string;
  /** Whether the place has taken it up; a device that was off does so when it starts. */
  readonly confirmed: boolean;
  /** Said where it is not confirmed: what it waits for, for people. */
  readonly waits?: string;
  readonly [detail: string]: unknown;
}

export interface Receipt {
  /** `f1`, `f2`, … in the order in which they were made. */
  readonly id: string;
  readonly fault: FaultName;
  /** The request as it was made, quantities with their units. */
  readonly asked: Readonly<Record<string, unknown>>;
  readonly applied: readonly Application[];
  /** RFC 3339, to the µs: when it was confirmed everywhere. */
  readonly from: string;
  /** When it was undone; null while it is active. */
  readonly until: string | null;
  /** Frames (for `misbehave` requests, for `flush` entries) that came by where it works. */
  readonly seen: number;
  /** Those that it did something to, by what it did. */
  readonly affected: Readonly<Partial<Record<Cause, number>>>;
}

/** @param time Unix ms with a fraction */
export function formatTime(time: number): string {
  const micros = Math.round(time * 1000);
  const seconds = Math.floor(micros / 1e6);
  const fraction = String(micros - seconds * 1e6).padStart(6, '0');
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${fraction}Z`;
}
