// The report folder: page, JUnit XML and JSON beside the captures and logs that the run has left there.

import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExperimentRun } from '../experiment-run.ts';
import type { Verdicts } from '../verdict.ts';
import { jsonOf } from './json.ts';
import { junitOf } from './junit.ts';
import { pageOf } from './page.ts';

/** @returns the path of the page */
export async function writeReport(folder: string, run: ExperimentRun, result: Verdicts): Promise<string> {
  const files = { captures: await filesIn(folder, 'captures'), logs: await filesIn(folder, 'logs') };
  const page = join(folder, 'index.html');
  await Promise.all([
    writeFile(page, pageOf(run, result, files)),
    writeFile(join(folder, 'junit.xml'), junitOf(run, result)),
    writeFile(join(folder, 'report.json'), `${JSON.stringify(jsonOf(run, result), null, 2)}\n`),
  ]);
  return page;
}

/** Paths relative to the report folder; none if the run did not come that far. */
async function filesIn(folder: string, name: string): Promise<string[]> {
  const names = await readdir(join(folder, name)).catch(() => []);
  return names.sort().map((file) => `${name}/${file}`);
}
