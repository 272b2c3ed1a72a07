// The timeline as SVG: fault bands over the latency (or rate) and the failures of each probe.

import type { ExperimentRun } from '../experiment-run.ts';
import type { Sample } from '../sample.ts';
import { milliseconds, rateText, seconds } from '../wording.ts';
import { type Band, bandsOf, stacked } from './bands.ts';
import { escapeMarkup as escaped } from './markup.ts';

const WIDTH = 960;
const LEFT = 120;
const RIGHT = 16;
const BAND_ROW = 20;
const LANE = 96;
const LANE_GAP = 22;
const AXIS = 34;

interface Scale {
  readonly from: number;
  readonly until: number;
  x(time: number): number;
}

export function chartOf(run: ExperimentRun): string {
  const scale = scaleOf(run);
  const bands = stacked(bandsOf(run));
  const bandHeight = (Math.max(-1, ...bands.map(({ row }) => row)) + 1) * BAND_ROW + 8;
  const lanes = run.experiment.probes.map((probe) => ({
    probe,
    samples: run.samples.filter((sample) => sample.probe === probe.name && sample.at >= scale.from),
  }));
  const bottom = bandHeight + lanes.length * (LANE + LANE_GAP);
  const height = bottom + AXIS;
  return [
    `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Timeline of faults and probes" xmlns="http://www.w3.org/2000/svg">`,
    ...bands.map(({ band, row }, index) => bandSvg(band, row, index, scale, bottom)),
    ...run.played
      .filter(({ fault }) => !fault)
      .map(({ at, name, what }) => mark(at, name ?? what, scale, bottom)),
    ...lanes.map(({ probe, samples }, index) =>
      lane(
        `${probe.name}`,
        `${probe.type} from ${probe.from}`,
        probe.type === 'throughput',
        samples,
        bandHeight + index * (LANE + LANE_GAP) + LANE_GAP,
        scale,
      ),
    ),
    axis(scale, bottom),
    '</svg>',
  ].join('\n');
}

function scaleOf({ samples, ran, experiment }: ExperimentRun): Scale {
  const from = Math.max(Math.min(0, ...samples.map(({ at }) => at)), -Math.max(experiment.hold, 1000));
  const until = Math.max(ran, 1, ...(ran === 0 ? samples.map(({ at }) => at) : []));
  return {
    from,
    until,
    x: (time) =>
      LEFT + ((Math.min(Math.max(time, from), until) - from) / (until - from)) * (WIDTH - LEFT - RIGHT),
  };
}

function bandSvg(
  { label, from, until }: Band,
  row: number,
  index: number,
  scale: Scale,
  bottom: number,
): string {
  const [left, right] = [scale.x(from), scale.x(until)];
  const width = Math.max(right - left, 2);
  const top = 4 + row * BAND_ROW;
  const anchor = left > WIDTH * 0.75 ? 'end' : 'start';
  const text = anchor === 'end' ? Math.min(right, WIDTH - RIGHT) - 4 : left + 5;
  return [
    `<g class="band hue${index % 4}">`,
    `<title>${escaped(`${label}: ${seconds(from)} to ${seconds(until)}`)}</title>`,
    `<rect class="shade" x="${px(left)}" y="${top}" width="${px(width)}" height="${px(bottom - top)}"/>`,
    `<rect class="bar" x="${px(left)}" y="${top}" width="${px(width)}" height="${BAND_ROW - 4}" rx="3"/>`,
    `<text x="${px(text)}" y="${top + 12}" text-anchor="${anchor}">${escaped(label)}</text>`,
    '</g>',
  ].join('');
}

function mark(at: number, label: string, scale: Scale, bottom: number): string {
  const x = px(scale.x(at));
  return `<g class="mark"><title>${escaped(`${label} at ${seconds(at)}`)}</title><line x1="${x}" x2="${x}" y1="0" y2="${bottom}"/></g>`;
}

function lane(
  name: string,
  kind: string,
  isRate: boolean,
  samples: readonly Sample[],
  top: number,
  scale: Scale,
): string {
  const value = (sample: Sample): number | undefined => (isRate ? sample.rate : sample.latency);
  const text = isRate ? rateText : milliseconds;
  const most = niceAbove(Math.max(...samples.map((sample) => value(sample) ?? 0), 0) || 1);
  const bottom = top + LANE;
  const y = (of: number): number => bottom - 4 - (of / most) * (LANE - 20);
  const answered = samples.filter((sample) => sample.ok && value(sample) !== undefined);
  return [
    `<g class="lane">`,
    `<rect class="ground" x="${LEFT}" y="${top}" width="${WIDTH - LEFT - RIGHT}" height="${LANE}"/>`,
    `<text class="name" x="0" y="${top + 16}">${escaped(name)}</text>`,
    `<text class="kind" x="0" y="${top + 32}">${escaped(kind)}</text>`,
    `<text class="tick" x="${LEFT - 6}" y="${px(y(most) + 4)}" text-anchor="end">${escaped(text(most))}</text>`,
    `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${px(y(most))}" y2="${px(y(most))}"/>`,
    `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${px(y(most / 2))}" y2="${px(y(most / 2))}"/>`,
    ...runsOf(samples).map(
      (run) =>
        `<polyline class="line" points="${run.map((sample) => `${px(scale.x(sample.at))},${px(y(value(sample) ?? 0))}`).join(' ')}"/>`,
    ),
    ...answered.map(
      (sample) =>
        `<circle class="ok" cx="${px(scale.x(sample.at))}" cy="${px(y(value(sample) ?? 0))}" r="2.6"><title>${escaped(`${seconds(sample.at)}: ${text(value(sample) ?? 0)}`)}</title></circle>`,
    ),
    ...samples.filter(({ ok }) => !ok).map((sample) => failure(sample, top, scale)),
    '</g>',
  ].join('\n');
}

/** From the beginning of a try to its failure. */
function failure({ at, took, code, reason }: Sample, top: number, scale: Scale): string {
  const [left, right] = [scale.x(at), scale.x(at + took)];
  const y = top + 8;
  return [
    `<g class="failure"><title>${escaped(`${seconds(at)}: ${code} after ${milliseconds(took)}: ${reason ?? ''}`)}</title>`,
    `<line x1="${px(left)}" x2="${px(Math.max(right, left + 1))}" y1="${y}" y2="${y}"/>`,
    `<path d="M${px(left - 3.5)} ${y - 3.5}l7 7m0 -7l-7 7"/></g>`,
  ].join('');
}

/** Answers in a row, between failures. */
function runsOf(samples: readonly Sample[]): Sample[][] {
  const runs: Sample[][] = [[]];
  for (const sample of samples) {
    if (sample.ok) runs.at(-1)?.push(sample);
    else runs.push([]);
  }
  return runs.filter((run) => run.length > 1);
}

function axis(scale: Scale, bottom: number): string {
  const step = niceAbove((scale.until - scale.from) / 12);
  const ticks: number[] = [];
  for (let time = Math.ceil(scale.from / step) * step; time <= scale.until; time += step) ticks.push(time);
  return [
    '<g class="axis">',
    ...ticks.map((time) => {
      const x = px(scale.x(time));
      return `<line x1="${x}" x2="${x}" y1="${bottom}" y2="${bottom + 5}"/><text x="${x}" y="${bottom + 18}" text-anchor="middle">${Number((time / 1000).toFixed(2))} s</text>`;
    }),
    '</g>',
  ].join('');
}

/** 1, 2 or 5 times a power of ten. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((factor) => factor * power >= value * 0.999) ?? 10) * power;
}

function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}
