import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ExperimentError } from '../../orchestrator/experiment/experiment-error.ts';
import { loadExperiment } from '../../orchestrator/experiment/load.ts';
import { experimentJsonSchema } from '../../orchestrator/experiment/schema.ts';

const ROOT = join(import.meta.dirname, '../..');
const EXAMPLES = join(ROOT, 'test/experiments');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'experiment-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A file that a test breaks somewhere. */
interface Loose {
  [key: string]: unknown;
  name?: unknown;
  net: unknown;
  timeline: Record<string, unknown>[];
  expect: Record<string, unknown>[];
  steadyState: { probes: Record<string, unknown>[] };
}

function good(): Loose {
  return {
    name: 'good',
    net: join(ROOT, 'topology.json'),
    steadyState: {
      probes: [{ name: 'page', type: 'http', from: 'laptop', target: 'http://www.example.com/' }],
    },
    timeline: [
      { at: '2s', name: 'repair', do: 'heal', faults: ['outage'] },
      { at: '1s', name: 'outage', do: 'cut', cable: 'uplink' },
    ],
    expect: [{ that: 'recovers', probe: 'page', within: '2s', after: 'repair' }],
  };
}

async function load(value: unknown, name = 'experiment.json') {
  const file = join(folder, name);
  await writeFile(file, typeof value === 'string' ? value : JSON.stringify(value));
  return loadExperiment(file);
}

/** `path: problem; mend` of every fault. */
async function faultsOf(value: unknown, name?: string): Promise<string[]> {
  try {
    await load(value, name);
  } catch (error) {
    if (!(error instanceof ExperimentError)) throw error;
    expect(error.exitCode).toBe(2);
    return error.faults.map(({ path, problem, mend }) => `${path}: ${problem}; ${mend}`);
  }
  return [];
}

test('a good file comes out in order, with what it leaves out', async () => {
  const experiment = await load(good());
  expect(experiment.timeline.map(({ name }) => name)).toEqual(['outage', 'repair']);
  expect(experiment).toMatchObject({ name: 'good', hold: 1000, duration: 4000, loopLag: 250 });
  expect(experiment.probes[0]).toMatchObject({ interval: 250, timeout: 1000 });
  expect(experiment.topology.name).toBe('home');
});

test('an inline topology and a seed', async () => {
  const net = { name: 'small', devices: { lone: { kind: 'host', interfaces: { eth0: {} } } }, cables: {} };
  const probes = [{ name: 'self', type: 'ping', from: 'lone', target: '127.0.0.1' }];
  const file = { name: 'x', net, seed: 7, steadyState: { probes }, timeline: [], expect: [] };
  expect((await load(file)).topology).toMatchObject({ name: 'small', seed: 7 });
});

