// What the bench measures: our side and what it is held against, by turns in one run, so that whatever else
// the machine does meets both.

export interface Goal {
  readonly at: 'least' | 'most';
  /** Of ours over the other. */
  readonly ratio: number;
  /** What is grossly wrong: beyond half the goal or, where that is not reached yet, beyond half of what is. */
  readonly gross?: number;
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
  /** Rounds that are not counted, in which code gets hot; one unless told. */
  readonly warmUp?: number;
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
  /** HTTP requests that are measured at a time. */
  readonly requests: number;
}

export const FULL: Size = { rounds: 5, duration: 2000, bytes: 500_000_000, pings: 100, requests: 10_000 };
export const SHORT: Size = { rounds: 3, duration: 700, bytes: 100_000_000, pings: 40, requests: 2500 };

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

/**
 * Rounds to warm up, and then as many as `size` says.
 * @param interrupted rejects when it is to end early: what the figure has made is taken down first
 */
export async function measure(figure: Figure, size: Size, interrupted: Promise<never>): Promise<Result> {
  const trial = await figure.open(size);
  const once = (side: Measure): Promise<number> => Promise.race([interrupted, side()]);
  const ours: number[] = [];
  const other: number[] = [];
  try {
    const { warmUp = 1 } = figure;
    for (let round = 0; round < warmUp + size.rounds; round++) {
      const pair = [await once(trial.ours), await once(trial.against)] as const;
      if (round < warmUp) continue;
      ours.push(pair[0]);
      other.push(pair[1]);
    }
  } finally {
    await trial.close();
  }
  const { name, title, against, unit, goal } = figure;
  return { figure: name, title, against, unit, goal, ours, other, ratio: median(ours) / median(other) };
}

export function holds({ goal, ratio }: Pick<Result, 'goal' | 'ratio'>): boolean {
  if (!goal) return true;
  return goal.at === 'least' ? ratio >= goal.ratio : ratio <= goal.ratio;
}

/** Whether nothing is grossly wrong: what can be told on a busy machine. */
export function isNear({ goal, ratio }: Pick<Result, 'goal' | 'ratio'>): boolean {
  if (!goal) return true;
  return goal.at === 'least'
    ? ratio >= (goal.gross ?? goal.ratio / 2)
    : ratio <= (goal.gross ?? goal.ratio * 2);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
