// Reads a topology file and checks it whole: out comes a net that can be started, or one error with
// every fault in it.

import { dirname } from 'node:path';
import { checkCables } from './cable-checks.ts';
import { draftOf } from './draft.ts';
import { checkInterfaces } from './interface-checks.ts';
import { readJson } from './json-text.ts';
import { normalise } from './normalise.ts';
import { topologySchema } from './schema.ts';
import { checkServices } from './service-checks.ts';
import { checkStructure } from './structure.ts';
import { readTextFile, whyUnreadable } from './text-file.ts';
import type { Fault, Report } from './topology-error.ts';
import { formatPath, TopologyError } from './topology-error.ts';
import type { Topology } from './types.ts';

/** @throws TopologyError with all faults, also when the file can't be read or is no JSON */
export async function loadTopology(file: string): Promise<Topology> {
  const json = readJson(await readText(file));
  if ('mistake' in json) {
    const { line, column, problem, mend } = json.mistake;
    throw new TopologyError(`${file}:${line}:${column}`, [{ path: '', problem, mend }]);
  }
  const twice = json.duplicates.map(({ path, line }) => ({
    path: formatPath(path),
    problem: `given a second time on line ${line}`,
    mend: 'keep one of them, or rename one',
  }));
  return check(json.value, file, twice);
}

/**
 * Checks what was read from `file`, which relative paths start from.
 * @throws TopologyError with all faults
 */
export function validateTopology(json: unknown, file: string): Topology {
  return check(json, file, []);
}

function check(json: unknown, file: string, earlier: readonly Fault[]): Topology {
  const faults = [...earlier];
  const known = new Set<string>();
  const report: Report = (parts, problem, mend) => {
    const path = formatPath(parts);
    const told = `${path}: ${problem}`;
    if (!known.has(told)) faults.push({ path, problem, mend });
    known.add(told);
  };
  const folder = dirname(file);
  const draft = draftOf(json);
  checkStructure(json, report);
  for (const device of draft.devices) {
    checkInterfaces(device, report);
    checkServices(device, folder, report);
  }
  checkCables(draft, report);
  if (faults.length > 0) throw new TopologyError(file, faults);
  return normalise(topologySchema.parse(json), folder);
}

async function readText(file: string): Promise<string> {
  try {
    return await readTextFile(file);
  } catch (error) {
    throw new TopologyError(file, [{ path: '', problem: whyUnreadable(error), mend: mendOf(error) }]);
  }
}

function mendOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'name a topology file, as in `tincan up net.json`';
  return code === 'EFBIG' ? 'name a topology file, of fewer devices' : 'name a file that you may read';
}
