// Dice that are not thrown in a sequence: what die `label` shows for frame n hangs on the seed, the label
// and n alone, so that setting one impairment never changes what another does.

import { mix32, seedOf } from '../core/random.ts';

export interface Die {
  /** At least 0, under 1; always the same for the same number. */
  show(number: number): number;
}

/** @param seed labels of whose dice these are */
export function die(seed: readonly (string | number)[], label: string): Die {
  const basis = seedOf(...seed, label);
  return { show: (number) => mix32(basis + Math.imul(number, 0x9e3779b9)) / 2 ** 32 };
}
