import { beforeEach, describe, expect, test } from 'vitest';
import { FaultManager } from '../../../orchestrator/faults/manager.ts';
import type { DeviceConfig } from '../../../shared/topology/device-config.ts';
import type { FilterRule } from '../../../shared/topology/faults.ts';
import { portsOf } from '../../../shared/topology/ports.ts';
import type { Topology } from '../../../shared/topology/types.ts';
import { loadTopology } from '../../../shared/topology/validate.ts';
import { FakeBench } from '../../support/fake-fault-bench.ts';

const FILE = new URL('../../../topology.json', import.meta.url).pathname;

let topology: Topology;
let bench: FakeBench;
let manager: FaultManager;

beforeEach(async () => {
  const loaded = await loadTopology(FILE);
  topology = {
    ...loaded,
    cables: loaded.cables.map((cable) =>
      cable.name === 'uplink' ? { ...cable, impairments: [{ delay: 8 }, { delay: 8, loss: 0.1 }] } : cable,
    ),
  };
  bench = new FakeBench(topology);
  bench.device('router').port('wan').impairment = { delay: 8 };
  bench.device('isp').port('home').impairment = { delay: 8, loss: 0.1 };
  bench.device('laptop').addresses = [{ interface: 'eth0', ipv4: '192.168.0.10/24' }];
  bench.device('phone').addresses = [{ interface: 'eth0', ipv4: '192.168.0.11/24' }];
  bench.device('web').addresses = [{ interface: 'eth0', ipv4: '93.184.216.34/24' }];
  bench.device('dns').addresses = [{ interface: 'eth0', ipv4: '8.8.8.8/24' }];
  bench.device('router').addresses = [
    { interface: 'lan', ipv4: '192.168.0.1/24' },
    { interface: 'wan', ipv4: '51.0.0.20/24' },
  ];
  manager = new FaultManager(bench);
});

const wan = () => bench.device('router').port('wan').impairment;
const home = () => bench.device('isp').port('home').impairment;

function configOf(name: string): DeviceConfig {
  const spec = topology.devices.find((device) => device.name === name)!;
  return manager.configure({ spec, ports: portsOf(topology, spec) } as unknown as DeviceConfig);
}

async function receipt(id: string) {
  const found = (await manager.faults()).find((each) => each.id === id);
  if (!found) throw new Error(`no receipt ${id}`);
  return found;
}

