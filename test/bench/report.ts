// What was measured: as a table for people, as JSON for programs.

import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { packageVersion } from '../../orchestrator/package-root.ts';
import { holds, median, type Result } from './figure.ts';

export interface Missing {
  readonly figure: string;
  readonly missing: string;
}

const HEAD = ['FIGURE', 'OURS', 'AGAINST', 'RATIO', 'SPREAD', 'GOAL', ''];

export function table(results: readonly Result[]): string {
  const rows = [HEAD, ...results.map(row)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  return rows
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function row(result: Result): string[] {
  const { title, against, unit, ours, other, ratio, goal } = result;
  const ratios = ours.map((value, round) => value / other[round]!);
  return [
    title,
    format(median(ours), unit),
    `${format(median(other), unit)} (${against})`,
    ratio.toFixed(2),
    `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`,
    goal ? `at ${goal.at} ${goal.ratio}` : '',
    goal ? (holds(result) ? 'met' : 'NOT MET') : '',
  ];
}

function format(value: number, unit: string): string {
  if (unit === 'bit/s') return `${(value / 1e6).toFixed(0)} Mbit/s`;
  if (unit === 'bytes') return `${(value / 2 ** 20).toFixed(1)} MiB`;
  return `${value < 100 ? value.toFixed(2) : Math.round(value)} ${unit}`;
}

export function asJson(results: readonly Result[], missing: readonly Missing[]): string {
  const commit = execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim();
  const [cpu] = cpus();
  const machine = { cpu: cpu?.model ?? '', cores: cpus().length, memory: totalmem() };
  const versions = { tincan: packageVersion(), node: process.version, commit };
  const figures = results.map((result) => ({ ...result, met: result.goal ? holds(result) : null }));
  return `${JSON.stringify({ at: new Date().toISOString(), machine, versions, figures, missing }, null, 2)}\n`;
}
