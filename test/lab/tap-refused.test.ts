// What a tap says where it can't be: one line, when the net is to start.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TopologyFile, up } from '../../orchestrator/api.ts';

const TINCAN = join(import.meta.dirname, '../../dist/tincan.cjs');
const onLinux = process.platform === 'linux';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tap-'));
});
afterAll(() => rm(folder, { recursive: true }));

function plug(tap: TopologyFile['devices'][string]['tap'], mtu = 1500): TopologyFile {
  return {
    name: 'plugged',
    devices: {
      plug: { kind: 'tap', tap, interfaces: { eth0: {} } },
      hub: { kind: 'switch', interfaces: { p1: {} } },
    },
    cables: { wire: { ends: ['hub:p1', 'plug:eth0'], mtu } },
  };
}

test.runIf(onLinux)('a network namespace that is not there is named, with what would be right', async () => {
  await expect(up(plug({ name: 'tap0', netns: 'never-made' }))).rejects.toThrow(
    /plug does not start: there is no network namespace never-made \(\/run\/netns\/never-made\): make it with `ip netns add never-made`$/,
  );
  await expect(up(plug({ name: 'tap0', netns: '/proc/self/none' }))).rejects.toThrow(
    /there is no network namespace \/proc\/self\/none: give the path of one, such as \/proc\/PID\/ns\/net$/,
  );
});

test.runIf(onLinux)(
  'without the right to make an interface, the command line says which it takes',
  async () => {
    const file = join(folder, 'topology.json');
    await writeFile(file, JSON.stringify(plug({ name: 'tap0' })));
    const run = [process.execPath, TINCAN, 'up', file, '-d'];
    // Root without capabilities is nobody in particular.
    const harmless = process.getuid?.() === 0 ? ['setpriv', '--bounding-set', '-all', ...run] : run;
    const [program = '', ...args] = harmless;
    const { stderr, exitCode } = await execa(program, args, {
      reject: false,
      env: { XDG_RUNTIME_DIR: folder },
    });
    expect(exitCode).toBe(1);
    expect(stderr.split('\n').at(-1)).toBe(
      'tincan: plug does not start: tap0 may not be made: run as root, or with CAP_NET_ADMIN in its network namespace',
    );
  },
);

if (onLinux) console.log('skipped: what a tap says on other systems than Linux, as this is Linux');
test.skipIf(onLinux)('a tap is for Linux only', async () => {
  await expect(up(plug({ name: 'tap0' }))).rejects.toThrow(/a tap is for Linux only, and this is \w+$/);
});
