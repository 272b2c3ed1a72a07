// What an impair request sets, as numbers, and whether that makes sense where it is set.

import { impairmentOf } from '../../shared/topology/normalise.ts';
import type { Impairment } from '../../shared/topology/types.ts';
import { WrongUsage } from '../failure.ts';
import { effectiveImpairment, IMPAIRMENT_FIELDS, type ImpairmentValues } from './effective-impairment.ts';
import type { ImpairRequest } from './requests.ts';

/** @throws WrongUsage if it names nothing */
export function impairmentValues(request: ImpairRequest): ImpairmentValues {
  const { cable, from: _, clear, ...entry } = request;
  const given = impairmentOf(entry);
  if (given.loss !== undefined && given.gemodel !== undefined)
    throw new WrongUsage('frames are lost in one way: loss or gemodel, not both');
  if (!clear && Object.keys(given).length === 0)
    throw new WrongUsage(`nothing named to set on ${cable}: give --delay 50ms or another, or --clear`);
  const none = Object.fromEntries(IMPAIRMENT_FIELDS.map((field) => [field, null]));
  return {
    ...(clear && none),
    // One kind of loss takes the place of the other.
    ...(given.loss !== undefined && { gemodel: null }),
    ...(given.gemodel !== undefined && { loss: null }),
    ...given,
  };
}

/** @param current what the end does to frames before @throws WrongUsage */
export function checkImpairment(at: string, current: Impairment, values: ImpairmentValues): void {
  const {
    delay = 0,
    jitter = 0,
    distribution,
    reorder,
  } = effectiveImpairment(current, [{ id: '', values }]).impairment;
  const named = (field: keyof Impairment) => values[field] !== undefined && values[field] !== null;
  if (named('jitter') && jitter > delay)
    throw new WrongUsage(
      `a jitter of ${jitter}ms is more than the delay of ${delay}ms at ${at}: lower it or raise the delay, as no frame arrives before it is sent`,
    );
  if (named('distribution') && distribution && jitter === 0)
    throw new WrongUsage(`there is no jitter at ${at} that could be spread; add one`);
  if (named('reorder') && reorder && delay === 0)
    throw new WrongUsage(`there is no delay at ${at} that reordered frames could skip; add one`);
}
