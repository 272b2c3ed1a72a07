// Pieces of SVG that the parts of the chart share.

import { escapeMarkup as escaped } from './markup.ts';

/** Width of the chart, of the room for figures left of the lanes, and of the margin right of them. */
export const WIDTH = 880;
export const LEFT = 56;
export const RIGHT = 14;

/** About how wide a character of a label is. */
const CHARACTER = 7.3;

export function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}

export function widthOf(text: string): number {
  return text.length * CHARACTER;
}

/** As much of a text as there is room for. */
export function fitting(text: string, room: number): string {
  const most = Math.max(1, Math.floor(room / CHARACTER));
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

export function textAt(x: number, y: number, text: string, attributes = ''): string {
  return `<text x="${px(x)}" y="${px(y)}"${attributes === '' ? '' : ` ${attributes}`}>${escaped(text)}</text>`;
}

/** A name, and smaller what it is. */
export function heading(y: number, name: string, what: string): string {
  return `<text x="${LEFT}" y="${px(y)}"><tspan class="name">${escaped(name)}</tspan><tspan class="kind" dx="8">${escaped(what)}</tspan></text>`;
}

export function title(text: string): string {
  return `<title>${escaped(text)}</title>`;
}
