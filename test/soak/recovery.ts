// Whether a net that was healed is what it was, and works as it did.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Net } from '../../orchestrator/api.ts';
import { AT_ONCE, Load } from './load.ts';
import { ACTIVITIES } from './programs.ts';
import { HOSTS } from './soak-net.ts';

/** ms in which it must: a DHCP client's longest pause is 64 s. */
const LIMIT = 90_000;

/** Every device ready with an address of its own, and every cable up. @returns what is not so in time */
export async function recovered(net: Net): Promise<string[]> {
  const end = performance.now() + LIMIT;
  for (;;) {
    const missing = await missingNow(net);
    if (missing.length === 0) return [];
    if (performance.now() > end) return missing.map((text) => `healed long ago, and ${text}`);
    await sleep(100);
  }
}

async function missingNow(net: Net): Promise<string[]> {
  const { devices, cables } = await net.status();
  const addresses = devices.flatMap(({ interfaces }) => interfaces.flatMap(({ ipv4 }) => ipv4 ?? []));
  return [
    ...devices.flatMap(({ device, state, reason }) =>
      state === 'ready' ? [] : [`${device} is ${state} (${reason})`],
    ),
    ...devices.flatMap(({ device, interfaces }) =>
      interfaces.every(({ ipv4 }) => ipv4 === null) ? [`${device} has no address`] : [],
    ),
    ...addresses.flatMap((address, index) =>
      addresses.indexOf(address) === index ? [] : [`${address} is used twice`],
    ),
    ...cables.flatMap(({ cable, carrier }) => (carrier ? [] : [`${cable} has no carrier`])),
  ];
}

/** Every program ends well; the first tries may meet what is remembered of the faults. @returns which does not */
export async function worksAgain(net: Net, seed: number): Promise<string[]> {
  const end = performance.now() + LIMIT;
  for (;;) {
    const load = new Load(net, seed);
    await load.stop();
    if (load.problems.length > 0) return load.problems;
    const failed = ACTIVITIES.filter(
      (activity) => load.tally(activity).get('ok') !== HOSTS.length * AT_ONCE[activity],
    );
    if (failed.length === 0) return [];
    if (performance.now() > end) return failed.map((activity) => `healed long ago, and ${activity} fails`);
    await sleep(500);
  }
}
