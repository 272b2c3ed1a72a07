// The timeline as SVG: faults and healings over the answers and failures of each probe, and the devices' states.

import type { ExperimentRun } from '../experiment-run.ts';
import { layBands } from './bands.ts';
import { layDevices } from './device-rows.ts';
import { LANE_HEIGHT, lane } from './lane.ts';
import { timeAxis, timeScale } from './scale.ts';
import { LEFT, px, WIDTH } from './svg.ts';

const AXIS = 44;

export function chartOf(run: ExperimentRun): string {
  const scale = timeScale(run);
  const bands = layBands(run, scale);
  const devices = layDevices(run, scale);
  const lanesTop = bands.height + 6;
  const devicesTop = lanesTop + run.experiment.probes.length * LANE_HEIGHT;
  const bottom = devicesTop + devices.height;
  const lanes = run.experiment.probes.map((probe, index) => {
    const samples = run.samples.filter((sample) => sample.probe === probe.name && sample.at >= scale.from);
    return lane(probe, samples, lanesTop + index * LANE_HEIGHT, scale);
  });
  return [
    `<svg viewBox="0 0 ${WIDTH} ${px(bottom + AXIS)}" role="img" aria-label="Timeline of faults and probes" xmlns="http://www.w3.org/2000/svg">`,
    run.ran > 0 ? before(scale.x(0), bottom) : '',
    bands.draw(bottom),
    ...lanes,
    devices.draw(devicesTop),
    timeAxis(scale, bottom),
    '</svg>',
  ].join('\n');
}

/** What was before the timeline began. */
function before(zero: number, bottom: number): string {
  const width = zero - LEFT;
  if (width < 1) return '';
  return `<g class="before"><rect x="${LEFT}" y="0" width="${px(width)}" height="${px(bottom)}"/></g>`;
}
