// What a bad cable does to frames, seeded: loss, duplicates, and reordering by delay.

import type { Random } from '../../shared/core/random.ts';
import type { Fate } from './memory-cable.ts';

export interface Lossy {
  /** Probabilities from 0 to 1, each way. */
  readonly loss?: number;
  readonly duplicate?: number;
  /** Share of frames that take up to `late` ms longer, and so are overtaken. */
  readonly reorder?: number;
  /** ms every frame takes. */
  readonly delay: number;
  /** ms, 20 unless told. */
  readonly late?: number;
}

export function lossyFate(random: Random, lossy: Lossy): Fate {
  const { loss = 0, duplicate = 0, reorder = 0, delay, late = 20 } = lossy;
  const arrival = (): number => delay + (random.fraction() < reorder ? random.fraction() * late : 0);
  return () => {
    if (random.fraction() < loss) return [];
    return random.fraction() < duplicate ? [arrival(), arrival()] : [arrival()];
  };
}
