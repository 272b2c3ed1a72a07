// What a run has seen, as plain values: the verdict and the report are made from it.

import type { Receipt } from '../faults/receipt.ts';
import type { DeviceState } from '../net-status.ts';
import type { Experiment } from './experiment.ts';
import type { Sample } from './sample.ts';

/** An entry of the timeline as it was played; times in ms from the beginning of the timeline. */
export interface Played {
  readonly name: string | undefined;
  /** In the words of the command line. */
  readonly what: string;
  readonly fault: boolean;
  readonly allowUntouched: boolean;
  /** When it was asked for. */
  readonly at: number;
  /** When it was in effect; undefined if it failed, or the run ended before. */
  readonly done?: number;
  /** Why it could not be done. */
  readonly failed?: string;
  /** Id of the receipt of a fault. */
  readonly receipt?: string;
  /** Names of the faults that it undid; all if it is a heal without any. */
  readonly heals?: readonly string[];
}

/** Of a device. */
export interface RecordedEvent {
  /** ms from the beginning of the timeline. */
  readonly at: number;
  readonly device: string;
  readonly happened: string;
  /** What it is from now on, if that is another state than before. */
  readonly state?: DeviceState;
  readonly lastLines?: readonly string[];
}

/** A device that got to its work too late. */
export interface Lag {
  readonly device: string;
  /** ms from the beginning of the timeline. */
  readonly at: number;
  /** ms. */
  readonly lag: number;
}

export interface ExperimentRun {
  readonly experiment: Experiment;
  readonly seed: number;
  /** Unix ms of the beginning of the timeline, or of the end of waiting for the steady state. */
  readonly began: number;
  /** ms that the timeline ran. */
  readonly ran: number;
  /** What kept the net from its steady state. */
  readonly unsteady?: string;
  /** What went wrong with the run itself: the net would not boot, the roll-back failed, it was interrupted. */
  readonly troubles: readonly string[];
  readonly samples: readonly Sample[];
  readonly played: readonly Played[];
  readonly receipts: readonly Receipt[];
  /** Ids of the receipts that were still in force at the end, and were healed then. */
  readonly rolledBack: readonly string[];
  readonly events: readonly RecordedEvent[];
  /** Beyond the bound of the experiment, freezes left out. */
  readonly lags: readonly Lag[];
  /** How often servers answered each request, by its id; those that nobody answered are absent. */
  readonly answers: Readonly<Record<string, number>>;
}
