// The report for people: one page that needs nothing but itself and the files beside it.

import type { ExperimentRun } from '../experiment-run.ts';
import { median } from '../outage.ts';
import type { Verdicts } from '../verdict.ts';
import { affectedText } from '../verdict.ts';
import { milliseconds, rateText, seconds } from '../wording.ts';
import { chartOf } from './chart.ts';
import { escapeMarkup as escaped } from './markup.ts';
import { STYLE } from './style.ts';

/** Files beside the page, relative to it. */
export interface ReportFiles {
  readonly captures: readonly string[];
  readonly logs: readonly string[];
}

export function pageOf(run: ExperimentRun, result: Verdicts, files: ReportFiles): string {
  const { name, why } = run.experiment;
  const { passed, untrusted } = result;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>${escaped(name)}: ${passed ? 'passed' : 'failed'}</title>
<style>${STYLE}</style>
</head>
<body>
<header><h1>${escaped(name)}</h1><span class="badge${passed ? '' : ' failed'}">${passed ? 'passed' : 'failed'}</span></header>
<p class="facts">${escaped(facts(run))}</p>
${why === undefined ? '' : `<p class="why">${escaped(why)}</p>`}
${untrusted === undefined ? '' : `<p class="warning"><strong>The timings are not to be trusted:</strong> ${escaped(untrusted)}.</p>`}
<section><h2>Verdicts</h2>${verdictList(result)}</section>
<section><h2>Timeline</h2><div class="chart">${chartOf(run)}</div>
<p class="facts">Dots are answers at the time at which they were asked for, crosses are failures and their lines how long they took. Shades are faults, dashed lines are healings. Point at one for its figures.</p></section>
<section><h2>Probes</h2>${probeTable(run)}</section>
<section><h2>Faults and their receipts</h2>${receiptTable(run)}</section>
<section><h2>Devices</h2>${eventTable(run)}</section>
<section><h2>Files</h2>${fileLists(files)}</section>
</body>
</html>
`;
}

function facts({ began, ran, seed, experiment }: ExperimentRun): string {
  const { devices, cables } = experiment.topology;
  return [
    `${new Date(began).toISOString().slice(0, 19).replace('T', ' ')} UTC`,
    `timeline of ${seconds(ran)}`,
    `seed ${seed}`,
    `${devices.length} devices, ${cables.length} cables`,
  ].join(' · ');
}

function verdictList({ verdicts }: Verdicts): string {
  const items = verdicts.map(
    ({ expected, passed, seen }) =>
      `<li class="${passed ? 'passed' : 'failed'}"><span class="sign">${passed ? '✓' : '✗'}</span><span>${escaped(expected)}<span class="seen">${escaped(seen)}</span></span></li>`,
  );
  return `<ul class="verdicts">\n${items.join('\n')}\n</ul>`;
}

function probeTable({ experiment, samples }: ExperimentRun): string {
  const rows = experiment.probes.map(({ name, type, from, target }) => {
    const own = samples.filter(({ probe }) => probe === name);
    const failed = own.filter(({ ok }) => !ok);
    const codes = [...new Set(failed.map(({ code = '' }) => code))].join(', ');
    const rates = own.flatMap(({ rate }) => rate ?? []);
    const latencies = own.flatMap(({ latency }) => latency ?? []);
    const middle = median(latencies);
    return [
      `<strong>${escaped(name)}</strong>`,
      escaped(`${type} ${target} from ${from}`),
      number(own.length),
      number(failed.length),
      escaped(codes),
      number(middle === undefined ? '–' : milliseconds(middle)),
      number(latencies.length === 0 ? '–' : milliseconds(Math.max(...latencies))),
      number(rates.length === 0 ? '–' : rateText(median(rates) ?? 0)),
    ];
  });
  return table(['Probe', 'Asks', '#Tries', '#Failed', 'With', '#Median', '#Slowest', '#Median rate'], rows);
}

function receiptTable({ played, receipts }: ExperimentRun): string {
  if (played.length === 0) return '<p>None was made.</p>';
  const rows = played.map(({ name, what, at, failed, receipt: id }) => {
    const receipt = receipts.find((each) => each.id === id);
    return [
      number(seconds(at)),
      `<strong>${escaped(name ?? '')}</strong>`,
      `<code>${escaped(what)}</code>`,
      escaped(receipt?.id ?? ''),
      escaped(receipt?.applied.map((place) => place.at).join(', ') ?? ''),
      escaped(receipt === undefined ? '' : `${clock(receipt.from)} – ${clock(receipt.until)}`),
      escaped(failed ?? (receipt === undefined ? '' : affectedText(receipt))),
    ];
  });
  return table(['#At', 'Name', 'What', 'Receipt', 'Where', 'In force (UTC)', 'Affected'], rows);
}

function eventTable({ events, experiment }: ExperimentRun): string {
  const shown = events.filter(({ at }) => at >= -experiment.hold);
  if (shown.length === 0) return '<p>Nothing happened to them.</p>';
  return table(
    ['#At', 'Device', 'Event'],
    shown.map(({ at, device, happened, lastLines = [] }) => [
      number(seconds(at)),
      escaped(device),
      escaped(happened) + (lastLines.length === 0 ? '' : `<pre>${escaped(lastLines.join('\n'))}</pre>`),
    ]),
  );
}

function fileLists({ captures, logs }: ReportFiles): string {
  const links = (names: readonly string[]): string =>
    `<ul class="files">${names.map((name) => `<li><a href="${escaped(encodeURI(name))}">${escaped(name)}</a></li>`).join('')}</ul>`;
  return [
    '<p>Captures, for Wireshark:</p>',
    links(captures),
    '<p>Logs, a line of JSON an event:</p>',
    links(logs),
    '<p>This report for programs:</p>',
    links(['report.json', 'junit.xml']),
  ].join('\n');
}

interface Cell {
  readonly number: string;
}

function number(value: string | number): Cell {
  return { number: escaped(String(value)) };
}

/** Heads that begin with # are those of columns of numbers; cells are markup. */
function table(heads: readonly string[], rows: readonly (readonly (string | Cell)[])[]): string {
  const head = heads.map((text) =>
    text.startsWith('#') ? `<th class="number">${escaped(text.slice(1))}</th>` : `<th>${escaped(text)}</th>`,
  );
  const body = rows.map((row) => {
    const cells = row.map((cell) =>
      typeof cell === 'string' ? `<td>${cell}</td>` : `<td class="number">${cell.number}</td>`,
    );
    return `<tr>${cells.join('')}</tr>`;
  });
  return `<div class="scroll"><table><thead><tr>${head.join('')}</tr></thead><tbody>\n${body.join('\n')}\n</tbody></table></div>`;
}

/** Time of day of an RFC 3339 time. */
function clock(time: string | null): string {
  return time === null ? 'now' : time.slice(11, 23);
}
