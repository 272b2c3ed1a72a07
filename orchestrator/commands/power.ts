// tincan kill, stop, start, restart: return when they are in effect, carriers included.

import { askNet, deviceNamed, findNet } from '../net-client.ts';
import type { NetStatus } from '../net-status.ts';
import type { CommonOptions } from '../options.ts';

/** @param devices each once is enough, however often it is named */
export async function power(
  verb: 'kill' | 'stop' | 'start' | 'restart',
  devices: readonly string[],
  options: CommonOptions & { timeout: number },
): Promise<void> {
  const record = await findNet(options.net);
  for (const name of devices) deviceNamed(record, name);
  await askNet(record, verb, { devices: [...new Set(devices)], timeout: options.timeout });
  if (!options.json) return;
  const status = (await askNet(record, 'status')) as NetStatus;
  process.stdout.write(`${JSON.stringify(status)}\n`);
}
