// Where this package lies, from its sources and from its build alike.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findPackageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

export const packageRoot = findPackageRoot();

export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}

export const builtProgram = join(packageRoot, 'dist', 'tincan.cjs');

/** Runs a device's program, which is its argument. */
export const deviceLauncher = join(packageRoot, 'dist', 'launch.cjs');

/** The net of this folder, or the one that comes with the package. */
export function defaultTopology(): string {
  return existsSync('topology.json') ? 'topology.json' : join(packageRoot, 'topology.json');
}

/** The built program of a device kind. */
export function deviceProgram(kind: string): string {
  return join(packageRoot, 'dist', 'devices', `${kind}.cjs`);
}
