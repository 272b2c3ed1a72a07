// tincan run: failure experiments from files, each with a verdict per expectation and a report folder.

import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { styleText } from 'node:util';
import type { Experiment } from '../experiment/experiment.ts';
import { ExperimentError } from '../experiment/experiment-error.ts';
import { loadExperiment } from '../experiment/load.ts';
import { startRealNet } from '../experiment/real-net.ts';
import { jsonOf } from '../experiment/report/json.ts';
import { writeReport } from '../experiment/report/write-report.ts';
import { runProgressOn } from '../experiment/run-progress.ts';
import { runExperiment } from '../experiment/runner.ts';
import { judge, type Verdicts } from '../experiment/verdict.ts';
import { codeOf, Failure, WrongUsage } from '../failure.ts';
import type { RunOptions } from '../options.ts';

const DEFAULT_OUT = 'tincan-report';

export async function run(files: readonly string[], options: RunOptions): Promise<void> {
  if (options.net !== undefined)
    throw new WrongUsage('run starts nets of its own, under names of their own: leave out --net');
  const experiments = await loadAll(files, options.seed);
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => {
      // The second one does not wait for the roll-back: the nets end with this process.
      if (stop.signal.aborted) process.exit(130);
      stop.abort(new Failure(`stopped by ${name}`));
    });
  const results: object[] = [];
  let passes = 0;
  for (const experiment of experiments)
    for (let turn = 1; turn <= options.repeat && !stop.signal.aborted; turn++) {
      const name = options.repeat > 1 ? `${experiment.name}-${turn}` : experiment.name;
      const folder = await reportFolder(name, options.out);
      const { result, json } = await runOne(experiment, name, folder, stop.signal);
      if (result.passed) passes++;
      results.push({ report: folder, ...json });
      if (!options.json) process.stdout.write(tell(name, result, folder));
    }
  if (options.json) process.stdout.write(`${JSON.stringify(results)}\n`);
  else if (results.length > 1) process.stdout.write(`${passes} of ${results.length} runs passed\n`);
  if (stop.signal.aborted) process.exitCode = 130;
  else process.exitCode = passes === results.length ? 0 : 1;
}

/** @throws WrongUsage with the faults of all files */
async function loadAll(files: readonly string[], seed: number | undefined): Promise<Experiment[]> {
  const loaded = await Promise.allSettled(files.map((file) => loadExperiment(file)));
  const wrong: string[] = [];
  const experiments = loaded.flatMap((outcome) => {
    if (outcome.status === 'fulfilled') return [withSeed(outcome.value, seed)];
    if (!(outcome.reason instanceof ExperimentError)) throw outcome.reason;
    wrong.push(outcome.reason.message);
    return [];
  });
  if (wrong.length > 0) throw new WrongUsage(wrong.join('\n'));
  refuseSameNames(experiments);
  return experiments;
}

/** Each report would make room for the next. */
function refuseSameNames(experiments: readonly Experiment[]): void {
  const files = new Map<string, string>();
  for (const { name, file } of experiments) {
    const other = files.get(name);
    if (other === file) throw new WrongUsage(`${file} is given twice; run it more often with --repeat`);
    if (other !== undefined)
      throw new WrongUsage(
        `${other} and ${file} are both named ${name}; give each experiment a name of its own`,
      );
    files.set(name, file);
  }
}

function withSeed(experiment: Experiment, seed: number | undefined): Experiment {
  return seed === undefined ? experiment : { ...experiment, topology: { ...experiment.topology, seed } };
}

/** `tincan-report/<experiment>-<time>`, or `<out>/<experiment>`, whose last report makes room. */
async function reportFolder(name: string, out: string | undefined): Promise<string> {
  const time = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  const folder = resolve(out === undefined ? join(DEFAULT_OUT, `${name}-${time}`) : join(out, name));
  const own = ['captures', 'logs', 'index.html', 'junit.xml', 'report.json'];
  try {
    await Promise.all(own.map((file) => rm(join(folder, file), { recursive: true, force: true })));
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new Failure(`can't make the report folder ${folder} (${codeOf(error)}); name another with --out`);
  }
  return folder;
}

async function runOne(
  experiment: Experiment,
  name: string,
  folder: string,
  signal: AbortSignal,
): Promise<{ result: Verdicts; json: object }> {
  const progress = runProgressOn(process.stderr, name);
  try {
    const seen = await runExperiment(experiment, { open: startRealNet, folder, progress, signal });
    const result = judge(seen);
    await writeReport(folder, seen, result);
    return { result, json: jsonOf(seen, result) };
  } finally {
    progress.done();
  }
}

function tell(name: string, { passed, verdicts, untrusted }: Verdicts, folder: string): string {
  const colour = (style: Parameters<typeof styleText>[0], text: string) =>
    process.stdout.isTTY ? styleText(style, text) : text;
  return [
    `${name}: ${passed ? colour('green', 'passed') : colour('red', 'failed')}`,
    ...verdicts.map(
      (verdict) =>
        `  ${verdict.passed ? colour('green', 'ok  ') : colour('red', 'FAIL')}  ${verdict.expected}: ${verdict.seen}`,
    ),
    ...(untrusted === undefined
      ? []
      : [`  ${colour('yellow', 'the timings are not to be trusted')}: ${untrusted}`]),
    `  report: ${join(folder, 'index.html')}`,
    '',
  ].join('\n');
}
