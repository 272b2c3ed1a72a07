// Where this package lies, from its sources and from its build alike.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findPackageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

export const packageRoot = findPackageRoot();

export const builtProgram = join(packageRoot, 'dist', 'tincan.js');

/** The built program of a device kind. */
export function deviceProgram(kind: string): string {
  return join(packageRoot, 'dist', 'devices', `${kind}.js`);
}
