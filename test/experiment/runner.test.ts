import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { actionSchema } from '../../orchestrator/experiment/actions.ts';
import type { Experiment } from '../../orchestrator/experiment/experiment.ts';
import type { ExperimentRun } from '../../orchestrator/experiment/experiment-run.ts';
import { probeSchema } from '../../orchestrator/experiment/probe-schema.ts';
import { runExperiment } from '../../orchestrator/experiment/runner.ts';
import { judge } from '../../orchestrator/experiment/verdict.ts';
import { FakeNet } from './fake-net.ts';
import { base, expectation } from './made-run.ts';

let net: FakeNet;
let folder: string;
beforeEach(async () => {
  net = await FakeNet.create();
  folder = await mkdtemp(join(tmpdir(), 'report-'));
});
afterEach(async () => {
  await rm(net.logFolder, { recursive: true });
  await rm(folder, { recursive: true });
});

const page = probeSchema.parse({
  name: 'page',
  type: 'http',
  from: 'laptop',
  target: 'http://www.example.com/',
  interval: '20ms',
});

function experiment(more: Partial<Experiment> = {}): Experiment {
  return {
    ...base,
    probes: [page],
    hold: 50,
    steadyTimeout: 500,
    timeline: [
      actionSchema.parse({ at: '50ms', name: 'outage', do: 'cut', cable: 'uplink' }),
      actionSchema.parse({ at: '150ms', name: 'repair', do: 'heal', faults: ['outage'] }),
    ],
    expect: [],
    duration: { offset: 300 },
    capture: ['uplink'],
    ...more,
  };
}

function run(
  what: Experiment,
  signal = new AbortController().signal,
  open = async () => net,
): Promise<ExperimentRun> {
  const progress = { phase() {}, sample() {}, played() {} };
  return runExperiment(what, { open, folder, progress, signal });
}

test('plays the timeline, rolls back, keeps captures and logs, and takes the net down', async () => {
  const seen = await run(experiment());
  expect(net.done).toEqual(['cut', 'heal f1', 'heal all', 'heal all', 'captured uplink', 'closed']);
  expect(await readdir(join(folder, 'captures'))).toEqual(['uplink.pcapng']);
  expect(await readdir(join(folder, 'logs'))).toEqual(['laptop.jsonl']);
  expect(seen.troubles).toEqual([]);
  expect(seen.played).toMatchObject([
    { name: 'outage', what: 'cut uplink', fault: true, receipt: 'f1' },
    { name: 'repair', what: 'heal outage', fault: false },
  ]);
  expect(seen.receipts).toMatchObject([{ id: 'f1', affected: { cut: 3 } }]);
  expect(seen.events).toMatchObject([{ device: 'isp', happened: 'crashed' }]);
  const [outage, repair] = seen.played;
  const between = seen.samples.filter(({ at }) => at > outage!.at && at < repair!.at);
  expect(between.length).toBeGreaterThan(0);
  expect(between.every(({ ok, code }) => !ok && code === 'ECONNREFUSED')).toBe(true);
  expect(seen.samples.filter(({ at }) => at < 0).every(({ ok }) => ok)).toBe(true);
  expect(judge(seen).passed).toBe(true);
});

test('what is in force at the end is rolled back, and the run says what that was', async () => {
  const [outage] = experiment().timeline;
  const seen = await run(experiment({ timeline: [outage!] }));
  expect(seen.rolledBack).toEqual(['f1']);
  expect(seen.receipts[0]?.until).not.toBeNull();
  expect((await run(experiment())).rolledBack).toEqual([]);
});

test('each request has an id of its own, and answers are counted by it', async () => {
  const seen = await run(experiment({ expect: [expectation({ that: 'answered-once', probe: 'page' })] }));
  const ids = seen.samples.map(({ request }) => request);
  expect(new Set(ids).size).toBe(ids.length);
  const good = seen.samples.filter(({ ok }) => ok);
  expect(good.every(({ request }) => seen.answers[request!] === 1)).toBe(true);
});

test.each([
  ['splice', { cable: 'uplink' }],
  ['heal', {}],
  ['heal', { faults: ['outage'] }],
])('a %s %o waits for the fault that it mends', async (verb, what) => {
  const cut = net.break.bind(net);
  net.break = async (action) => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return cut(action);
  };
  const timeline = [
    actionSchema.parse({ at: '10ms', name: 'outage', do: 'cut', cable: 'uplink' }),
    actionSchema.parse({ at: '20ms', name: 'repair', do: verb, ...what }),
  ];
  const seen = await run(experiment({ timeline }));
  expect(net.done[0]).toBe('cut');
  const [outage, repair] = seen.played;
  expect(repair!.at).toBeLessThan(outage!.done!);
  expect(repair!.done).toBeGreaterThanOrEqual(outage!.done!);
});

