import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { probeSchema } from '../../orchestrator/experiment/probe-schema.ts';
import { stacked } from '../../orchestrator/experiment/report/bands.ts';
import { writeReport } from '../../orchestrator/experiment/report/write-report.ts';
import { judge } from '../../orchestrator/experiment/verdict.ts';
import { expectation, failed, fault, ok, played, receipt, run } from './made-run.ts';

const NASTY = `<script>alert("x")</script> & 'quotes' \u0000\u001b[31m ünïcode 🥫`;

const downloads = probeSchema.parse({
  ...{ name: 'page', type: 'throughput', from: 'laptop', target: 'http://www.example.com/' },
});

const plain = run({
  expect: [
    expectation({ that: 'unaffected', probe: 'page' }),
    expectation({ that: 'recovers', probe: 'page', within: '1s', after: 'repair' }),
  ],
  samples: [ok(-300), ok(100), failed(1200, 500, 'ETIMEDOUT', { reason: NASTY }), ok(3200, 40)],
  played: [fault('outage', 1000, { what: `cut ${NASTY}` }), played('repair', 3000)],
  receipts: [receipt({ cut: 7 })],
  rolledBack: ['f1'],
  events: [
    { at: 1100, device: 'isp', happened: NASTY, lastLines: [NASTY], state: 'crashed' },
    { at: 3100, device: 'isp', happened: 'ready', state: 'ready' },
  ],
  lags: [{ device: 'isp', at: 1, lag: 300 }],
  troubles: [NASTY],
});

/** Whatever a file may say is there in its worst form. */
const made = {
  ...plain,
  experiment: {
    ...plain.experiment,
    why: NASTY,
    file: NASTY,
    probes: [...plain.experiment.probes.map((probe) => ({ ...probe, target: NASTY })), downloads],
  },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'report-'));
  await mkdir(join(folder, 'captures'));
  await writeFile(join(folder, 'captures', 'uplink.pcapng'), '');
  await mkdir(join(folder, 'logs'));
  await writeFile(join(folder, 'logs', 'isp.jsonl'), '');
  await writeReport(folder, made, judge(made));
});
afterAll(() => rm(folder, { recursive: true }));

/** Elements of markup in which every one is closed, as their names and attributes. @throws Error if it is not well-formed */
function elementsOf(text: string): { name: string; attributes: Record<string, string> }[] {
  const open: string[] = [];
  const elements: { name: string; attributes: Record<string, string> }[] = [];
  const content = text.replace(/^<(\?xml|!doctype)[^>]*>/, '').replaceAll(/<style>[^<]*<\/style>/g, '');
  let end = 0;
  for (const match of content.matchAll(/<(\/?)([a-zA-Z][\w-]*)((?:\s+[\w:-]+="[^"<>]*")*)\s*(\/?)>/g)) {
    checkText(content.slice(end, match.index));
    end = match.index + match[0].length;
    const [, closes, name = '', attributes = '', empty] = match;
    if (closes) expect(open.pop()).toBe(name);
    else {
      const pairs = [...attributes.matchAll(/([\w:-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value]);
      for (const [, value] of pairs) checkText(value ?? '');
      expect(new Set(pairs.map(([key]) => key)).size).toBe(pairs.length);
      elements.push({ name, attributes: Object.fromEntries(pairs) as Record<string, string> });
      if (!empty) open.push(name);
    }
  }
  checkText(content.slice(end));
  expect(open).toEqual([]);
  return elements;
}

/** No markup and no bare ampersand is left in what stands between elements. */
function checkText(text: string): void {
  expect(text.replaceAll(/&(amp|lt|gt|quot);/g, '')).not.toMatch(/[<>&]/);
}

describe('the page', () => {
  test('is well-formed, and needs nothing from elsewhere', async () => {
    const page = await readFile(join(folder, 'index.html'), 'utf8');
    const elements = elementsOf(page);
    const names = elements.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['title', 'svg', 'table']));
    expect(elements.filter(({ name }) => ['script', 'link', 'img', 'iframe'].includes(name))).toEqual([]);
    const links = elements.flatMap(({ attributes: { href, src } }) =>
      [href, src].flatMap((link) => link ?? []),
    );
    expect(links).toEqual(['captures/uplink.pcapng', 'logs/isp.jsonl', 'report.json', 'junit.xml']);
    expect(page).not.toMatch(/url\(|@import/);
  });

  test('shows the verdict, the fault over the probe, and the overload', async () => {
    const page = await readFile(join(folder, 'index.html'), 'utf8');
    const classes = elementsOf(page).map(({ attributes }) => attributes.class);
    for (const name of ['badge failed', 'band hue0', 'mark', 'failure', 'ok', 'lane', 'warning', 'crashed'])
      expect(classes).toContain(name);
    expect(page).toContain('The timings are not to be trusted');
    expect(page).toContain('40 frames seen, cut 7');
    expect(page).toContain('Rolled back at the end: f1.');
    expect(page).not.toContain('NaN');
    expect(page).not.toContain('undefined');
  });

  test('of a run that came to nothing is well-formed too', async () => {
    const nothing = run({ ran: 0, unsteady: 'nothing answered', samples: [] });
    await writeReport(folder, nothing, judge(nothing));
    const page = await readFile(join(folder, 'index.html'), 'utf8');
    elementsOf(page);
    expect(page).not.toMatch(/NaN|Infinity|undefined/);
    await writeReport(folder, made, judge(made));
  });
});

test('the JUnit XML has a case a verdict', async () => {
  const xml = await readFile(join(folder, 'junit.xml'), 'utf8');
  expect(xml).toMatch(/^<\?xml version="1.0" encoding="UTF-8"\?>\n/);
  const elements = elementsOf(xml);
  const { verdicts } = judge(made);
  const failures = verdicts.filter(({ passed }) => !passed).length;
  expect(elements.filter(({ name }) => name === 'testcase')).toHaveLength(verdicts.length);
  expect(elements.filter(({ name }) => name === 'failure')).toHaveLength(failures);
  expect(elements.find(({ name }) => name === 'testsuite')?.attributes).toMatchObject({
    name: 'made',
    tests: String(verdicts.length),
    failures: String(failures),
  });
});

test('the JSON has it all', async () => {
  const report = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8')) as Record<string, unknown>;
  expect(report).toMatchObject({
    experiment: 'made',
    passed: false,
    timingsTrusted: false,
    receipts: [{ id: 'f1' }],
    timeline: [{ name: 'outage' }, { name: 'repair' }],
  });
  expect(report.samples).toHaveLength(4);
});

test('what overlaps is in rows of its own', () => {
  const spans = [[0, 10] as const, [5, 15] as const, [10, 20] as const, [12, 13] as const];
  const rows = stacked(spans, ([from, until]) => ({ from, until })).map(({ row }) => row);
  expect(rows).toEqual([0, 1, 0, 2]);
});
