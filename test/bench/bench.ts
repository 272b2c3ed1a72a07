// npm run bench: figures of this machine, each held against what the machine could do at best. Only ratios
// of one run mean anything: machines differ, and are noisy.

import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { type Figure, FULL, holds, isNear, measure, type Result, SHORT } from './figure.ts';
import { forwardingFigures } from './forwarding.ts';
import { goodputFigures } from './goodput.ts';
import { kernel } from './kernel.ts';
import { mininet } from './mininet.ts';
import { profileDownload } from './profile.ts';
import { asJson, type Missing, table } from './report.ts';
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
  readonly figure?: readonly string[];
  readonly write?: string;
  readonly profile?: string | true;
}

/** Rejects at the first Ctrl-C, so that nothing is left of what is measured; a second ends the process at once. */
function interruption(): Promise<never> {
  const interrupted = new Promise<never>((_, reject) => {
    let signals = 0;
    // Not `once`: execa ends a process that has no listener left.
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.on(signal, () => {
        if (signals++ > 0) process.exit(1);
        reject(new Error(`interrupted by ${signal}`));
      });
  });
  interrupted.catch(() => {});
  return interrupted;
}

async function bench(options: Options): Promise<number> {
  if (options.profile !== undefined) {
    await profileDownload(options.profile === true ? 'profiles' : options.profile);
    return 0;
  }
  const interrupted = interruption();
  const results: Result[] = [];
  const missing: Missing[] = [];
  for (const figure of chosen(options.figure)) {
    const lack = await figure.missing?.();
    if (lack !== undefined) {
      missing.push({ figure: figure.name, missing: lack });
      continue;
    }
    process.stderr.write(`${figure.title} …\n`);
    results.push(await measure(figure, options.short ? SHORT : FULL, interrupted));
  }
  console.log(table(results));
  for (const { figure, missing: lack } of missing) console.log(`${figure}: not measured, ${lack}`);
  if (options.write !== undefined) writeFileSync(options.write, asJson(results, missing));
  // The short form is for runs on busy machines: it fails on gross ratios only.
  return results.every(options.short ? isNear : holds) ? 0 : 1;
}

function chosen(names: readonly string[] | undefined): readonly Figure[] {
  if (!names) return FIGURES;
  return names.map((name) => {
    const figure = FIGURES.find((candidate) => candidate.name === name);
    if (figure) return figure;
    console.error(`no figure "${name}"; there are ${FIGURES.map((each) => each.name).join(', ')}`);
    return process.exit(2);
  });
}

const program = new Command('npm run bench --')
  .description('Measures Tincan against what this machine can do at best; exit code 1 if a goal is missed.')
  .option(
    '--short',
    'measure less, and fail only for what is grossly wrong: half the goal, or half of what was reached',
  )
  .option('--figure <name...>', 'measure only these')
  .option('-w, --write <file>', 'write the results as JSON')
  .option('--profile [folder]', 'leave a CPU profile of each device during a download, and measure nothing')
  .configureOutput({ outputError: (text, write) => write(text) })
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();

process.exitCode = await bench(program.opts());