test('an entry, a probe and the end may wait for another entry to be in effect', async () => {
  const cut = net.break.bind(net);
  net.break = async (action) => {
    await new Promise((resolve) => setTimeout(resolve, 150));
    return cut(action);
  };
  const timeline = [
    actionSchema.parse({ at: 'outage + 50ms', name: 'repair', do: 'splice', cable: 'uplink' }),
    actionSchema.parse({ at: '10ms', name: 'outage', do: 'cut', cable: 'uplink' }),
  ];
  const late = probeSchema.parse({ ...page, name: 'late', interval: '20ms', timeout: '1s', start: 'repair' });
  const duration = { entry: 'repair', offset: 100 };
  const seen = await run(experiment({ timeline, duration, probes: [page, late] }));
  const [outage, repair] = seen.played;
  expect([outage?.name, repair?.name]).toEqual(['outage', 'repair']);
  // A timer counts whole ms, and so goes off up to one early.
  expect(repair!.at).toBeGreaterThan(outage!.done! + 50 - 1);
  expect(seen.ran).toBeGreaterThan(repair!.done! + 100 - 1);
  const began = seen.samples.filter(({ probe }) => probe === 'late').map(({ at }) => at);
  expect(Math.min(...began)).toBeGreaterThan(repair!.done! - 1);
});

test('an entry that waits for one that fails is told as failed too', async () => {
  const timeline = [
    actionSchema.parse({ at: '0s', name: 'amnesia', do: 'flush', device: 'router', table: 'nat' }),
    actionSchema.parse({ at: 'amnesia + 10ms', name: 'outage', do: 'cut', cable: 'uplink' }),
    actionSchema.parse({ at: 'outage', do: 'heal' }),
  ];
  const seen = await run(experiment({ timeline, duration: { entry: 'outage', offset: 60_000 } }));
  expect(seen.played.map(({ failed }) => failed)).toEqual([
    'nothing to flush',
    'amnesia was not in effect before',
    'outage was not in effect before',
  ]);
});

test('without a steady state no fault is made', async () => {
  net.broken.set('f0', (await net.receipts())[0]!);
  const seen = await run(experiment());
  expect(seen.unsteady).toContain('page fails with ECONNREFUSED: refused');
  expect(seen.played).toEqual([]);
  expect(net.done).not.toContain('cut');
  expect(net.done.at(-1)).toBe('closed');
  expect(judge(seen).passed).toBe(false);
});

test('a fault that fails is told, and the rest goes on', async () => {
  const flush = actionSchema.parse({
    at: '10ms',
    name: 'amnesia',
    do: 'flush',
    device: 'router',
    table: 'nat',
  });
  const seen = await run(experiment({ timeline: [flush, ...experiment().timeline] }));
  expect(seen.played[0]).toMatchObject({ name: 'amnesia', failed: 'nothing to flush' });
  expect(seen.played).toHaveLength(3);
  expect(judge(seen).passed).toBe(false);
});

test('a net that does not boot is a trouble of the run', async () => {
  const seen = await run(experiment(), undefined, async () => {
    throw new Error('no place for a net');
  });
  expect(seen.troubles).toEqual(['no place for a net']);
  expect(judge(seen).passed).toBe(false);
});

test('an interrupted run is rolled back all the same', async () => {
  const stop = new AbortController();
  const open = async () => {
    setTimeout(() => stop.abort(), 150);
    return net;
  };
  const seen = await run(experiment({ duration: { offset: 60_000 } }), stop.signal, open);
  expect(net.done.slice(-4)).toEqual(['heal all', 'heal all', 'captured uplink', 'closed']);
  expect(seen.troubles).toContain('it was interrupted');
  expect(seen.ran).toBeLessThan(60_000);
});

test('an interrupted run waits for no answer', async () => {
  const stop = new AbortController();
  const ask = net.ask.bind(net);
  let asked = 0;
  net.ask = (probe, request) => {
    if (++asked < 20) return ask(probe, request);
    stop.abort();
    return new Promise(() => {});
  };
  const patient = { ...page, timeout: 3_600_000 };
  const seen = await run(
    experiment({ probes: [patient], timeline: [], duration: { offset: 60_000 } }),
    stop.signal,
  );
  expect(seen.samples.length).toBeGreaterThan(0);
  expect(seen.samples.every(({ ok }) => ok)).toBe(true);
  expect(net.done.at(-1)).toBe('closed');
});

test('what can not be rolled back fails the run', async () => {
  net.unhealable = true;
  const seen = await run(experiment());
  expect(seen.troubles).toEqual(['could not roll back: it would not heal']);
  expect(net.done.at(-1)).toBe('closed');
});

test('a device that lags makes the timings not to be trusted', async () => {
  net.loopLag = 400;
  const result = judge(await run(experiment()));
  expect(result.untrusted).toContain('isp got to its work 400 ms late');
});

test('a probe with a start runs from there on, as often as it is told', async () => {
  const late = probeSchema.parse({
    ...{ name: 'late', type: 'ping', from: 'laptop', target: '8.8.8.8' },
    interval: '10ms',
    start: 'outage + 20ms',
    count: 3,
  });
  const seen = await run(experiment({ probes: [page, late] }));
  const tries = seen.samples.filter(({ probe }) => probe === 'late');
  expect(tries).toHaveLength(3);
  expect(tries.every(({ at }) => at >= 69)).toBe(true);
});