describe('impair', () => {
  test('sets each value without touching the others, and heals to what the topology says', async () => {
    await manager.impair({ cable: 'uplink', from: 'router', loss: '5%' });
    expect(wan()).toEqual({ delay: 8, loss: 0.05 });
    expect(home()).toEqual({ delay: 8, loss: 0.1 });
    await manager.impair({ cable: 'uplink', rate: '1mbit' });
    expect(wan()).toEqual({ delay: 8, loss: 0.05, rate: 1e6 });
    expect(home()).toEqual({ delay: 8, loss: 0.1, rate: 1e6 });
    await manager.heal();
    expect(wan()).toEqual({ delay: 8 });
    expect(home()).toEqual({ delay: 8, loss: 0.1 });
  });

  test('the newest fault that names a value has it; with it gone the older one has it again', async () => {
    await manager.impair({ cable: 'uplink', delay: '20ms', loss: '50%' });
    await manager.impair({ cable: 'uplink', delay: '30ms' });
    expect(wan()).toEqual({ delay: 30, loss: 0.5 });
    await manager.heal(['f1']);
    expect(wan()).toEqual({ delay: 30 });
    expect(home()).toEqual({ delay: 30, loss: 0.1 });
    await manager.impair({ cable: 'uplink', delay: '40ms' });
    await manager.heal(['f3']);
    expect(wan()).toEqual({ delay: 30 });
  });

  test('clear takes away what the topology says too, but what is named beside it', async () => {
    await manager.impair({ cable: 'uplink', clear: true, rate: '1gbit' });
    expect(wan()).toEqual({ rate: 1e9 });
    expect(home()).toEqual({ rate: 1e9 });
  });

  test('loss and bursts take the place of each other', async () => {
    await manager.impair({ cable: 'uplink', gemodel: '1% 25%' });
    expect(home()).toEqual({ delay: 8, gemodel: { p: 0.01, r: 0.25, bad: 1, good: 0 } });
    await manager.impair({ cable: 'uplink', loss: '2%' });
    expect(home()).toEqual({ delay: 8, loss: 0.02 });
  });

  test('quantities without units are refused, with the right form', async () => {
    await expect(manager.impair({ cable: 'uplink', delay: '50' })).rejects.toThrow(
      'delay "50" should be a duration with its unit (us, ms, s, m, h, d), such as "8ms"',
    );
    await expect(manager.impair({ cable: 'uplink', loss: '0.5' })).rejects.toThrow(/such as "0.1%"/);
    await expect(manager.impair({ cable: 'uplink', rate: '10' })).rejects.toThrow(/such as "100mbit"/);
    await expect(manager.impair({ cable: 'uplink' })).rejects.toThrow(/nothing named to set/);
    await expect(manager.impair({ cable: 'uplink', jitter: '9ms' })).rejects.toThrow(/more than the delay/);
    await expect(manager.impair({ cable: 'isp-web', reorder: '9%' })).rejects.toThrow(/no delay/);
    await expect(manager.impair({ cable: 'uplnk', loss: '1%' })).rejects.toThrow('did you mean "uplink"?');
    await expect(manager.impair({ cable: 'uplink', from: 'web', loss: '1%' })).rejects.toThrow(
      'it should be router:wan or isp:home',
    );
    expect(await manager.faults()).toEqual([]);
  });

  test('counts belong to the fault whose value was in force, exactly', async () => {
    const router = bench.device('router');
    router.send('wan', 100, { delay: 100, loss: 3 });
    await manager.impair({ cable: 'uplink', from: 'router', loss: '50%' });
    router.send('wan', 10, { loss: 5, delay: 5 });
    await manager.impair({ cable: 'uplink', from: 'router', loss: '90%', duplicate: '1%' });
    router.send('wan', 20, { loss: 18, delay: 3, duplicate: 1 });
    await manager.heal(['f2']);
    router.send('wan', 4, { loss: 2, delay: 2 });
    await manager.heal(['f1']);
    router.send('wan', 1000, { loss: 1 });
    expect(await receipt('f1')).toMatchObject({ seen: 34, affected: { loss: 7 } });
    expect(await receipt('f2')).toMatchObject({ seen: 20, affected: { loss: 18, duplicate: 1 } });
  });

  test('a device that was off takes it up when it starts, and counts from zero then', async () => {
    const router = bench.device('router');
    router.send('wan', 50, { loss: 9 });
    await manager.kill(['router']);
    const { applied } = await manager.impair({ cable: 'uplink', from: 'router', loss: '50%' });
    expect(applied).toMatchObject(
      [{ at: 'router:wan', confirmed: false, waits: /starts/ }].map((entry) => ({
        ...entry,
        waits: 'router is not running: it takes this up when it starts',
      })),
    );
    const { ports, faults } = configOf('router');
    expect(ports.find(({ name }) => name === 'wan')?.cable?.impairment).toEqual({ delay: 8, loss: 0.5 });
    expect(faults).toEqual({ cut: [], filters: [], misbehaviours: [] });
    await manager.start(['router']);
    router.send('wan', 6, { loss: 2 });
    expect(await receipt('f2')).toMatchObject({
      seen: 6,
      affected: { loss: 2 },
      applied: [{ confirmed: true }],
    });
    await manager.kill(['router']);
    expect(await receipt('f2')).toMatchObject({ seen: 6, affected: { loss: 2 } });
  });
});

