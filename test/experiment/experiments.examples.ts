// Every example, on real nets, by the command line; each with the report that it leaves.

import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab } from '../support/lab.ts';

const EXAMPLES = join(import.meta.dirname, '../experiments');

/** Side by side: they wait far more than they work. */
const AT_ONCE = 2;

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
  readonly timingsTrusted: boolean;
  readonly receipts: readonly { readonly until: string | null }[];
  readonly samples: readonly unknown[];
}

interface Attempt {
  readonly file: string;
  readonly exitCode: number | undefined;
  readonly output: string;
  readonly report: Report;
}

async function attempt(file: string): Promise<Attempt> {
  const { stdout, stderr, exitCode } = await lab.run('run', join(EXAMPLES, file), '--out', out);
  const text = await readFile(join(folderOf(file), 'report.json'), 'utf8');
  return { file, exitCode, output: stdout + stderr, report: JSON.parse(text) as Report };
}

function folderOf(file: string): string {
  return join(out, basename(file, '.json'));
}

test('all examples pass, and leave whole reports', async () => {
  const waiting = (await readdir(EXAMPLES)).filter((name) => name.endsWith('.json'));
  const attempts: Attempt[] = [];
  const sideBySide = Array.from({ length: AT_ONCE }, async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift())
      attempts.push(await attempt(file));
  });
  await Promise.all(sideBySide);
  expect(attempts.length).toBeGreaterThanOrEqual(9);
  // A run that says that its timings are not to be trusted proves nothing: that one is made again, alone.
  for (const first of attempts)
    await passes(first.report.passed || first.report.timingsTrusted ? first : await attempt(first.file));
}, 180_000);

async function passes({ file, exitCode, output, report }: Attempt): Promise<void> {
  expect(exitCode, output).toBe(0);
  expect(report.passed).toBe(true);
  expect(report.samples.length).toBeGreaterThan(10);
  expect(report.receipts.every(({ until }) => until !== null)).toBe(true);
  const folder = folderOf(file);
  const captures = await readdir(join(folder, 'captures'));
  expect(captures).not.toEqual([]);
  for (const capture of captures)
    expect((await stat(join(folder, 'captures', capture))).size).toBeGreaterThan(1000);
  expect((await stat(join(folder, 'logs', 'router.jsonl'))).size).toBeGreaterThan(0);
  expect(await readFile(join(folder, 'index.html'), 'utf8')).toContain('>passed<');
  expect(await readFile(join(folder, 'junit.xml'), 'utf8')).toContain('failures="0"');
}

describe('the command', () => {
  test('says what is wrong with a file, and ends with 2', async () => {
    const { exitCode, stderr, stdout } = await lab.run('run', join(EXAMPLES, 'none.json'));
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/none\.json: there is no such file; name an experiment/);
  });

  test('refuses a net of another name and bad numbers', async () => {
    const file = join(EXAMPLES, 'split-lan.json');
    expect((await lab.run('run', file, '--net', 'home')).exitCode).toBe(2);
    expect((await lab.run('run', file, '--repeat', '0')).exitCode).toBe(2);
    expect((await lab.run('run', file, '--seed', '-1')).exitCode).toBe(2);
  });

  test('repeats with a seed, prints JSON, fails with 1 for a fault that touched nothing, and leaves no net', async () => {
    const file = join(lab.folder, 'idle.json');
    const experiment = {
      name: 'idle',
      net: join(import.meta.dirname, '../../topology.json'),
      steadyState: {
        hold: '100ms',
        probes: [{ name: 'ping', type: 'ping', from: 'laptop', target: '192.168.0.1' }],
      },
      timeline: [{ at: '100ms', name: 'unseen', do: 'impair', cable: 'isp-web', loss: '100%' }],
      duration: '300ms',
      expect: [{ that: 'unaffected', probe: 'ping' }],
      capture: [],
    };
    await writeFile(file, JSON.stringify(experiment));
    const { exitCode, stdout } = await lab.run(
      'run',
      file,
      '--repeat',
      '2',
      '--seed',
      '5',
      '--json',
      '--out',
      out,
    );
    expect(exitCode).toBe(1);
    const reports = JSON.parse(stdout) as {
      report: string;
      seed: number;
      passed: boolean;
      verdicts: { seen: string }[];
    }[];
    expect(reports).toMatchObject([
      { report: join(out, 'idle-1'), seed: 5, passed: false },
      { report: join(out, 'idle-2'), seed: 5, passed: false },
    ]);
    expect(reports[0]?.verdicts[1]?.seen).toContain('none affected');
    const left = await lab.run('ps', '--json');
    expect(left.exitCode).toBe(1);
  });
});
