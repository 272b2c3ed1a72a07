// Reads an experiment file and checks it whole: out comes what can be run, or one error with every fault.

import { dirname, resolve } from 'node:path';
import type { Fault, Report } from '../../shared/topology/topology-error.ts';
import { formatPath, TopologyError } from '../../shared/topology/topology-error.ts';
import type { Topology } from '../../shared/topology/types.ts';
import { loadTopology, validateTopology } from '../../shared/topology/validate.ts';
import { checkExperiment } from './check.ts';
import { readDocument } from './document.ts';
import { draftOf } from './draft.ts';
import type { Experiment } from './experiment.ts';
import { ExperimentError } from './experiment-error.ts';
import { checkForm } from './form.ts';
import type { ExperimentFile } from './schema.ts';
import { experimentSchema } from './schema.ts';

/** @throws ExperimentError with all faults of the file and of its topology */
export async function loadExperiment(file: string): Promise<Experiment> {
  const { value, faults: earlier } = await readDocument(file);
  const faults: Fault[] = [...earlier];
  const report: Report = (path, problem, mend) => {
    faults.push({ path: formatPath(path), problem, mend });
  };
  checkForm(value, report);
  const { data } = experimentSchema.safeParse(value);
  const topology = await topologyOf((value as { net?: unknown } | null)?.net, file, faults);
  checkExperiment(draftOf(value, topology), report);
  if (data && topology && faults.length === 0) return experimentOf(data, topology, file);
  throw new ExperimentError(file, faults);
}

function experimentOf(data: ExperimentFile, topology: Topology, file: string): Experiment {
  const { name, why, seed, steadyState, timeline, expect, loopLag, capture } = data;
  return {
    file,
    name,
    why,
    topology: { ...topology, seed: seed ?? topology.seed },
    probes: steadyState.probes,
    hold: steadyState.hold,
    steadyTimeout: steadyState.timeout,
    timeline,
    expect,
    duration: data.duration,
    loopLag,
    capture,
  };
}

/** The net of the experiment; undefined with its faults added. */
async function topologyOf(net: unknown, file: string, faults: Fault[]): Promise<Topology | undefined> {
  try {
    if (typeof net === 'string') return await loadTopology(resolve(dirname(file), net));
    if (typeof net === 'object' && net !== null) return validateTopology(net, file);
  } catch (error) {
    if (!(error instanceof TopologyError)) throw error;
    const inside = typeof net === 'string' ? `net (${net})` : 'net';
    for (const { path, problem, mend } of error.faults)
      faults.push({ path: path === '' ? inside : `${inside}.${path}`, problem, mend });
  }
  return undefined;
}
