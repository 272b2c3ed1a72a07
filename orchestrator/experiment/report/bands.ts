// Faults and healings over the time of the chart: a bar with its name for each fault, whose shade goes down through
// all lanes, and a dashed line for each healing.

import type { ExperimentRun, Played } from '../experiment-run.ts';
import { seconds } from '../wording.ts';
import type { TimeScale } from './scale.ts';
import { fitting, px, RIGHT, textAt, title, WIDTH, widthOf } from './svg.ts';

const ROW = 21;
const BAR = 17;
const PADDING = 5;
const HUES = 4;

export interface Band {
  readonly label: string;
  readonly kind: 'fault' | 'healing';
  /** ms from the beginning of the timeline. */
  readonly from: number;
  readonly until: number;
}

/** A fault from when it was in effect until it was undone; a healing at the moment at which it was asked for. */
export function bandsOf(run: ExperimentRun): Band[] {
  return run.played.map((played) => {
    const label = played.name ?? played.what;
    if (!played.fault) return { label, kind: 'healing', from: played.at, until: played.at };
    // A restart is over as soon as it is in effect: what it was, was before.
    const isOver = beginning(played) >= endOf(played, run);
    const from = isOver ? played.at : beginning(played);
    return { label, kind: 'fault', from, until: Math.min(Math.max(endOf(played, run), from), run.ran) };
  });
}

function beginning({ at, done }: Played): number {
  return done ?? at;
}

/** By its receipt. */
function endOf(played: Played, { receipts, began, ran }: ExperimentRun): number {
  const receipt = receipts.find(({ id }) => id === played.receipt);
  const over = receipt?.until ?? undefined;
  return over === undefined ? (played.done ?? ran) : Date.parse(over) - began;
}

/** Where a band and its label are, in px, and in which row. */
interface Placed {
  readonly band: Band;
  readonly left: number;
  readonly right: number;
  /** Of the label; its end if it stands left of the band's. */
  readonly text: number;
  readonly anchor: 'start' | 'end';
}

function placed(band: Band, scale: TimeScale): Placed {
  const left = scale.x(band.from);
  const right = Math.max(scale.x(band.until), left + 2);
  const fits = left + PADDING + widthOf(band.label) <= WIDTH - RIGHT;
  return fits
    ? { band, left, right, text: left + PADDING, anchor: 'start' }
    : { band, left, right, text: right - PADDING, anchor: 'end' };
}

function extentOf({ band, left, right, text, anchor }: Placed): { from: number; until: number } {
  const width = widthOf(band.label) + PADDING;
  return anchor === 'start'
    ? { from: left, until: Math.max(right, text + width) }
    : { from: Math.min(left, text - width), until: right };
}

/** Rows such that what is in one row does not touch. */
export function stacked<T>(items: readonly T[], extent: (item: T) => { from: number; until: number }) {
  const ends: number[] = [];
  return [...items]
    .sort((a, b) => extent(a).from - extent(b).from)
    .map((item) => {
      const { from, until } = extent(item);
      const free = ends.findIndex((end) => end <= from);
      const row = free < 0 ? ends.length : free;
      ends[row] = until;
      return { item, row };
    });
}

export interface Bands {
  /** px that the rows take. */
  readonly height: number;
  /** @param bottom y to which shades and lines go down */
  draw(bottom: number): string;
}

export function layBands(run: ExperimentRun, scale: TimeScale): Bands {
  const rows = stacked(
    bandsOf(run).map((band) => placed(band, scale)),
    extentOf,
  );
  const height = (Math.max(-1, ...rows.map(({ row }) => row)) + 1) * ROW + 4;
  return {
    height,
    draw: (bottom) =>
      rows.map(({ item, row }, index) => drawn(item, row * ROW + 1, bottom, index)).join('\n'),
  };
}

function drawn(
  { band, left, right, text, anchor }: Placed,
  top: number,
  bottom: number,
  index: number,
): string {
  const { label, kind, from, until } = band;
  const room = anchor === 'start' ? WIDTH - RIGHT - text : text;
  const name = textAt(text, top + 12.5, fitting(label, room), `text-anchor="${anchor}"`);
  if (kind === 'healing') {
    const x = px(left);
    const line = `<line x1="${x}" x2="${x}" y1="${px(top)}" y2="${px(bottom)}"/>`;
    return `<g class="mark">${title(`${label}: at ${seconds(from)}`)}${line}${name}</g>`;
  }
  const across = `x="${px(left)}" width="${px(right - left)}" y="${px(top)}"`;
  return [
    `<g class="band hue${index % HUES}">${title(`${label}: ${seconds(from)} to ${seconds(until)}`)}`,
    `<rect class="shade" ${across} height="${px(bottom - top)}"/>`,
    `<rect class="bar" ${across} height="${BAR}" rx="3"/>${name}</g>`,
  ].join('');
}
