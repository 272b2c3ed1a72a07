// What was measured: as a table for people, as JSON for programs.

import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { packageVersion } from '../../orchestrator/package-root.ts';
import { holds, median, type Result, type Size } from './figure.ts';

export interface Missing {
  readonly figure: string;
  readonly missing: string;
}

const HEAD = ['NAME', 'FIGURE', 'OURS', 'AGAINST', 'RATIO', 'SPREAD'];

export function table(results: readonly Result[], { short }: Pick<Size, 'short'>): string {
  const head = [...HEAD, short ? 'FLOOR' : 'GOAL', ''];
  const rows = [head, ...results.map(row)];
  const widths = head.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
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
  const { figure, title, against, unit, ours, other, ratio, bound } = result;
  const ratios = ours.map((value, round) => value / other[round]!);
  return [
    figure,
    title,
    format(median(ours), unit),
    `${format(median(other), unit)} (${against})`,
    ratio.toFixed(2),
    `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`,
    bound ? `at ${bound.at} ${bound.ratio}` : '',
    bound ? (holds(result) ? 'met' : 'NOT MET') : '',
  ];
}

function format(value: number, unit: string): string {
  if (unit === 'bit/s') return `${(value / 1e6).toFixed(0)} Mbit/s`;
  if (unit === 'bytes') return `${(value / 2 ** 20).toFixed(1)} MiB`;
  return `${value < 100 ? value.toFixed(2) : Math.round(value)} ${unit}`;
}

/** What came of a run. */
export interface Run {
  readonly size: Size;
  readonly results: readonly Result[];
  readonly missing: readonly Missing[];
  /** Why it ended before all was measured. */
  readonly ended?: string;
}

export function asJson({ size, results, missing, ended }: Run): string {
  const commit = execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim();
  const [cpu] = cpus();
  const machine = { cpu: cpu?.model ?? '', cores: cpus().length, memory: totalmem() };
  const versions = { tincan: packageVersion(), node: process.version, commit };
  const figures = results.map((result) => ({ ...result, met: result.bound ? holds(result) : null }));
  const at = new Date().toISOString();
  const report = { at, machine, versions, short: size.short, figures, missing, ended: ended ?? null };
  return `${JSON.stringify(report, null, 2)}\n`;
}
