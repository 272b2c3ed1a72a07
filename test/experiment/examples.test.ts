// Every example, on real nets, by the command line; each with the report that it leaves.

import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab } from '../support/lab.ts';

const EXAMPLES = join(import.meta.dirname, '../experiments');

/** Side by side: they wait far more than they work. */
const AT_ONCE = 3;

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

test('all examples pass, and leave whole reports', async () => {
  const files = (await readdir(EXAMPLES)).filter((name) => name.endsWith('.json'));
  const waiting = [...files];
  const work = Array.from({ length: AT_ONCE }, async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) await passes(file);
  });
  await Promise.all(work);
}, 120_000);

async function passes(file: string): Promise<void> {
  const { stdout, stderr, exitCode } = await lab.run('run', join(EXAMPLES, file), '--out', out);
  expect(exitCode, stdout + stderr).toBe(0);
  const folder = join(out, basename(file, '.json'));
  const report = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8')) as Report;
  expect(report.passed).toBe(true);
  expect(report.samples.length).toBeGreaterThan(10);
  expect(report.receipts.every(({ until }) => until !== null)).toBe(true);
  expect((await stat(join(folder, 'captures', 'uplink.pcapng'))).size).toBeGreaterThan(0);
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
