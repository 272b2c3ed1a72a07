// Runs a TypeScript program of the tests: node test/support/run.js test/soak/soak.ts ARGUMENTS…
// Node 20 does not read TypeScript, so the program is bundled first; packages stay where they are. It runs
// with its arguments, streams, signals and exit code as if it had been started itself.

import { rmSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'rolldown';

const [, , program, ...argv] = process.argv;
if (program === undefined) {
  console.error('usage: node test/support/run.js PROGRAM.ts [ARGUMENTS]');
  process.exit(2);
}
// One file for each run, so that two at once do not write the same.
const file = resolve('build', `${basename(program, '.ts')}-${process.pid}.js`);
await build({
  input: resolve(program),
  platform: 'node',
  external: /^[^./]/,
  transform: { target: 'node20.19' },
  output: { file, format: 'esm', codeSplitting: false, sourcemap: 'inline' },
  logLevel: 'warn',
});
process.on('exit', () => rmSync(file, { force: true }));
process.argv = [process.execPath, program, ...argv];
process.setSourceMapsEnabled(true);
await import(pathToFileURL(file).href);
