import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
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

test('a good file comes out with what it leaves out', async () => {
  const experiment = await load(good());
  expect(experiment.timeline.map(({ name, at }) => [name, at.offset])).toEqual([
    ['repair', 2000],
    ['outage', 1000],
  ]);
  expect(experiment).toMatchObject({ name: 'good', hold: 1000, duration: undefined, loopLag: 250 });
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
      'timeline[1].at: got 5; should be a time after the timeline began, such as "5s", or',
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
      'a port',
      (file) => Object.assign(file.steadyState.probes[0]!, { type: 'tcp', target: 'www.example.com:70000' }),
      'steadyState.probes[0].target: got "www.example.com:70000"; should be host:port',
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
      'expect[0].probe: "page" is a probe of type http; name a probe of type throughput',
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
      'a share of loss and bursts at once',
      (file) => Object.assign(file.timeline[1]!, { do: 'impair', loss: '5%', gemodel: '1% 25%' }),
      'timeline[1]: frames are lost in one way; loss or gemodel, not both',
    ],
    [
      'jitter without a delay',
      (file) => Object.assign(file.timeline[1]!, { do: 'impair', jitter: '5ms' }),
      'timeline[1].jitter: more than the delay, which is 0 ms; lower it',
    ],
    [
      'a server that is none',
      (file) =>
        (file.timeline[1] = {
          ...{ at: '1s', name: 'outage', do: 'misbehave' },
          ...{ device: 'web', service: 'dns', silent: true },
        }),
      'timeline[1]: web is no DNS server; ',
    ],
    [
      'a device on both sides',
      (file) =>
        (file.timeline[1] = { at: '1s', name: 'outage', do: 'partition', groups: [['web'], ['isp', 'web']] }),
      'timeline[1]: web is in both groups; a device always reaches itself',
    ],
    [
      'an interface of a blackhole',
      (file) => (file.timeline[1] = { at: '1s', name: 'outage', do: 'blackhole', where: 'isp:hom' }),
      'timeline[1].where: no interface "hom" on isp; did you mean "home"?',
    ],
    [
      'a table that is not there',
      (file) => file.timeline.push({ at: '1s', do: 'flush', device: 'laptop', table: 'nat' }),
      'timeline[2]: laptop has no NAT table; ',
    ],
    [
      'a start of what is on',
      (file) => file.timeline.push({ at: '1s', do: 'start', device: 'web' }),
      'timeline[2].device: no kill or stop of "web" comes before; name what is broken, or leave this out',
    ],
    [
      'a thaw before the freeze',
      (file) =>
        file.timeline.push(
          { at: '1s', do: 'thaw', device: 'web' },
          { at: '2s', do: 'freeze', device: 'web' },
        ),
      'timeline[2].device: no freeze of "web" comes before; ',
    ],
    [
      'a splice of another cable',
      (file) => file.timeline.push({ at: '2s', do: 'splice', cable: 'isp-web' }),
      'timeline[2].cable: no cut of "isp-web" comes before; ',
    ],
    [
      'healing what is over at once',
      (file) => (file.timeline[1] = { at: '1s', name: 'outage', do: 'restart', device: 'web' }),
      'timeline[0].faults[0]: "outage" is a restart, which is over at once; leave it out',
    ],
    [
      'a cause that there is not',
      (file) => (file.expect[0] = { that: 'affected', fault: 'outage', cause: 'los', atLeast: 1 }),
      'expect[0].cause: got "los"; should be one of "loss", ',
    ],
    [
      'a cause that the fault can not have',
      (file) => (file.expect[0] = { that: 'affected', fault: 'outage', cause: 'loss', atLeast: 1 }),
      'expect[0].cause: no cut affects frames by loss; name cut, or leave it out',
    ],
    [
      'bounds the wrong way round',
      (file) => (file.expect[0] = { that: 'failures', probe: 'page', atLeast: 3, atMost: 1 }),
      'expect[0]: its "atLeast" is more than its "atMost"; exchange them',
    ],
    [
      'an entry after one that is not there',
      (file) => (file.timeline[0]!.at = 'outge + 1s'),
      'timeline[0].at: no entry of the timeline is named "outge"; did you mean "outage"?',
    ],
    [
      'an end after an entry that is not there',
      (file) => Object.assign(file, { duration: 'repare + 1s' }),
      'duration: no entry of the timeline is named "repare"; did you mean "repair"?',
    ],
    [
      'more time than there is after an entry',
      (file) => Object.assign(file, { duration: 'repair + 1s' }),
      'expect[0].within: the run ends 1 s after repair; make it shorter',
    ],
    [
      'a captured end',
      (file) => (file.capture = ['router:lan3']),
      'capture[0]: no cable ends at "lan3" of router; ',
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

  test('entries that wait for each other', async () => {
    const file = good();
    file.timeline[1]!.at = 'repair + 1s';
    file.timeline[0]!.at = 'outage + 1s';
    expect(await faultsOf(file)).toEqual([
      'timeline[0].at: waits, by way of others, for itself; give one of them a plain time',
      'timeline[1].at: waits, by way of others, for itself; give one of them a plain time',
    ]);
  });

  test('all at once: what is wrong in one place hides nothing that is wrong elsewhere', async () => {
    const file = good();
    file.name = 'Bad';
    file.timeline[0]!.at = 5;
    file.timeline[1]!.cable = 'uplonk';
    file.expect[0]!.probe = 'pge';
    file.expect.push({ that: 'recovers', probe: 'page', within: '2s', after: 'repair' });
    expect((await faultsOf(file)).map((fault) => fault.split(':')[0]).sort()).toEqual([
      'expect[0].probe',
      'name',
      'timeline[0].at',
      'timeline[1].cable',
    ]);
    const worse = { ...good(), extra: 1, net: { devices: 3 } };
    expect((await faultsOf(worse)).length).toBeGreaterThanOrEqual(2);
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

test('the JSON Schema in the repository is that of the checks (vitest -u writes it)', async () => {
  const text = `${JSON.stringify(experimentJsonSchema(), null, 2)}\n`;
  expect(text).toContain('Silently drops what passes between two groups of devices.');
  await expect(text).toMatchFileSnapshot('../../orchestrator/experiment/schema.json');
});

test('the experiment of the README is one', async () => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  const [, text = ''] = /```yaml\n(.*?)```/s.exec(readme) ?? [];
  const file = text.replace('net: topology.json', `net: ${join(ROOT, 'topology.json')}`);
  expect((await load(file, 'outage.yaml')).expect).toHaveLength(5);
});

test('every example says what a real system shows, and is named as its file', async () => {
  const names = (await readdir(EXAMPLES)).filter((name) => name.endsWith('.yaml'));
  expect(names.length).toBeGreaterThanOrEqual(9);
  for (const name of names) {
    const { name: own, why } = await loadExperiment(join(EXAMPLES, name));
    expect(`${own}.yaml`).toBe(name);
    expect(why?.length).toBeGreaterThan(200);
  }
});
