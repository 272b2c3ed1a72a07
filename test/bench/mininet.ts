// The start of a net against Mininet's: six nodes of either, until one can use them.

import { createInterface } from 'node:readline';
import type { Namespace } from '../support/namespace.ts';
import type { Figure } from './figure.ts';
import { lackOf, namespace } from './namespaces.ts';
import { startToUse } from './start-up.ts';
import { Teardown } from './teardown.ts';

/** Three hosts on three switches in a row, as bridges of Linux: without the services that its other switches take. */
const MN = ['mn', '--topo', 'linear,3', '--switch', 'lxbr', '--controller', 'none'];
/** What Mininet says when the net is there. */
const READY = '*** Starting CLI:';

/**
 * ms until the net is there; then it is ended. It makes interfaces where it is started, and where it fails it
 * ends programs by their names: it gets a namespace, and process ids, of its own.
 */
async function mininetStart(place: Namespace): Promise<number> {
  const alone = ['--pid', '--fork', '--mount-proc', '--kill-child'];
  const begun = performance.now();
  const net = place.start('unshare', [...alone, ...MN], { stdin: 'pipe', all: true, buffer: false });
  let taken: number | undefined;
  const said: string[] = [];
  for await (const line of createInterface({ input: net.all! })) {
    said.push(line);
    if (!line.includes(READY)) continue;
    taken = performance.now() - begun;
    net.stdin?.end();
  }
  await net;
  if (taken === undefined) throw new Error(`Mininet did not start: ${said.join('\n')}`);
  return taken;
}

export const mininet: Figure = {
  name: 'mininet',
  title: 'up until ready, six devices',
  against: 'Mininet, six nodes',
  unit: 'ms',
  missing: async () =>
    lackOf({ mn: 'mininet', brctl: 'bridge-utils', ifconfig: 'net-tools', unshare: 'util-linux' }),
  async open() {
    const teardown = new Teardown();
    const place = await namespace(teardown);
    return {
      ours: () => startToUse(async () => {}),
      against: () => mininetStart(place),
      close: () => teardown.close(),
    };
  },
};
