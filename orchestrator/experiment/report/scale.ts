// The scales of the chart: time from left to right, and round figures for axes.

import type { ExperimentRun } from '../experiment-run.ts';
import { LEFT, px, RIGHT, textAt, WIDTH } from './svg.ts';

/** ms before the timeline that are shown at the least, if there was anything. */
const SHOWN_BEFORE = 1000;

const TICKS = 12;

export interface TimeScale {
  /** ms from the beginning of the timeline. */
  readonly from: number;
  readonly until: number;
  /** For people. */
  readonly what: string;
  x(time: number): number;
}

export function timeScale({ samples, ran, experiment }: ExperimentRun): TimeScale {
  const first = Math.min(0, ...samples.map(({ at }) => at));
  // Without a timeline what is shown is the whole wait for the steady state.
  const from = ran === 0 ? first : Math.max(first, -Math.max(experiment.hold, SHOWN_BEFORE));
  const until = Math.max(ran, from + 1);
  const perMs = (WIDTH - LEFT - RIGHT) / (until - from);
  const what = ran === 0 ? 'seconds until the end of the wait' : 'seconds since the timeline began';
  return { from, until, what, x: (time) => LEFT + (Math.min(Math.max(time, from), until) - from) * perMs };
}

export function timeAxis({ from, until, what, x }: TimeScale, top: number): string {
  const step = roundAbove((until - from) / TICKS);
  const ticks: number[] = [];
  for (let time = Math.ceil(from / step) * step; time <= until; time += step) ticks.push(time);
  const figures = ticks.map((time) => {
    const at = px(x(time));
    const text = textAt(x(time), top + 18, String(Number((time / 1000).toFixed(2))), 'text-anchor="middle"');
    return `<line x1="${at}" x2="${at}" y1="${top}" y2="${top + 5}"/>${text}`;
  });
  const middle = (LEFT + WIDTH - RIGHT) / 2;
  const unit = textAt(middle, top + 36, what, 'text-anchor="middle"');
  return `<g class="axis">${figures.join('')}${unit}</g>`;
}

/** 1, 2 or 5 times a power of ten. */
export function roundAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((factor) => factor * power >= value * 0.999) ?? 10) * power;
}
