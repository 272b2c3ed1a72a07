// What the bench measures: our side and what it is held against, by turns in one run, so that whatever else
// the machine does meets both.

/** What a figure is held to. */
export interface Bound {
  readonly at: 'least' | 'most';
  /** Of ours over the other. */
  readonly ratio: number;
}

export interface Goal extends Bound {
  /** The floor for gross regressions, where half the goal is not it: code is cold in short runs, and machines noisy. */
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
  /** Whether this is too little to tell more than a gross regression. */
  readonly short: boolean;
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

export const FULL: Size = {
  short: false,
  rounds: 5,
  duration: 2000,
  bytes: 500_000_000,
  pings: 100,
  requests: 10_000,
};
export const SHORT: Size = {
  short: true,
  rounds: 3,
  duration: 700,
  bytes: 100_000_000,
  pings: 40,
  requests: 2500,
};

export interface Result {
  readonly figure: string;
  readonly title: string;
  readonly against: string;
  readonly unit: string;
  /** Absent: it is not judged. */
  readonly bound?: Bound;
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
  let underWay: Promise<number> | undefined;
  const once = (side: Measure): Promise<number> => {
    underWay = side();
    return Promise.race([interrupted, underWay]);
  };
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
    // What was interrupted has something of its own to take down, such as a net that is starting.
    await underWay?.catch(() => {});
  }
  const { name, title, against, unit } = figure;
  const bound = figure.goal && boundOf(figure.goal, size);
  return { figure: name, title, against, unit, bound, ours, other, ratio: median(ours) / median(other) };
}

/** The goal or, of a short run, the floor for gross regressions. */
export function boundOf({ at, ratio, gross }: Goal, { short }: Pick<Size, 'short'>): Bound {
  if (!short) return { at, ratio };
  return { at, ratio: gross ?? (at === 'least' ? ratio / 2 : ratio * 2) };
}

/** Judged as it is printed, by hundredths. */
export function holds({ bound, ratio }: Pick<Result, 'bound' | 'ratio'>): boolean {
  if (!bound) return true;
  const printed = Number(ratio.toFixed(2));
  return bound.at === 'least' ? printed >= bound.ratio : printed <= bound.ratio;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
