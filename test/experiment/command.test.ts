// tincan run on real nets, small ones: what it says, how it ends, and that nothing of it stays.

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isAlive, Lab, type PsReport } from '../support/lab.ts';

const PAIR = `
net:
  name: pair
  devices:
    laptop: { kind: host, interfaces: { eth0: { ipv4: 10.0.0.1/24, dns: [10.0.0.2] } } }
    server:
      kind: dns-server
      interfaces: { eth0: { ipv4: 10.0.0.2/24 } }
      dns: { zones: { example.com: { www: { A: [10.0.0.3] } } } }
    web:
      kind: web-server
      interfaces: { eth0: { ipv4: 10.0.0.3/24 } }
      http: { sites: { www.example.com: { answer: client-address } } }
    hub: { kind: switch, interfaces: { p1: {}, p2: {}, p3: {} } }
  cables:
    left: { ends: ['laptop:eth0', 'hub:p1'] }
    middle: { ends: ['server:eth0', 'hub:p2'] }
    right: { ends: ['web:eth0', 'hub:p3'] }
`;

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

async function file(name: string, text: string): Promise<string> {
  const path = join(lab.folder, name);
  await writeFile(path, text);
  return path;
}

/** What is left where nets run. */
async function left(): Promise<string[]> {
  return (await readdir(join(lab.folder, 'tincan'))).filter((name) => name !== '.lock');
}

describe('what is wrong', () => {
  test('with files: every fault of every file, exit code 2, and nothing starts', async () => {
    const bad = await file('bad.yaml', `name: Bad\n${PAIR}\ntimeline: []\nexpect: []\n`);
    const { exitCode, stderr, stdout } = await lab.run('run', bad, 'none.json', '--out', out);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr.split('\n').slice(0, 3)).toEqual([
      expect.stringMatching(/^tincan: .*bad\.yaml: name: got "Bad"; should be a name of/),
      expect.stringMatching(/bad\.yaml: steadyState: missing; should be an object/),
      expect.stringMatching(/none\.json: there is no such file; name an experiment/),
    ]);
    expect(await readdir(out)).toEqual([]);
  });

  test('with options', async () => {
    const good = join(import.meta.dirname, '../experiments/split-lan.yaml');
    const wrong = [['--net', 'home'], ['--repeat', '0'], ['--seed', '-1'], [good]];
    for (const more of wrong) expect((await lab.run('run', good, ...more)).exitCode).toBe(2);
    expect((await lab.run('run', good, '--out', '/dev/null')).stderr).toMatch(
      /^tincan: can't make the report folder \/dev\/null\/split-lan \(ENOTDIR\); name another with --out/,
    );
  });
});

test('every type of probe, and all that a report is made of', async () => {
  const path = await file(
    'probes.yaml',
    `name: probes
why: A cable comes off.
${PAIR}
seed: 7
steadyState:
  hold: 200ms
  probes:
    - { name: ping, type: ping, from: laptop, target: 10.0.0.3, timeout: 2s, bounds: { latency: 2s } }
    - { name: page, type: http, from: laptop, target: 'http://www.example.com/', timeout: 2s, bounds: { status: 200 } }
    - { name: lookup, type: dns, from: laptop, target: www.example.com, server: 10.0.0.2, timeout: 9s, bounds: { answer: 10.0.0.3 } }
    - { name: connect, type: tcp, from: laptop, target: 'www.example.com:80', timeout: 2s }
    - { name: load, type: throughput, from: laptop, target: 'http://www.example.com/bytes/20000', timeout: 2s, bounds: { rate: 1kbit } }
timeline:
  - { at: 100ms, name: outage, do: cut, cable: right }
  - { at: outage + 3s, name: repair, do: splice, cable: right }
duration: repair + 3s
capture: ['laptop:eth0', right]
expect:
${['ping', 'page', 'connect', 'load']
  .map(
    (probe) => `
  - { that: failures, probe: ${probe}, atLeast: 1, from: outage, until: repair }
  - { that: recovers, probe: ${probe}, within: 3s, after: repair }`,
  )
  .join('')}
  - { that: unaffected, probe: lookup }
  - { that: rate, probe: load, atLeast: 1kbit }
`,
  );
  const { exitCode, stdout, stderr } = await lab.run('run', path, '--out', out);
  expect(exitCode, stdout + stderr).toBe(0);
  expect(stdout).toMatch(/^probes: passed\n {2}ok {4}a steady state of 0\.20 s: it held, /);
  expect(stderr).toMatch(/probes: at \d\.\d\d s: cut right \(outage\)\nprobes: at \d\.\d\d s: splice right/);
  const folder = join(out, 'probes');
  expect((await readdir(folder)).sort()).toEqual([
    'captures',
    'index.html',
    'junit.xml',
    'logs',
    'report.json',
  ]);
  expect((await readdir(join(folder, 'captures'))).sort()).toEqual(['laptop.eth0.pcapng', 'right.pcapng']);
  expect((await readdir(join(folder, 'logs'))).sort()).toEqual([
    'hub.jsonl',
    'laptop.jsonl',
    'server.jsonl',
    'web.jsonl',
  ]);
  const report = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8')) as Record<string, unknown>;
  expect(report).toMatchObject({ experiment: 'probes', passed: true, seed: 7, receipts: [{ fault: 'cut' }] });
});

