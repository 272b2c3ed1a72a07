// What `npm start` shows once the net is ready: a host visits a page, and the devices' logs tell the trip.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { takesColours } from './colours.ts';
import { Failure } from './failure.ts';
import { connectDevice } from './net-client.ts';
import type { NetStatus } from './net-status.ts';
import type { RunRecord } from './run-record.ts';
import { type StoryEvent, type StoryOptions, stepsOfTrip, tellSteps } from './story.ts';

/** How often, and how many ms apart, the logs are looked at for the close of the connections. */
const LOOKS = 50;
const LOOK_INTERVAL = 20;

const PAGE = 'http://www.example.com/';

/** Visits the page from the first host and tells the trip, then what to try next. */
export async function tellTour(net: RunRecord, status: NetStatus): Promise<void> {
  const host = status.devices.find(({ kind }) => kind === 'host');
  if (!host) return;
  const visitBegan = unixNow(net);
  const summary = await visit(net, host.device);
  const options: StoryOptions = {
    host: host.device,
    hostMac: host.interfaces[0]?.mac ?? '',
    visitBegan,
    colours: takesColours(process.stdout),
  };
  const steps = stepsOfTrip(await eventsWhenClosed(net, visitBegan), options);
  process.stdout.write(
    [
      `\n${host.device} asks the network for an address, then visits ${PAGE}. What happened, step by step:\n`,
      ...tellSteps(steps, options),
      `\n${summary.trimEnd()}\n`,
      '',
    ].join('\n'),
  );
}

/** Unix ms on the clock of the logs. */
function unixNow(net: RunRecord): number {
  return Number(process.hrtime.bigint()) / 1e6 + net.clockOffset;
}

async function visit(net: RunRecord, host: string): Promise<string> {
  const control = await connectDevice(net, host);
  try {
    const call = control.open('exec', { argv: ['visit', PAGE], cwd: process.cwd() });
    call.stdin.end();
    const [code, output, errors] = await Promise.all([call.result, text(call.stdout), text(call.stderr)]);
    if (code !== 0) throw new Failure(`the visit of ${PAGE} failed: ${errors.trim() || `exit code ${code}`}`);
    return output;
  } finally {
    control.close();
  }
}

/** All events, once both ends of the visit's connections have closed; a last FIN may be on its way for a moment. */
async function eventsWhenClosed(net: RunRecord, visitBegan: number): Promise<StoryEvent[]> {
  for (let look = 0; ; look++) {
    const events = await eventsOf(net);
    const count = (name: string) =>
      events.filter(({ event, time }) => event === name && time >= visitBegan).length;
    if (count('tcp.close') >= count('tcp.open') || look === LOOKS) return events;
    await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL));
  }
}

async function eventsOf(net: RunRecord): Promise<StoryEvent[]> {
  const logs = await Promise.all(
    Object.keys(net.devices).map((device) => readFile(join(net.rundir, 'logs', `${device}.jsonl`), 'utf8')),
  );
  return logs
    .flatMap((log) => log.split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as StoryEvent);
}
