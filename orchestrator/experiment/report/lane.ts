// A probe in the chart: what its answers took (or the rate of its downloads) over time, and below it its failures.

import type { Probe } from '../probe-schema.ts';
import type { Sample } from '../sample.ts';
import { milliseconds, rateText, rateUnit, seconds } from '../wording.ts';
import { roundAbove, type TimeScale } from './scale.ts';
import { heading, LEFT, px, RIGHT, textAt, title, WIDTH } from './svg.ts';

const HEAD = 20;
const PLOT = 84;
const FAILURES = 20;
const GAP = 14;

export const LANE_HEIGHT = HEAD + PLOT + FAILURES + GAP;

/** What the lane measures, and in which unit. */
interface Measure {
  readonly unit: string;
  of(sample: Sample): number | undefined;
  text(value: number): string;
  /** Axis figures per unit. */
  readonly factor: number;
}

const LATENCY: Measure = {
  unit: 'latency in ms',
  of: ({ latency }) => latency,
  text: milliseconds,
  factor: 1,
};

function rateMeasure(samples: readonly Sample[]): Measure {
  const [factor, unit] = rateUnit(Math.max(0, ...samples.map(({ rate = 0 }) => rate)));
  return { unit: `rate in ${unit}/s`, of: ({ rate }) => rate, text: rateText, factor };
}

/** @param top y of its upper edge */
export function lane(probe: Probe, samples: readonly Sample[], top: number, scale: TimeScale): string {
  const measure = probe.type === 'throughput' ? rateMeasure(samples) : LATENCY;
  const failed = samples.filter(({ ok }) => !ok);
  const plotTop = top + HEAD;
  const bottom = plotTop + PLOT;
  const failures = bottom + FAILURES / 2 + 2;
  return [
    '<g class="lane">',
    head(probe, measure, top),
    ground(plotTop, PLOT + FAILURES),
    samples.length === 0 ? textAt(LEFT + 8, plotTop + 20, 'no try', 'class="kind"') : '',
    plot(samples, measure, plotTop, bottom, scale, probe.type === 'throughput'),
    failed.length > 0 ? textAt(LEFT - 6, failures + 4, 'failed', 'class="failed" text-anchor="end"') : '',
    ...failed.map((sample) => failure(sample, failures, scale)),
    '</g>',
  ].join('\n');
}

function head({ name, type, from }: Probe, { unit }: Measure, top: number): string {
  return heading(top + HEAD - 6, name, `${type} from ${from}, ${unit}`);
}

function ground(top: number, height: number): string {
  return `<rect class="ground" x="${LEFT}" y="${px(top)}" width="${WIDTH - LEFT - RIGHT}" height="${px(height)}"/>`;
}

function plot(
  samples: readonly Sample[],
  { of, text, factor }: Measure,
  top: number,
  bottom: number,
  scale: TimeScale,
  lasting: boolean,
): string {
  const most = roundAbove((Math.max(0, ...samples.map((sample) => of(sample) ?? 0)) || factor) / factor);
  const y = (value: number): number => bottom - (value / factor / most) * (bottom - top - 6);
  const ticks = [0, most / 2, most].map((figure) => {
    const at = y(figure * factor);
    const line = `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${px(at)}" y2="${px(at)}"/>`;
    return line + textAt(LEFT - 6, at + 4, String(figure), 'class="tick" text-anchor="end"');
  });
  const point = (sample: Sample) => ({ x: scale.x(sample.at), y: y(of(sample) ?? 0) });
  const dots = samples
    .filter((sample) => of(sample) !== undefined)
    .map((sample) => {
      const { x, y: level } = point(sample);
      const end = scale.x(sample.at + sample.took);
      const span = `<line class="span" x1="${px(x)}" x2="${px(end)}" y1="${px(level)}" y2="${px(level)}"/>`;
      const told = `at ${seconds(sample.at)}: ${text(of(sample) ?? 0)}`;
      return `<g>${title(told)}${lasting ? span : ''}<circle class="${sample.ok ? 'ok' : 'bad'}" cx="${px(x)}" cy="${px(level)}" r="2.5"/></g>`;
    });
  const lines = lasting ? [] : answersInARow(samples, of).map((run) => polyline(run.map(point)));
  return [...ticks, ...lines, ...dots].join('\n');
}

function polyline(points: readonly { x: number; y: number }[]): string {
  return `<polyline class="line" points="${points.map(({ x, y }) => `${px(x)},${px(y)}`).join(' ')}"/>`;
}

/** From the beginning of a try to its failure. */
function failure({ at, took, code, reason }: Sample, y: number, scale: TimeScale): string {
  const [left, right] = [scale.x(at), scale.x(at + took)];
  return [
    `<g class="failure">${title(`at ${seconds(at)}: ${code} after ${milliseconds(took)}: ${reason ?? ''}`)}`,
    `<line x1="${px(left)}" x2="${px(Math.max(right, left + 1))}" y1="${px(y)}" y2="${px(y)}"/>`,
    `<path d="M${px(left - 3)} ${px(y - 3)}l6 6m0 -6l-6 6"/></g>`,
  ].join('');
}

/** Answers, good or bad, with no try between them that had none. */
function answersInARow(samples: readonly Sample[], of: Measure['of']): Sample[][] {
  const runs: Sample[][] = [[]];
  for (const sample of samples) {
    if (of(sample) !== undefined) runs.at(-1)?.push(sample);
    else if (runs.at(-1)?.length) runs.push([]);
  }
  return runs.filter((run) => run.length > 1);
}
