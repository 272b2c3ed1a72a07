// tincan kill, stop, start, restart, freeze, thaw: return when they are in effect, carriers included.

import type { Receipt } from '../faults/receipt.ts';
import { askNet, deviceNamed, findNet } from '../net-client.ts';
import type { CommonOptions } from '../options.ts';
import { printReceipts } from './faults.ts';

/** @param devices each once is enough, however often it is named */
export async function power(
  verb: 'kill' | 'stop' | 'start' | 'restart' | 'freeze' | 'thaw',
  devices: readonly string[],
  options: CommonOptions & { timeout: number },
): Promise<void> {
  const record = await findNet(options.net);
  for (const name of devices) deviceNamed(record, name);
  const params = { devices: [...new Set(devices)], timeout: options.timeout };
  printReceipts((await askNet(record, verb, params)) as Receipt[], options);
}