describe('what can not be made everywhere is made nowhere', () => {
  test('an end that refuses: the other is as it was, and the error says so', async () => {
    bench.device('isp').refuses.add('impair');
    await expect(manager.impair({ cable: 'uplink', loss: '7%' })).rejects.toThrow(
      /^impair is not in effect: isp:home did not confirm it: isp refuses impair; undone at router:wan, isp:home$/,
    );
    expect(wan()).toEqual({ delay: 8 });
    expect(await manager.faults()).toEqual([]);
  });

  test('an end that does it when it is too late does what undoes it, too', async () => {
    const isp = bench.device('isp');
    isp.hang();
    const notConfirmed =
      /isp:home did not confirm it: no answer within 3000 ms; undone at router:wan; what became of it at isp:home is not known/;
    await expect(manager.impair({ cable: 'uplink', loss: '7%' })).rejects.toThrow(notConfirmed);
    await expect(manager.blackhole({ at: 'isp' })).rejects.toThrow(/isp did not confirm it/);
    isp.goOn();
    expect(home()).toEqual({ delay: 8, loss: 0.1 });
    expect(isp.standing.size).toBe(0);

    const dns = bench.device('dns');
    dns.hang();
    await expect(manager.cut('isp-dns')).rejects.toThrow(/dns:eth0 did not confirm it/);
    dns.goOn();
    expect(dns.calls).toEqual(['cut eth0', 'splice eth0']);
    expect(dns.port('eth0').cut).toBe(false);
    expect(await manager.faults()).toEqual([]);
  });

  test('an end that somebody freezes meanwhile is told what undoes it when it goes on', async () => {
    const isp = bench.device('isp');
    isp.hang(true);
    await expect(manager.cut('uplink')).rejects.toThrow(
      /undone at router:wan; what became of it at isp:home is not known/,
    );
    isp.goOn();
    expect(isp.port('home').cut).toBe(true);
    bench.changed();
    await manager.heal();
    await expect.poll(() => isp.port('home').cut).toBe(false);
  });

  test('a frozen end is not asked', async () => {
    await manager.freeze(['isp']);
    await expect(manager.impair({ cable: 'uplink', loss: '7%' })).rejects.toThrow(
      "isp is frozen and can't confirm it; nothing was changed; thaw first: tincan thaw isp",
    );
    expect(wan()).toEqual({ delay: 8 });
    await manager.kill(['isp']);
    expect((await receipt('f1')).until).not.toBeNull();
  });
});

describe('a cut of a cable to a device that is frozen', () => {
  const isCut = (device: string, port: string) => bench.device(device).port(port).cut;

  test('is made by the other end, and the device takes it up when it is thawed', async () => {
    await manager.freeze(['isp']);
    const { applied } = await manager.cut('uplink');
    expect(applied).toEqual([
      { at: 'router:wan', cable: 'uplink', confirmed: true },
      {
        at: 'isp:home',
        cable: 'uplink',
        confirmed: false,
        waits: 'isp is frozen: it takes this up when it is thawed',
      },
    ]);
    expect([isCut('router', 'wan'), isCut('isp', 'home')]).toEqual([true, false]);
    await manager.thaw(['isp']);
    expect(isCut('isp', 'home')).toBe(true);
    expect(await receipt('f2')).toMatchObject({ applied: [{ confirmed: true }, { confirmed: true }] });
    await manager.heal();
    expect([isCut('router', 'wan'), isCut('isp', 'home')]).toEqual([false, false]);
  });

  test('is taken up, too, when somebody else lets the device go on', async () => {
    const isp = bench.device('isp');
    isp.frozen = true;
    await manager.cut('uplink');
    expect((await receipt('f1')).applied[1]).toMatchObject({ at: 'isp:home', confirmed: false });
    isp.frozen = false;
    expect((await receipt('f1')).applied[1]).toMatchObject({ waits: 'isp is being told' });
    bench.changed();
    await manager.faults();
    expect(isCut('isp', 'home')).toBe(true);
    expect((await receipt('f1')).applied[1]).toMatchObject({ confirmed: true });
  });

  test('is undone by the end that made it', async () => {
    await manager.freeze(['isp']);
    await manager.cut('uplink');
    await manager.splice('uplink');
    expect([isCut('router', 'wan'), isCut('isp', 'home')]).toEqual([false, false]);
    expect(bench.device('isp').calls.filter((call) => call.startsWith('cut'))).toEqual([]);
  });

  test('stays while an end that has confirmed it is frozen', async () => {
    await manager.cut('uplink');
    await manager.freeze(['isp']);
    await expect(manager.splice('uplink')).rejects.toThrow(
      /isp is frozen and can't confirm it; f1 is still in force/,
    );
    expect(isCut('router', 'wan')).toBe(true);
    // All at once goes from the newest to the oldest, so that who must confirm is awake.
    expect((await manager.heal()).map(({ id }) => id)).toEqual(['f2', 'f1']);
  });

  test('can be made by nobody if both ends are', async () => {
    await manager.freeze(['isp', 'router']);
    await expect(manager.cut('uplink')).rejects.toThrow(/router and isp are frozen/);
  });
});

