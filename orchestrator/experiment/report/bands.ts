// When each fault was in force, for the bands of the timeline.

import type { ExperimentRun, Played } from '../experiment-run.ts';

export interface Band {
  readonly label: string;
  /** ms from the beginning of the timeline. */
  readonly from: number;
  readonly until: number;
}

/** By the receipts: from when a fault was asked for until it was undone. */
export function bandsOf(run: ExperimentRun): Band[] {
  return run.played.flatMap((played) => {
    if (!played.fault) return [];
    const { until, name, what } = { ...played, until: endOf(played, run) };
    return [{ label: name ?? what, from: played.at, until: Math.min(Math.max(until, played.at), run.ran) }];
  });
}

function endOf(played: Played, { receipts, began, ran }: ExperimentRun): number {
  const receipt = receipts.find(({ id }) => id === played.receipt);
  const over = receipt?.until ?? undefined;
  return over === undefined ? (played.done ?? ran) : Date.parse(over) - began;
}

/** Rows such that bands in one row do not touch. */
export function stacked(bands: readonly Band[]): { readonly band: Band; readonly row: number }[] {
  const ends: number[] = [];
  return [...bands]
    .sort((a, b) => a.from - b.from)
    .map((band) => {
      const free = ends.findIndex((end) => end <= band.from);
      const row = free < 0 ? ends.length : free;
      ends[row] = band.until;
      return { band, row };
    });
}
