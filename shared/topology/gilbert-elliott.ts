// Loss in bursts as netem writes it: `p [r [1-h [1-k]]]`, each with its percent sign.

import { parsePercentage } from '../core/units.ts';
import type { GilbertElliott } from './types.ts';

export const GILBERT_ELLIOTT_RULE =
  'one to four percentages (into the bad state, back, loss in the bad state, loss in the good one), such as "1% 25% 100% 0%"';

/** With netem's defaults: back at 100% - p, all lost in the bad state, none in the good one. */
export function parseGilbertElliott(text: string): GilbertElliott | undefined {
  const values = text.split(' ').map(parsePercentage);
  if (values.length > 4 || values.includes(undefined)) return undefined;
  const [p = 0, r = 1 - p, bad = 1, good = 0] = values;
  return { p, r, bad, good };
}