describe('cut', () => {
  test('two cuts of one cable: the frames are those of the newest, the carrier comes with the last', async () => {
    const router = bench.device('router');
    await manager.cut('uplink');
    router.send('wan', 0, { cut: 3 });
    await manager.cut('uplink');
    router.send('wan', 0, { cut: 4 });
    await manager.heal(['f1']);
    expect(router.port('wan').cut).toBe(true);
    await manager.splice('uplink');
    expect(router.port('wan').cut).toBe(false);
    expect(await receipt('f1')).toMatchObject({ seen: 3, affected: { cut: 3 } });
    expect(await receipt('f2')).toMatchObject({ seen: 4, affected: { cut: 4 } });
    await expect(manager.splice('uplink')).rejects.toThrow('uplink is not cut');
  });

  test('a device that starts meanwhile has it from the beginning', async () => {
    await manager.cut('uplink');
    expect(configOf('isp').faults?.cut).toEqual(['home']);
    await manager.heal();
    expect(configOf('isp').faults?.cut).toEqual([]);
  });
});

describe('partition', () => {
  const rules = (device: string, id: string) => bench.device(device).standing.get(id) as FilterRule[];

  test('one way between hosts apart: what the one makes for the other, at both', async () => {
    await manager.partition({ groups: [['laptop'], ['web']], oneWay: true });
    expect(rules('laptop', 'f1')).toEqual([
      { direction: 'out', match: { destination: ['93.184.216.34/32'], originated: true } },
    ]);
    expect(rules('web', 'f1')).toEqual([
      { direction: 'in', match: { source: ['192.168.0.10/32'], destination: ['93.184.216.34/32'] } },
    ]);
  });

  test('between neighbours: every frame on the cable', async () => {
    await manager.partition({ groups: [['isp'], ['web', 'dns']] });
    expect(rules('isp', 'f1').slice(0, 2)).toEqual([
      { interface: 'web', direction: 'out', match: {} },
      { interface: 'dns', direction: 'out', match: {} },
    ]);
    expect(rules('web', 'f1')[0]).toEqual({ interface: 'eth0', direction: 'out', match: {} });
  });

  test('of a router that translates: what it makes and takes itself, told by that router alone', async () => {
    await manager.partition({ groups: [['router'], ['web']] });
    expect(rules('router', 'f1')).toEqual([
      { direction: 'out', match: { destination: ['93.184.216.34/32'], originated: true } },
      {
        direction: 'in',
        match: {
          source: ['93.184.216.34/32'],
          destination: ['192.168.0.1/32', '51.0.0.20/32'],
          delivered: true,
        },
      },
    ]);
    // Its outer address is that of the laptop and the phone too.
    expect(JSON.stringify(rules('web', 'f1'))).not.toContain('51.0.0.20');
  });

  test('goes with an address that changes, and is gone everywhere when healed', async () => {
    await manager.partition({ groups: [['laptop'], ['web']] });
    bench.device('laptop').addresses = [{ interface: 'eth0', ipv4: '192.168.0.20/24' }];
    bench.changed();
    await manager.faults();
    expect(rules('web', 'f1')).toContainEqual({
      direction: 'in',
      match: { source: ['192.168.0.20/32'], destination: ['93.184.216.34/32'] },
    });
    bench.device('laptop').counts.set('f1', { seen: 9, affected: 4 });
    bench.device('web').counts.set('f1', { seen: 8, affected: 1 });
    const [healed] = await manager.heal();
    expect(healed).toMatchObject({ seen: 17, affected: { partition: 5 } });
    expect(bench.device('laptop').standing.size + bench.device('web').standing.size).toBe(0);
  });

  test('a device in both groups, or one that is not there, is refused', async () => {
    await expect(manager.partition({ groups: [['web'], ['web']] })).rejects.toThrow(/in both groups/);
    await expect(manager.partition({ groups: [['wb'], ['dns']] })).rejects.toThrow('did you mean "web"?');
  });
});

