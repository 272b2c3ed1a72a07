// Quantities that go into the API: text with a unit, never a bare number. What comes out are numbers, in the
// unit that their comment says.

import { parseDuration } from '../../shared/core/units.ts';
import { WrongUsage } from '../failure.ts';

/** A time with its unit: `'250us'`, `'8ms'`, `'1.5s'`, `'5m'`, `'1h'`, `'2d'`. */
export type Duration = `${number}${'us' | 'ms' | 's' | 'm' | 'h' | 'd'}`;

/** A share with its sign, from `'0%'` to `'100%'`: `'0.1%'`. */
export type Percentage = `${number}%`;

/** Bits per second with their unit: `'56kbit'`, `'100mbit'`, `'1gbit'`. */
export type Rate = `${number}${'bit' | 'kbit' | 'mbit' | 'gbit'}`;

/** In ms. @param what names it in the error. @throws WrongUsage for what has no unit */
export function readDuration(what: string, given: Duration): number {
  const ms = typeof given === 'string' ? parseDuration(given) : undefined;
  if (ms !== undefined) return ms;
  throw new WrongUsage(
    `${what} ${JSON.stringify(given)} should be a duration with its unit, such as "500ms"`,
  );
}
