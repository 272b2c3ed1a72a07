// Another net of processes: three switches of VDE in a row, two kernels at its ends. They only switch, and the
// kernels do the TCP.

import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa, type ResultPromise } from 'execa';
import type { Namespace } from '../support/namespace.ts';
import type { Figure } from './figure.ts';
import { downloadAgainst, type Ends, lackOf, namespace } from './namespaces.ts';
import { WEB } from './nets.ts';
import type { Teardown } from './teardown.ts';

const TUN = '/dev/net/tun';
const TAP = 'tap0';

/** Standard input is the console: a switch ends with it. */
const CONSOLE = { stdin: 'pipe', buffer: false, reject: false } as const;

/** Resolves when the switch can be reached. */
async function answered(vdeSwitch: ResultPromise, teardown: Teardown): Promise<void> {
  teardown.add(async () => {
    vdeSwitch.stdin?.end();
    await vdeSwitch;
  });
  const said = once(vdeSwitch.stdout!, 'data');
  const ended = vdeSwitch.then(({ message }) => Promise.reject(new Error(message ?? 'vde_switch has ended')));
  vdeSwitch.stdin?.write('ds/showinfo\n');
  await Promise.race([said, ended]);
}

/** A switch whose port is a network interface of the namespace. */
async function tapSwitch(place: Namespace, socket: string, cidr: string, teardown: Teardown): Promise<void> {
  await answered(place.start('vde_switch', ['-s', socket, '-tap', TAP], CONSOLE), teardown);
  await place.address(TAP, cidr);
  await place.ok('ip', 'link', 'set', TAP, 'up');
}

async function threeSwitches(teardown: Teardown): Promise<Ends> {
  const folder = await mkdtemp(join(tmpdir(), 'tincan-bench-'));
  teardown.add(() => rm(folder, { recursive: true, force: true }));
  const sockets = ['near', 'middle', 'far'].map((name) => join(folder, name));
  const [near, middle, far] = sockets as [string, string, string];
  const client = await namespace(teardown);
  const server = await namespace(teardown);
  await tapSwitch(client, near, '93.184.216.10/24', teardown);
  await answered(execa('vde_switch', ['-s', middle], CONSOLE), teardown);
  await tapSwitch(server, far, `${WEB}/24`, teardown);
  // A cable ends with the switches that it joins.
  for (const other of [near, far]) {
    const cable = execa('vde_plug', [middle, other], { stdio: 'ignore', reject: false });
    teardown.add(async () => {
      cable.kill();
      await cable;
    });
  }
  return { client, server };
}

function lack(): string | undefined {
  const programs = { vde_switch: 'vde2', vde_plug: 'vde2', iperf3: 'iperf3' };
  const lacks = [lackOf(programs), tunLack()].filter((each) => each !== undefined);
  return lacks.length > 0 ? lacks.join(', ') : undefined;
}

function tunLack(): string | undefined {
  try {
    accessSync(TUN, constants.R_OK);
    return undefined;
  } catch {
    return `${TUN} is not there (modprobe tun)`;
  }
}

export const vde2: Figure = {
  name: 'vde2',
  title: 'goodput of one download through NAT',
  against: 'three switches of VDE',
  unit: 'bit/s',
  goal: { at: 'least', ratio: 1 },
  missing: async () => lack(),
  open: downloadAgainst(threeSwitches),
};