describe('blackhole and misbehave', () => {
  test('the first two SYNs on a cable, by the router alone', async () => {
    await manager.blackhole({ at: 'uplink', from: 'router', flags: ['syn'], first: 2 });
    expect(bench.device('router').standing.get('f1')).toEqual([
      { interface: 'wan', direction: 'out', match: { protocol: 'tcp', flags: ['syn'] }, first: 2 },
    ]);
    expect(bench.device('isp').standing.size).toBe(0);
  });

  test('DNS answers to a device', async () => {
    await manager.blackhole({ at: 'laptop', direction: 'in', dns: 'answer' });
    expect(bench.device('laptop').standing.get('f1')).toEqual([
      { direction: 'in', match: { dns: 'answer' } },
    ]);
  });

  test('only a server misbehaves', async () => {
    await manager.misbehave({ device: 'dns', service: 'dns', delay: '2s' });
    expect(bench.device('dns').standing.get('f1')).toEqual({ service: 'dns', delay: 2000 });
    expect(configOf('dns').faults?.misbehaviours).toHaveLength(1);
    await expect(manager.misbehave({ device: 'web', service: 'dns', silent: true })).rejects.toThrow(
      'web is no DNS server',
    );
  });

  test('a flush is over at once', async () => {
    expect(await manager.flush({ device: 'router', table: 'nat' })).toMatchObject({
      fault: 'flush',
      affected: { flush: 7 },
      until: expect.stringMatching(/Z$/),
    });
    await expect(manager.flush({ device: 'web', table: 'nat' })).rejects.toThrow('web has no NAT table');
  });
});

describe('a device that takes its time', () => {
  /** Answers to a method when the returned function is called. */
  function late(name: string, method: string): () => void {
    let answer = (): void => {};
    bench.device(name).answers.set(method, new Promise((resolve) => (answer = resolve)));
    return answer;
  }

  test('a fault that is being made has no receipt yet', async () => {
    const confirm = late('isp', 'cut');
    const cut = manager.cut('uplink');
    await expect.poll(() => bench.device('router').port('wan').cut).toBe(true);
    expect(await manager.faults()).toEqual([]);
    confirm();
    expect((await cut).until).toBeNull();
    expect(await manager.faults()).toHaveLength(1);
  });

  test('a fault that is being undone is not over yet, and a device that starts does not take it up', async () => {
    await manager.blackhole({ at: 'web' });
    const confirm = late('web', 'unfilter');
    const healing = manager.heal();
    expect((await receipt('f1')).until).toBeNull();
    expect(configOf('web').faults?.filters).toEqual([]);
    bench.device('web').counts.set('f1', { seen: 9, affected: 9 });
    confirm();
    const [healed] = await healing;
    expect(healed).toMatchObject({ seen: 9, until: expect.any(String) });
    expect(await receipt('f1')).toEqual(healed);
  });
});

