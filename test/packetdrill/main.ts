// npm run packetdrill -- [--strict] PATH…: plays scripts against our TCP and says how each went.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { playScript } from './play/play-script.ts';
import type { Verdict } from './play/verdict.ts';

const USAGE = 'usage: npm run packetdrill -- [--strict] PATH…   (--help says more)';

const HELP = `${USAGE}

Plays scripts in packetdrill's language against this project's TCP, on virtual time. A PATH is a script or a
folder, in which all files that end in .pkt are played.

  --strict   compares as packetdrill does: options in their order, windows, PSH, timing to the script's
             tolerance. Without it what RFCs leave to a system may differ.
  --quiet    prints only what did not pass, and the counts

Prints one line a script: passed; failed, with the line and what was seen instead; or unsupported, with the
construct. Exits with 1 if a script failed, with 2 for wrong usage or if there is no script, else with 0:
unsupported scripts are counted, and are no failure.`;

interface Arguments {
  readonly strict: boolean;
  readonly quiet: boolean;
  readonly paths: readonly string[];
}

function readArguments(argv: readonly string[]): Arguments {
  const flags = argv.filter((argument) => argument.startsWith('-'));
  const paths = argv.filter((argument) => !argument.startsWith('-'));
  if (flags.includes('--help') || flags.includes('-h')) {
    console.log(HELP);
    process.exit(0);
  }
  const unknown = flags.find((flag) => flag !== '--strict' && flag !== '--quiet');
  if (unknown !== undefined) fail(`there is no option ${unknown}`);
  if (paths.length === 0) fail('no PATH is given');
  return { strict: flags.includes('--strict'), quiet: flags.includes('--quiet'), paths };
}

function fail(message: string): never {
  console.error(`packetdrill: ${message}\n${USAGE}`);
  process.exit(2);
}

function scriptsIn(path: string): string[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) fail(`${path} is not there`);
  if (!stat.isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.pkt'))
    .sort()
    .map((name) => join(path, name));
}

function verdictLine(script: string, verdict: Verdict): string {
  switch (verdict.kind) {
    case 'passed':
      return `passed       ${script}`;
    case 'failed':
      return `failed       ${script}:${verdict.line}: ${verdict.why}`;
    case 'unsupported':
      return `unsupported  ${script}:${verdict.line}: ${verdict.construct}`;
  }
}

function main(): void {
  const { strict, quiet, paths } = readArguments(process.argv.slice(2));
  const scripts = paths.flatMap(scriptsIn);
  if (scripts.length === 0) fail(`no script in ${paths.join(' ')}: scripts end in .pkt`);
  const counts = { passed: 0, failed: 0, unsupported: 0 };
  const skipped = new Map<string, number>();
  for (const script of scripts) {
    const verdict = playScript(readFileSync(script, 'utf8'), { strict });
    counts[verdict.kind]++;
    if (!quiet || verdict.kind !== 'passed') console.log(verdictLine(script, verdict));
    for (const { text } of verdict.notes) skipped.set(text, (skipped.get(text) ?? 0) + 1);
  }
  for (const [text, count] of skipped) console.log(`note: not executed (${count}): ${text.split('\n')[0]}`);
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.unsupported} unsupported`);
  process.exitCode = counts.failed > 0 ? 1 : 0;
}

main();
