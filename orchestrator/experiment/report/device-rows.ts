// The devices in the chart that were not ready all the time: off, starting or frozen, as they were.

import type { DeviceState } from '../../net-status.ts';
import type { ExperimentRun, RecordedEvent } from '../experiment-run.ts';
import { seconds } from '../wording.ts';
import type { TimeScale } from './scale.ts';
import { fitting, heading, LEFT, px, RIGHT, textAt, title, WIDTH, widthOf } from './svg.ts';

const HEAD = 20;
const ROW = 20;
const BAR = 14;
const GAP = 12;

export interface DeviceRows {
  /** px. */
  readonly height: number;
  draw(top: number): string;
}

interface Span {
  readonly state: DeviceState;
  readonly from: number;
  readonly until: number;
}

export function layDevices({ events }: ExperimentRun, scale: TimeScale): DeviceRows {
  const shown = events.filter(({ at, state }) => state !== undefined && at <= scale.until);
  const rows = [...new Set(shown.map(({ device }) => device))]
    .map((device) => ({
      device,
      spans: spansOf(
        shown.filter((event) => event.device === device),
        scale,
      ),
    }))
    .filter(({ spans }) => spans.length > 0);
  if (rows.length === 0) return { height: 0, draw: () => '' };
  return {
    height: HEAD + rows.length * ROW + GAP,
    draw: (top) =>
      [
        '<g class="devices">',
        heading(top + HEAD - 6, 'devices', 'that were not ready all the time'),
        ...rows.map(({ device, spans }, index) => row(device, spans, top + HEAD + index * ROW, scale)),
        '</g>',
      ].join('\n'),
  };
}

/** The times at which it was not ready. */
function spansOf(events: readonly RecordedEvent[], { from, until }: TimeScale): Span[] {
  return events.flatMap(({ at, state }, index) => {
    const end = events[index + 1]?.at ?? until;
    return state === undefined || state === 'ready' || end <= from ? [] : [{ state, from: at, until: end }];
  });
}

function row(device: string, spans: readonly Span[], top: number, scale: TimeScale): string {
  const track = `<rect class="track" x="${LEFT}" y="${px(top)}" width="${WIDTH - LEFT - RIGHT}" height="${BAR}" rx="3"/>`;
  const bars = spans.map(({ state, from, until }) => {
    const [left, right] = [scale.x(from), scale.x(until)];
    const width = Math.max(right - left, 2);
    const label = widthOf(state) + 8 < width ? textAt(left + 5, top + 11, state, 'class="state"') : '';
    const told = title(`${device} is ${state}: ${seconds(from)} to ${seconds(until)}`);
    return `<g class="${state}">${told}<rect x="${px(left)}" y="${px(top)}" width="${px(width)}" height="${BAR}" rx="3"/>${label}</g>`;
  });
  const name = fitting(device, LEFT - 8);
  return `${track}${bars.join('')}<g>${title(device)}${textAt(LEFT - 6, top + 11, name, 'class="tick" text-anchor="end"')}</g>`;
}