describe('power', () => {
  test('heal starts, thaws and splices, the newest first', async () => {
    await manager.cut('uplink');
    await manager.kill(['web']);
    await manager.freeze(['dns']);
    bench.device('isp').send('dns', 3);
    bench.device('isp').send('web', 0, { kill: 2 });
    const healed = await manager.heal();
    expect(healed.map(({ id }) => id)).toEqual(['f3', 'f2', 'f1']);
    expect(healed.every(({ until }) => until !== null)).toBe(true);
    expect(healed[0]).toMatchObject({ seen: 3, affected: { freeze: 3 } });
    expect(healed[1]).toMatchObject({ seen: 2, affected: { kill: 2 } });
    expect(bench.device('web').run).toBeDefined();
    expect(bench.device('dns').frozen).toBe(false);
    await expect(manager.heal(['f2'])).rejects.toThrow(/over already/);
    await expect(manager.heal(['f9'])).rejects.toThrow(/no fault "f9"/);
  });

  test('two that kill a device at once: the one does, and the other is told that it is off', async () => {
    const outcomes = await Promise.allSettled([manager.kill(['web']), manager.kill(['web'])]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(await manager.faults()).toHaveLength(1);
    await manager.heal();
    expect(bench.device('web').run).toBeDefined();
  });

  test('a device that is killed while a fault is made takes it up when it starts', async () => {
    const [, , { id }] = await Promise.all([
      manager.impair({ cable: 'isp-web', loss: '5%' }),
      manager.kill(['web']),
      manager.blackhole({ at: 'web', dns: 'query' }),
    ]);
    const { ports, faults } = configOf('web');
    expect(ports[0]?.cable?.impairment).toEqual({ loss: 0.05 });
    expect(faults?.filters.map(({ id }) => id)).toEqual([id]);
    await manager.start(['web']);
    expect((await receipt(id)).applied).toMatchObject([{ at: 'web', confirmed: true }]);
  });

  test('a start waits for leases as long as no fault is active, be it one that comes meanwhile', async () => {
    await manager.kill(['laptop']);
    await manager.start(['laptop']);
    expect(bench.upTo()).toBe('ready');
    const { id } = await manager.misbehave({ device: 'router', service: 'dhcp', silent: true });
    expect(bench.upTo()).toBe('cabled');
    await manager.heal([id]);
    expect(bench.upTo()).toBe('ready');
  });

  test('a device that is frozen twice goes on with the second thaw', async () => {
    await manager.freeze(['web']);
    await manager.freeze(['web']);
    await manager.heal(['f1']);
    expect(bench.device('web').frozen).toBe(true);
    await manager.heal();
    expect(bench.device('web').frozen).toBe(false);
  });
});

describe('who watches', () => {
  test('is told of each fault once when it is made and once when it is over', async () => {
    const told: string[] = [];
    const stop = manager.onFault((change, { id, fault, until }) =>
      told.push(`${id} ${fault} ${change}${until === null ? '' : ', final'}`),
    );
    await manager.cut('uplink');
    await manager.kill(['web']);
    await manager.start(['web']);
    await manager.freeze(['dns']);
    await manager.kill(['dns']);
    await manager.heal();
    await manager.restart(['isp']);
    await manager.flush({ device: 'router', table: 'arp' });
    expect(told).toEqual([
      'f1 cut made',
      'f2 kill made',
      'f2 kill over, final',
      'f3 freeze made',
      // A process that is gone is frozen no more.
      'f3 freeze over, final',
      'f4 kill made',
      'f4 kill over, final',
      'f1 cut over, final',
      'f5 restart made',
      'f5 restart over, final',
      'f6 flush made, final',
      'f6 flush over, final',
    ]);
    stop();
    await manager.cut('uplink');
    expect(told).toHaveLength(12);
  });

  test('hears nothing of a fault that could not be made', async () => {
    const told: string[] = [];
    manager.onFault((change, { id }) => told.push(`${id} ${change}`));
    bench.device('isp').refuses.add('impair');
    await expect(manager.impair({ cable: 'uplink', loss: '7%' })).rejects.toThrow('not in effect');
    expect(told).toEqual([]);
  });
});
