// The report for people: one page that needs nothing but itself and the files beside it.

import { basename } from 'node:path';
import type { ExperimentRun } from '../experiment-run.ts';
import type { Verdicts } from '../verdict.ts';
import { count, seconds } from '../wording.ts';
import { chartOf } from './chart.ts';
import { escapeMarkup as escaped } from './markup.ts';
import { STYLE } from './style.ts';
import { eventTable, probeTable, receiptTable } from './tables.ts';

/** Files beside the page, relative to it. */
export interface ReportFiles {
  readonly captures: readonly string[];
  readonly logs: readonly string[];
}

export function pageOf(run: ExperimentRun, result: Verdicts, files: ReportFiles): string {
  const { name, why } = run.experiment;
  const { passed, untrusted } = result;
  const outcome = passed ? 'passed' : 'failed';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>${escaped(name)}: ${outcome}</title>
<style>${STYLE}</style>
</head>
<body>
<header><h1>${escaped(name)}</h1><span class="badge ${outcome}">${outcome}</span></header>
<p class="facts">${escaped(facts(run))}</p>
${why === undefined ? '' : `<p class="why">${escaped(why)}</p>`}
${untrusted === undefined ? '' : `<p class="warning"><strong>The timings are not to be trusted:</strong> ${escaped(untrusted)}.</p>`}
<section><h2>Verdicts</h2>${verdictList(result)}</section>
<section><h2>Timeline</h2>${LEGEND}<div class="chart">${chartOf(run)}</div></section>
<section><h2>Probes</h2>${probeTable(run)}</section>
<section><h2>Faults and their receipts</h2>${receiptTable(run)}</section>
<section><h2>What happened to devices</h2>${eventTable(run)}</section>
<section><h2>Files</h2>${fileLists(files)}</section>
<footer>${escaped(again(run))}</footer>
</body>
</html>
`;
}

function facts({ began, ran, seed, experiment }: ExperimentRun): string {
  const { devices, cables } = experiment.topology;
  return [
    `${new Date(began).toISOString().slice(0, 19).replace('T', ' ')} UTC`,
    ran > 0 ? `timeline of ${seconds(ran)}` : 'no timeline',
    `seed ${seed}`,
    `${count(devices.length, 'device')}, ${count(cables.length, 'cable')}`,
  ].join(' · ');
}

function again({ experiment, seed }: ExperimentRun): string {
  return `Run it again with: tincan run ${basename(experiment.file)} --seed ${seed}`;
}

function verdictList({ verdicts }: Verdicts): string {
  const held = verdicts.filter(({ passed }) => passed).length;
  const items = verdicts.map(
    ({ expected, passed, seen }) =>
      `<li class="${passed ? 'passed' : 'failed'}"><span class="sign">${passed ? '✓' : '✗'}</span><span>${escaped(expected)}<span class="seen">${escaped(seen)}</span></span></li>`,
  );
  return `<p class="facts">${held} of ${verdicts.length} hold</p>\n<ul class="verdicts">\n${items.join('\n')}\n</ul>`;
}

/** What is drawn how. */
const LEGEND = `<ul class="legend">
<li><svg viewBox="0 0 26 12" width="26" height="12"><line class="line" x1="2" x2="24" y1="6" y2="6"/><circle class="ok" cx="13" cy="6" r="2.5"/></svg>answer, when it was asked for</li>
<li><svg viewBox="0 0 26 12" width="26" height="12"><line class="line" x1="2" x2="24" y1="6" y2="6"/><circle class="bad" cx="13" cy="6" r="2.5"/></svg>answer out of bounds</li>
<li><svg viewBox="0 0 26 12" width="26" height="12"><line class="span" x1="5" x2="25" y1="6" y2="6"/><circle class="ok" cx="5" cy="6" r="2.5"/></svg>download, as long as it took</li>
<li><svg viewBox="0 0 26 12" width="26" height="12"><g class="failure"><line x1="5" x2="25" y1="6" y2="6"/><path d="M2 3l6 6m0 -6l-6 6"/></g></svg>try that failed, as long as it took</li>
<li><svg viewBox="0 0 26 12" width="26" height="12"><g class="band hue0"><rect class="bar" x="1" y="0" width="24" height="6" rx="2"/><rect class="shade" x="1" y="0" width="24" height="12"/></g></svg>fault in force</li>
<li><svg viewBox="0 0 26 12" width="26" height="12"><g class="mark"><line x1="13" x2="13" y1="0" y2="12"/></g></svg>healing</li>
<li><svg viewBox="0 0 26 12" width="26" height="12"><g class="before"><rect x="1" y="0" width="24" height="12"/></g></svg>steady state</li>
</ul>`;

function fileLists({ captures, logs }: ReportFiles): string {
  return [
    fileList('Captures, for Wireshark', captures),
    fileList('Logs, a line of JSON an event', logs),
    fileList('This report for programs', ['report.json', 'junit.xml']),
  ].join('\n');
}

function fileList(what: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const links = names.map((name) => `<li><a href="${escaped(encodeURI(name))}">${escaped(name)}</a></li>`);
  return `<p>${what}:</p><ul class="files">${links.join('')}</ul>`;
}
