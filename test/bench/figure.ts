// What the bench measures: our side and what it is held against, by turns in one run, so that whatever else
// the machine does meets both.

export interface Goal {
  readonly at: 'least' | 'most';
  /** Of ours over the other. */
  readonly ratio: number;
}

/** One side of a figure: each call measures once. */
export type Measure = () => Promise<number>;

export interface Trial {
  readonly ours: Measure;
  readonly against: Measure;
  close(): Promise<void>;
}

export interface Figure {
  /** For `--figure`. */
  readonly name: string;
  readonly title: string;
  readonly against: string;
  readonly unit: string;
  /** Absent: the figure is reported and not judged. */
  readonly goal?: Goal;
  /** What it takes and is not here, such as a program or root. */
  missing?(): Promise<string | undefined>;
  open(size: Size): Promise<Trial>;
}

/** How much is measured. */
export interface Size {
  readonly rounds: number;
  /** ms that one measurement of a rate lasts. */
  readonly duration: number;
  /** Bytes of a download. */
  readonly bytes: number;
  /** Round trips that are measured at a time. */
  readonly pings: number;
}

export const FULL: Size = { rounds: 5, duration: 2000, bytes: 200_000_000, pings: 100 };
export const SHORT: Size = { rounds: 3, duration: 700, bytes: 40_000_000, pings: 40 };

export interface Result {
  readonly figure: string;
  readonly title: string;
  readonly against: string;
  readonly unit: string;
  readonly goal?: Goal;
  readonly ours: readonly number[];
  readonly other: readonly number[];
  /** Of the medians. */
  readonly ratio: number;
}

/** A round to warm up, and then as many as `size` says. */
export async function measure(figure: Figure, size: Size): Promise<Result> {
  const trial = await figure.open(size);
  const ours: number[] = [];
  const other: number[] = [];
  try {
    for (let round = 0; round <= size.rounds; round++) {
      const pair = [await trial.ours(), await trial.against()] as const;
      if (round === 0) continue;
      ours.push(pair[0]);
      other.push(pair[1]);
    }
  } finally {
    await trial.close();
  }
  const { name, title, against, unit, goal } = figure;
  return { figure: name, title, against, unit, goal, ours, other, ratio: median(ours) / median(other) };
}

/** Whether the goal holds, or half of it does (`slack` 2). */
export function holds({ goal, ratio }: Pick<Result, 'goal' | 'ratio'>, slack = 1): boolean {
  if (!goal) return true;
  return goal.at === 'least' ? ratio >= goal.ratio / slack : ratio <= goal.ratio * slack;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
