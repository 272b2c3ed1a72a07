// What `npm start` shows once the net is ready.

import type { RunRecord } from './run-record.ts';

/** Visits a page from a host and tells the trip. */
export async function tellTour(net: RunRecord): Promise<void> {
  const host = Object.entries(net.devices).find(([, device]) => device.kind === 'host')?.[0];
  if (host === undefined) return;
  process.stdout.write(`\nVisit a page: tincan exec ${host} curl http://www.example.com/\n`);
}