describe('what is wrong is told with its place and what would be right', () => {
  test.each<[string, (file: Loose) => unknown, string]>([
    ['a name', (file) => (file.name = 'Not Good'), 'name: got "Not Good"; should be a name of'],
    ['no name', (file) => delete file.name, 'name: missing; should be a name of'],
    ['an unknown key', (file) => (file.timelin = []), 'timelin: unknown key; did you mean "timeline"?'],
    [
      'an unknown key of an action',
      (file) => (file.timeline[1]!.cabel = 'uplink'),
      'timeline[1].cabel: unknown key; did you mean "cable"?',
    ],
    [
      'an unknown key of a probe',
      (file) => (file.steadyState.probes[0]!.targets = 1),
      'steadyState.probes[0].targets: unknown key; did you mean "target"?',
    ],
    [
      'a bare number',
      (file) => (file.timeline[1]!.at = 5),
      'timeline[1].at: got 5; should be a duration with',
    ],
    [
      'a verb',
      (file) => (file.timeline[1]!.do = 'explode'),
      'timeline[1].do: got "explode"; should be an entry',
    ],
    [
      'an expectation',
      (file) => (file.expect[0]!.that = 'wins'),
      'expect[0].that: got "wins"; should be an expectation with a "that"',
    ],
    [
      'a type of probe',
      (file) => (file.steadyState.probes[0]!.type = 'smtp'),
      'steadyState.probes[0].type: got "smtp"; should be a probe with a "type"',
    ],
    [
      'a URL',
      (file) => (file.steadyState.probes[0]!.target = 'https://x/'),
      'steadyState.probes[0].target: got "https://x/"; should be an http:// URL',
    ],
    [
      'a cable',
      (file) => (file.timeline[1]!.cable = 'uplnk'),
      'timeline[1].cable: no cable "uplnk"; did you mean "uplink"?',
    ],
    [
      'a device',
      (file) => (file.steadyState.probes[0]!.from = 'labtop'),
      'steadyState.probes[0].from: no device "labtop"; did you mean "laptop"?',
    ],
    [
      'a probe',
      (file) => (file.expect[0]!.probe = 'pge'),
      'expect[0].probe: no probe "pge"; did you mean "page"?',
    ],
    [
      'an entry',
      (file) => (file.expect[0]!.after = 'repai'),
      'expect[0].after: no entry of the timeline is named "repai"; did you mean "repair"?',
    ],
    [
      'a fault to heal',
      (file) => (file.timeline[0]!.faults = ['repair']),
      'timeline[0].faults[0]: "repair" is no fault; name what broke something',
    ],
    [
      'a fault that comes later',
      (file) => (file.timeline[1]!.at = '3s'),
      'timeline[0].faults[0]: "outage" comes later; heal it after it was made',
    ],
    [
      'a name given twice',
      (file) => {
        file.timeline[0]!.name = 'outage';
        file.expect = [];
      },
      'timeline[1].name: "outage" is there already; give each a name of its own',
    ],
    [
      'too long to be seen',
      (file) => (file.expect[0]!.within = '5s'),
      'expect[0].within: the run ends 2 s after repair; make it shorter',
    ],
    [
      'beyond the end',
      (file) => (file.duration = '1500ms'),
      'timeline[0].at: after the end at 1.5 s; set it earlier',
    ],
    [
      'no bound',
      (file) => (file.expect = [{ that: 'failures', probe: 'page' }]),
      'expect[0]: neither "atLeast" nor "atMost"; give one or both',
    ],
    [
      'a rate of a ping',
      (file) => (file.expect = [{ that: 'rate', probe: 'page', atLeast: '1mbit' }]),
      'expect[0].probe: "page" is a http probe; name a probe of type throughput',
    ],
    [
      'a moment',
      (file) => (file.expect = [{ that: 'unaffected', probe: 'page', from: '5' }]),
      'expect[0].from: got "5"; should be a time after',
    ],
    [
      'an end',
      (file) =>
        (file.timeline[1] = {
          at: '1s',
          name: 'outage',
          do: 'impair',
          cable: 'uplink',
          from: 'web',
          loss: '5%',
        }),
      'timeline[1].from: "web" is no end of uplink; ',
    ],
    [
      'a loss without its sign',
      (file) => (file.timeline[1] = { at: '1s', name: 'outage', do: 'impair', cable: 'uplink', loss: '5' }),
      'timeline[1].loss: got "5"; should be a percentage',
    ],
    [
      'a captured cable',
      (file) => (file.capture = ['uplonk']),
      'capture[0]: no cable "uplonk"; did you mean "uplink"?',
    ],
    [
      'no steady state',
      (file) => (file.steadyState.probes[0]!.start = '1s'),
      'steadyState.probes: none runs before the timeline; ',
    ],
    ['the net', (file) => (file.net = 'nowhere.json'), 'net (nowhere.json): there is no such file; '],
    [
      'the net inside',
      (file) => (file.net = { name: 'x', devices: 3 }),
      'net.devices: got 3; should be devices by name',
    ],
  ])('%s', async (_, change, fault) => {
    const file = good();
    change(file);
    const faults = await faultsOf(file);
    expect(faults).toEqual([expect.stringContaining(fault)]);
    expect(faults[0]?.startsWith(fault)).toBe(true);
  });

  test('all at once', async () => {
    const file = { ...good(), name: 'Bad', extra: 1, net: { devices: 3 } };
    expect((await faultsOf(file)).length).toBeGreaterThanOrEqual(4);
  });

  test('a mistake in the JSON has its line', async () => {
    await expect(load('{\n  "name": good\n}')).rejects.toThrow(/experiment\.json:2:11: expected a value/);
  });

  test('a key that is given twice', async () => {
    const twice = JSON.stringify(good()).replace('"name":"good"', '"name":"good","name":"better"');
    expect(await faultsOf(twice)).toEqual([expect.stringContaining('name: given a second time on line 1')]);
  });

  test('a file that is not there', async () => {
    await expect(loadExperiment(join(folder, 'none.json'))).rejects.toThrow('there is no such file');
  });

  test('something that is no object', async () => {
    expect((await faultsOf('[]')).length).toBeGreaterThan(0);
    expect((await faultsOf('null')).length).toBeGreaterThan(0);
  });
});

test('the JSON Schema has every key and its description', () => {
  const schema = experimentJsonSchema();
  expect(Object.keys(schema.properties as object)).toEqual(
    expect.arrayContaining(['name', 'net', 'steadyState', 'timeline', 'expect', 'duration']),
  );
  expect(JSON.stringify(schema)).toContain('Silently drops what passes between two groups of devices.');
});

test('every example says what a real system shows, and is named as its file', async () => {
  const names = (await readdir(EXAMPLES)).filter((name) => name.endsWith('.json'));
  expect(names.length).toBeGreaterThanOrEqual(9);
  for (const name of names) {
    const { name: own, why, duration } = await loadExperiment(join(EXAMPLES, name));
    expect(`${own}.json`).toBe(name);
    expect(why?.length).toBeGreaterThan(200);
    expect(duration).toBeLessThanOrEqual(9000);
  }
});
