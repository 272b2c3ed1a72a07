// The tables of the page. Times are seconds since the timeline began.

import type { Receipt } from '../../faults/receipt.ts';
import type { ExperimentRun, Played } from '../experiment-run.ts';
import { median } from '../outage.ts';
import { affectedText } from '../verdict.ts';
import { milliseconds, rateText, seconds } from '../wording.ts';
import { escapeMarkup as escaped } from './markup.ts';

export function probeTable({ experiment, samples }: ExperimentRun): string {
  const rows = experiment.probes.map(({ name, type, from, target }) => {
    const own = samples.filter(({ probe }) => probe === name);
    const failed = own.filter(({ ok }) => !ok);
    const codes = [...new Set(failed.map(({ code = '' }) => code))].join(', ');
    const rates = own.flatMap(({ rate }) => rate ?? []);
    const latencies = own.flatMap(({ latency }) => latency ?? []);
    const middle = median(latencies);
    return [
      named(name, escaped(`${type} ${target} from ${from}`)),
      number(own.length),
      number(failed.length),
      escaped(codes),
      number(middle === undefined ? '–' : milliseconds(middle)),
      number(latencies.length === 0 ? '–' : milliseconds(Math.max(...latencies))),
      number(rates.length === 0 ? '–' : rateText(median(rates) ?? 0)),
    ];
  });
  return table(['Probe', '#Tries', '#Failed', 'With', '#Median', '#Slowest', '#Median rate'], rows);
}

export function receiptTable(run: ExperimentRun): string {
  const { played, receipts, rolledBack } = run;
  if (played.length === 0) return '<p>None was made.</p>';
  const rows = played.map((entry) => {
    const receipt = receipts.find((each) => each.id === entry.receipt);
    return [
      number(seconds(entry.at)),
      named(entry.name, `<code>${escaped(entry.what)}</code>`),
      receipt === undefined ? '' : named(receipt.id, escaped(`at ${placesOf(receipt)}`)),
      inForce(entry, receipt, run),
      entry.failed === undefined
        ? escaped(receipt === undefined ? '' : affectedText(receipt))
        : `<span class="bad">${escaped(entry.failed)}</span>`,
    ];
  });
  const end = rolledBack.length === 0 ? 'nothing: all was healed before' : rolledBack.join(', ');
  return `${table(['#Asked at', 'Entry', 'Receipt', 'In force', 'Affected'], rows)}<p class="facts">Rolled back at the end: ${escaped(end)}.</p>`;
}

function placesOf({ applied }: Receipt): string {
  return applied.map(({ at }) => at).join(', ');
}

function inForce({ done, fault }: Played, receipt: Receipt | undefined, { began }: ExperimentRun): string {
  if (!fault)
    return done === undefined
      ? ''
      : `<span class="nowrap">${escaped(`in effect at ${seconds(done)}`)}</span>`;
  if (receipt === undefined) return '';
  const at = (time: string) => seconds(Date.parse(time) - began);
  const { from, until } = receipt;
  const exactly = escaped(`${from} to ${until ?? 'now'}`);
  return `<span class="nowrap" title="${exactly}">${escaped(`${at(from)} to ${until === null ? 'now' : at(until)}`)}</span>`;
}

export function eventTable({ events, experiment }: ExperimentRun): string {
  const shown = events.filter(({ at }) => at >= -experiment.hold);
  if (shown.length === 0) return '<p>Nothing.</p>';
  return table(
    ['#At', 'Device', 'Event'],
    shown.map(({ at, device, happened, lastLines = [] }) => [
      number(seconds(at)),
      escaped(device),
      escaped(happened) + (lastLines.length === 0 ? '' : `<pre>${escaped(lastLines.join('\n'))}</pre>`),
    ]),
  );
}

/** A name, and below it what it is. */
function named(name: string | undefined, what: string): string {
  return name === undefined ? what : `<strong>${escaped(name)}</strong><div class="what">${what}</div>`;
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