const BRIEF = `
steadyState:
  hold: 100ms
  probes: [{ name: ping, type: ping, from: laptop, target: 10.0.0.2, timeout: 5s }]
expect: [{ that: unaffected, probe: ping }]
capture: []
`;

test('repeats with a seed, prints JSON, and fails with 1 for a fault that touched nothing', async () => {
  const path = await file(
    'idle.yaml',
    `name: idle\n${PAIR}${BRIEF}
timeline: [{ at: 50ms, name: unseen, do: impair, cable: right, loss: 100% }]
duration: 200ms`,
  );
  const { exitCode, stdout } = await lab.run(
    ...['run', path, '--repeat', '2', '--seed', '5', '--json', '--out', out],
  );
  expect(exitCode).toBe(1);
  const reports = JSON.parse(stdout) as { verdicts: { seen: string }[] }[];
  expect(reports).toMatchObject([
    { report: join(out, 'idle-1'), seed: 5, passed: false },
    { report: join(out, 'idle-2'), seed: 5, passed: false },
  ]);
  expect(reports[0]?.verdicts[1]?.seen).toContain('none affected');
  expect(await left()).toEqual([]);
});

describe('in the middle of a run, with a device frozen and a cable cut', () => {
  /** Begins a run, and resolves when its faults are made. */
  async function begin(name: string) {
    const path = await file(
      `${name}.yaml`,
      `name: ${name}\n${PAIR}${BRIEF}
timeline: [{ at: 0s, name: hang, do: freeze, device: web }, { at: hang, name: last, do: cut, cable: left }]
duration: 10m`,
    );
    const running = lab.spawn(['run', path, '--out', out]);
    await new Promise<void>((resolve) => {
      running.stderr?.on('data', (data: Buffer) => {
        if (data.includes('(last)')) resolve();
      });
    });
    const net = (await left()).find((name) => name.startsWith('pair-'))!;
    const { devices } = JSON.parse(await lab.ok('ps', '--net', net, '--json')) as PsReport;
    return { running, pids: devices.map(({ pid }) => pid ?? 0) };
  }

  test('Ctrl-C rolls back, writes the report, and leaves nothing', async () => {
    const { running, pids } = await begin('interrupted');
    running.kill('SIGINT');
    const { exitCode, stdout } = await running;
    expect(exitCode).toBe(130);
    expect(stdout).toContain('FAIL  the run itself goes well: it was interrupted');
    const report = JSON.parse(await readFile(join(out, 'interrupted/report.json'), 'utf8')) as {
      receipts: { fault: string; until: string | null }[];
    };
    expect(report.receipts.map(({ fault }) => fault)).toEqual(['freeze', 'cut']);
    expect(report.receipts.every(({ until }) => until !== null)).toBe(true);
    expect(await Promise.all(pids.map(isAlive))).toEqual([false, false, false, false]);
    expect(await left()).toEqual([]);
  });

  test('kill -9 leaves nothing either, frozen devices included', async () => {
    const { running, pids } = await begin('killed');
    running.kill('SIGKILL');
    await running;
    await expect
      .poll(async () => [...(await Promise.all(pids.map(isAlive))), ...(await left())], { timeout: 2000 })
      .toEqual([false, false, false, false]);
  });

  test('a device that dies for no fault of the timeline fails the run, without a long wait', async () => {
    const { running, pids } = await begin('crashed');
    process.kill(pids[1]!, 'SIGKILL');
    running.kill('SIGINT');
    const { stdout } = await running;
    expect(stdout).toContain('server is crashed (SIGKILL)');
    expect(await left()).toEqual([]);
  });
});
