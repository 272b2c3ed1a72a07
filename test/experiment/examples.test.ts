// Every example, on a real net, by the command line, with the report that it leaves. What they expect follows
// however slow the machine is: outcomes and counts, and times only with much room.

import { readdirSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab } from '../support/lab.ts';

const EXAMPLES = join(import.meta.dirname, '../experiments');
const FILES = readdirSync(EXAMPLES).filter((name) => name.endsWith('.yaml'));

let lab: Lab;
let out: string;
beforeAll(async () => {
  lab = await Lab.create('experiments');
  out = await mkdtemp(join(tmpdir(), 'reports-'));
});
afterAll(async () => {
  await lab.close();
  await rm(out, { recursive: true, force: true });
});

interface Report {
  readonly passed: boolean;
  readonly receipts: readonly { readonly until: string | null }[];
  readonly samples: readonly unknown[];
}

test('there are as many as there should be', () => {
  expect(FILES.length).toBeGreaterThanOrEqual(9);
});

// Side by side, as vitest's maxConcurrency says: they wait far more than they work.
describe.concurrent('examples', () => {
  test.each(FILES)(
    '%s passes, and leaves a whole report',
    async (file) => {
      const { stdout, stderr, exitCode } = await lab.run('run', join(EXAMPLES, file), '--out', out);
      expect(exitCode, stdout + stderr).toBe(0);
      const folder = join(out, basename(file, '.yaml'));
      const report = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8')) as Report;
      expect(report.passed).toBe(true);
      expect(report.samples.length).toBeGreaterThan(10);
      expect(report.receipts.length).toBeGreaterThan(0);
      expect(report.receipts.every(({ until }) => until !== null)).toBe(true);
      const captures = await readdir(join(folder, 'captures'));
      expect(captures).not.toEqual([]);
      for (const capture of captures)
        expect((await stat(join(folder, 'captures', capture))).size).toBeGreaterThan(1000);
      expect((await stat(join(folder, 'logs', 'laptop.jsonl'))).size).toBeGreaterThan(0);
      expect(await readFile(join(folder, 'index.html'), 'utf8')).toContain('>passed<');
      expect(await readFile(join(folder, 'junit.xml'), 'utf8')).toContain('failures="0"');
    },
    120_000,
  );
});
