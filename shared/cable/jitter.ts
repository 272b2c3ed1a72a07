// How far a frame's delay is from the mean: netem's distributions, from dice.

export type JitterDistribution = 'uniform' | 'normal' | 'pareto' | 'paretonormal';

/** The dice that it takes, and which values begin them anew when they change. */
export const JITTER_DICE = {
  spread: ['jitter', 'distribution'],
  angle: ['jitter', 'distribution'],
  tail: ['jitter', 'distribution'],
} as const;

/** What falls for a frame. */
interface Fate {
  show(cause: keyof typeof JITTER_DICE): number;
}

/** netem's tables end at four times the jitter. */
const FARTHEST = 4;

/**
 * What the jitter is multiplied by for a frame: within -1 and 1 where it is uniform, else of mean 0 and at most
 * 4, so that the jitter is about the standard deviation.
 */
export function jitterFactor(distribution: JitterDistribution, fate: Fate): number {
  switch (distribution) {
    case 'uniform':
      return 2 * fate.show('spread') - 1;
    case 'normal':
      return normal(fate);
    case 'pareto':
      return pareto(fate);
    case 'paretonormal':
      return 0.25 * normal(fate) + 0.75 * pareto(fate);
  }
}

/** Box and Muller's method. */
function normal(fate: Fate): number {
  const radius = Math.sqrt(-2 * Math.log(1 - fate.show('spread')));
  const value = radius * Math.cos(2 * Math.PI * fate.show('angle'));
  return Math.min(Math.max(value, -FARTHEST), FARTHEST);
}

/** Of shape 3, moved to a mean of 0, and stretched as netem's table is. */
function pareto(fate: Fate): number {
  const value = (1 - fate.show('tail')) ** (-1 / 3);
  return Math.min((value - 1.5) * (4 / 3), FARTHEST);
}
