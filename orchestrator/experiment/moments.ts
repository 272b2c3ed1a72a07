// Moments of a run: so long after the timeline began, or at, or so long after, a named entry of it is in effect.

import { z } from 'zod';
import { parseDuration } from '../../shared/core/units.ts';
import { seconds } from './wording.ts';

export interface Moment {
  /** The entry that it is counted from; the beginning of the timeline if absent. */
  readonly entry?: string;
  /** ms. */
  readonly offset: number;
}

const RULE =
  'a time after the timeline began, such as "5s", or the name of an entry of it, such as "outage" or "outage + 1s"';

/** `5s`, `outage`, `outage + 500ms`. */
export function parseMoment(text: string): Moment | undefined {
  const plain = parseDuration(text);
  if (plain !== undefined) return { offset: plain };
  const [entry = '', delay, ...more] = text.split('+').map((part) => part.trim());
  if (more.length > 0 || !/^[a-z][a-z0-9-]*$/.test(entry)) return undefined;
  if (delay === undefined) return { entry, offset: 0 };
  const offset = parseDuration(delay);
  return offset === undefined ? undefined : { entry, offset };
}

export function moment(description: string) {
  return z
    .string({ error: RULE })
    .transform((text, context): Moment => {
      const parsed = parseMoment(text);
      if (parsed) return parsed;
      context.issues.push({ code: 'custom', message: RULE, input: text });
      return z.NEVER;
    })
    .describe(description);
}

/** ms after the timeline began; undefined if the entry was not played. */
export function momentAt(
  moment: Moment,
  playedAt: (entry: string) => number | undefined,
): number | undefined {
  if (moment.entry === undefined) return moment.offset;
  const base = playedAt(moment.entry);
  return base === undefined ? undefined : base + moment.offset;
}

export function formatMoment({ entry, offset }: Moment): string {
  if (entry === undefined) return seconds(offset);
  return offset === 0 ? entry : `${entry} + ${seconds(offset)}`;
}
