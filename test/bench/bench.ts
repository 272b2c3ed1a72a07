// npm run bench: figures of this machine, each held against what the machine could do at best. Only ratios
// of one run mean anything: machines differ, and are noisy.

import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { messageOf } from '../../orchestrator/failure.ts';
import { type Figure, FULL, holds, measure, type Result, SHORT, type Size } from './figure.ts';
import { forwardingFigures } from './forwarding.ts';
import { goodputFigures } from './goodput.ts';
import { Interruption } from './interruption.ts';
import { kernel } from './kernel.ts';
import { mininet } from './mininet.ts';
import { profileDownload } from './profile.ts';
import { asJson, type Missing, type Run, table } from './report.ts';
import { requests } from './requests.ts';
import { roundTrip } from './round-trip.ts';
import { scaleFigures } from './scale.ts';
import { memory, startUp } from './start-up.ts';
import { vde2 } from './vde2.ts';

const FIGURES: readonly Figure[] = [
  ...goodputFigures,
  roundTrip,
  requests,
  ...forwardingFigures,
  startUp,
  memory,
  ...scaleFigures,
  kernel,
  vde2,
  mininet,
];

interface Options {
  readonly short?: boolean;
  readonly figure?: readonly Figure[];
  readonly write?: string;
  readonly profile?: string | true;
}

/** Nets of the bench and of its user do not meet: its own run in a folder that goes with it. */
function useOwnRunFolder(): void {
  const folder = mkdtempSync(join(tmpdir(), 'tincan-bench-'));
  process.env.XDG_RUNTIME_DIR = folder;
  process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
}

/** Exit code. */
async function bench(options: Options): Promise<number> {
  useOwnRunFolder();
  const interruption = new Interruption();
  if (options.profile !== undefined)
    return profile(options.profile === true ? 'profiles' : options.profile, interruption);
  const run = await measureAll(options.figure ?? FIGURES, options.short ? SHORT : FULL, interruption);
  console.log(table(run.results, run.size));
  for (const { figure, missing } of run.missing) console.log(`${figure}: not measured, ${missing}`);
  if (run.ended !== undefined) console.error(run.ended);
  if (options.write !== undefined) writeFileSync(options.write, asJson(run));
  if (interruption.signal) return interruption.exitCode;
  return run.ended === undefined && run.results.every(holds) ? 0 : 1;
}

async function profile(folder: string, interruption: Interruption): Promise<number> {
  process.stderr.write(`a download under the profiler, profiles go to ${folder} …\n`);
  try {
    await Promise.race([interruption.promise, profileDownload(folder)]);
    return 0;
  } catch (error) {
    console.error(oneLine(error));
    return interruption.signal ? interruption.exitCode : 1;
  }
}

/** One after the other, up to the first that fails. */
async function measureAll(figures: readonly Figure[], size: Size, interruption: Interruption): Promise<Run> {
  const results: Result[] = [];
  const missing: Missing[] = [];
  for (const figure of figures) {
    const lack = await figure.missing?.();
    if (lack !== undefined) {
      missing.push({ figure: figure.name, missing: lack });
      continue;
    }
    process.stderr.write(`${figure.title} …\n`);
    try {
      results.push(await measure(figure, size, interruption.promise));
    } catch (error) {
      const { signal } = interruption;
      const ended = signal ? `interrupted by ${signal}` : `${figure.name} failed: ${oneLine(error)}`;
      return { size, results, missing, ended };
    }
  }
  return { size, results, missing };
}

function oneLine(error: unknown): string {
  return messageOf(error)
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ');
}

function named(name: string, before: readonly Figure[] = []): readonly Figure[] {
  const figure = FIGURES.find((candidate) => candidate.name === name);
  if (figure) return [...before, figure];
  throw new InvalidArgumentError(`There are ${FIGURES.map((each) => each.name).join(', ')}.`);
}

/** Before anything is measured. */
function writable(file: string): string {
  try {
    closeSync(openSync(file, 'a'));
    return file;
  } catch (error) {
    throw new InvalidArgumentError(`It can't be written: ${messageOf(error)}.`);
  }
}

function list(): string {
  const width = Math.max(...FIGURES.map(({ name }) => name.length));
  return FIGURES.map(
    ({ name, title, against }) => `  ${name.padEnd(width)}  ${title}, against ${against}`,
  ).join('\n');
}

const program = new Command('npm run bench --')
  .description(
    'Measures Tincan against what this machine can do at best. Exit code 1 if a goal is missed or a figure fails, 2 for wrong usage.',
  )
  .option('--short', 'measure less, and hold it to no goals but to floors for gross regressions')
  .addOption(new Option('--figure <name...>', 'measure only these').argParser(named))
  .addOption(new Option('-w, --write <file>', 'write the results as JSON').argParser(writable))
  .addOption(
    new Option(
      '--profile [folder]',
      'leave a CPU profile of each device during a download, and measure nothing; in ./profiles unless told',
    ).conflicts(['short', 'figure', 'write']),
  )
  .addHelpText('after', `\nFigures:\n${list()}`)
  .configureOutput({ outputError: (text, write) => write(text) })
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();

// What a figure that failed could not take down ends with this process.
process.exit(await bench(program.opts()));
