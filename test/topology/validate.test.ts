import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { portsOf } from '../../shared/topology/ports.ts';
import { jsonSchema } from '../../shared/topology/schema.ts';
import type { Fault } from '../../shared/topology/topology-error.ts';
import { TopologyError } from '../../shared/topology/topology-error.ts';
import type { Topology } from '../../shared/topology/types.ts';
import { loadTopology, validateTopology } from '../../shared/topology/validate.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'topology-'));
  mkdirSync(join(folder, 'site'));
});
afterAll(() => rmSync(folder, { recursive: true }));

type Json = Record<string, unknown>;

/** A small net with one of everything, which each test spoils in one place. */
function net(): Json {
  return {
    name: 'test',
    devices: {
      laptop: { kind: 'host', interfaces: { eth0: { ipv4: 'dhcp' } } },
      router: {
        kind: 'router',
        interfaces: {
          lan: { bridge: ['lan1', 'lan2'], ipv4: '192.168.0.1/24' },
          wan: { ipv4: '51.0.0.20/24', gateway: '51.0.0.1' },
        },
        nat: { outside: 'wan', forwards: [{ proto: 'tcp', port: 8080, to: '192.168.0.50:80' }] },
        dhcp: { interface: 'lan', range: ['192.168.0.10', '192.168.0.99'], dns: ['8.8.8.8'] },
      },
      isp: {
        kind: 'isp-router',
        interfaces: { home: { ipv4: '51.0.0.1/24' }, web: { ipv4: '93.184.216.1/24' } },
        routes: [{ to: '10.0.0.0/8', via: '51.0.0.9' }],
      },
      web: {
        kind: 'web-server',
        interfaces: { eth0: { ipv4: '93.184.216.34/24', gateway: '93.184.216.1' } },
        http: { sites: { 'www.example.com': { root: 'site' } } },
      },
    },
    cables: {
      home: { ends: ['laptop:eth0', 'router:lan1'] },
      uplink: { ends: ['router:wan', 'isp:home'], delay: '8ms' },
      'isp-web': { ends: ['isp:web', 'web:eth0'] },
    },
  };
}

function nameServer(dns: Json): Json {
  return { kind: 'dns-server', interfaces: {}, dns };
}

/** Sets (or with undefined removes) what stands at a path. */
function spoilt(...changes: readonly (readonly [readonly (string | number)[], unknown])[]): Json {
  const json = structuredClone(net());
  for (const [path, value] of changes) {
    let place = json;
    for (const part of path.slice(0, -1)) place = place[part] as Json;
    const last = path.at(-1) ?? '';
    if (value === undefined) delete place[last];
    else place[last] = value;
  }
  return json;
}

function faultsOf(run: () => unknown): readonly Fault[] {
  try {
    run();
  } catch (error) {
    if (error instanceof TopologyError) return error.faults;
    throw error;
  }
  return [];
}

const faults = (json: unknown) => faultsOf(() => validateTopology(json, join(folder, 'net.json')));
const d = (...path: (string | number)[]) => ['devices', ...path];
const c = (...path: (string | number)[]) => ['cables', ...path];

describe('what is wrong is told with its place and its mend', () => {
  const cases: readonly [string, Json, string, RegExp][] = [
    [
      'recursion without roots',
      spoilt([d('dns'), nameServer({ recursion: true })]),
      'devices.dns.dns.roots',
      /missing: recursion begins at the root servers.*add "roots"/,
    ],
    [
      'roots without recursion',
      spoilt([d('dns'), nameServer({ roots: { 'a.root-servers.net': '198.41.0.4' } })]),
      'devices.dns.dns.roots',
      /nothing asks root servers without recursion.*add "recursion": true/,
    ],
    [
      'a root server that is no address',
      spoilt([d('dns'), nameServer({ recursion: true, roots: { 'a.root-servers.net': 'a.example' } })]),
      'devices.dns.dns.roots["a.root-servers.net"]',
      /should be an IPv4 address/,
    ],
    [
      'a root server without a name',
      spoilt([d('dns'), nameServer({ recursion: true, roots: { '-': '198.41.0.4' } })]),
      'devices.dns.dns.roots.-',
      /not a DNS name/,
    ],
    [
      'roots as a list',
      spoilt([d('dns'), nameServer({ recursion: true, roots: ['198.41.0.4'] })]),
      'devices.dns.dns.roots',
      /should be root servers by name/,
    ],
    [
      'recursion in quotes',
      spoilt([d('dns'), nameServer({ recursion: 'yes' })]),
      'devices.dns.dns.recursion',
      /true or false/,
    ],
    [
      'a zone that is no name',
      spoilt([d('dns'), nameServer({ zones: { '..': { '@': { A: ['1.2.3.4'] } } } })]),
      'devices.dns.dns.zones[".."]',
      /not a DNS name/,
    ],
    ['a net without a name', spoilt([['name'], undefined]), 'name', /missing.*should be a name/],
    ['a bad net name', spoilt([['name'], 'My Net']), 'name', /got "My Net".*small letters/],
    ['an unknown key', spoilt([['sed'], 2]), 'sed', /unknown key.*did you mean "seed"/],
    [
      'an unknown key deep down',
      spoilt([d('laptop', 'interfaces', 'eth0', 'ip4'), 'dhcp']),
      'devices.laptop.interfaces.eth0.ip4',
      /unknown key.*did you mean "ipv4"/,
    ],
    [
      'an unknown key like no other',
      spoilt([c('uplink', 'colour'), 'red']),
      'cables.uplink.colour',
      /unknown key.*remove it; known are ends, delay/,
    ],
    [
      'a bad device name',
      spoilt([d('Web'), { kind: 'host', interfaces: {} }]),
      'devices.Web',
      /bad name for a device/,
    ],
    [
      'a bad interface name',
      spoilt([d('laptop', 'interfaces', 'Eth 0'), {}]),
      'devices.laptop.interfaces["Eth 0"]',
      /bad name for an interface/,
    ],
    [
      'an unknown kind',
      spoilt([d('web', 'kind'), 'webserver']),
      'devices.web.kind',
      /"host", "router", "isp-router"/,
    ],
    ['a device without a kind', spoilt([d('web', 'kind'), undefined]), 'devices.web.kind', /missing/],
    [
      'a bare number for a duration',
      spoilt([c('uplink', 'delay'), 8]),
      'cables.uplink.delay',
      /got 8.*unit.*"8ms"/,
    ],
    [
      'a duration without its unit',
      spoilt([c('uplink', 'delay'), '8']),
      'cables.uplink.delay',
      /got "8".*unit/,
    ],
    ['a rate without its unit', spoilt([c('uplink', 'rate'), '100']), 'cables.uplink.rate', /"100mbit"/],
    ['a rate of nothing', spoilt([c('uplink', 'rate'), '0bit']), 'cables.uplink.rate', /rate above 0/],
    ['a share without its sign', spoilt([c('uplink', 'loss'), '0.1']), 'cables.uplink.loss', /percentage/],
    ['a share beyond all', spoilt([c('uplink', 'loss'), '101%']), 'cables.uplink.loss', /0% to 100%/],
    [
      'a jitter over the delay',
      spoilt([c('uplink', 'jitter'), '9ms']),
      'cables.uplink.jitter',
      /9ms.*delay of 8ms/,
    ],
    [
      'reordering without a delay',
      spoilt([c('home', 'reorder'), '1%']),
      'cables.home.reorder',
      /add a "delay"/,
    ],
    ['an MTU too small', spoilt([c('home', 'mtu'), 67]), 'cables.home.mtu', /from 68 to 65535/],
    ['an MTU too large', spoilt([c('home', 'mtu'), 65_536]), 'cables.home.mtu', /from 68 to 65535/],
    [
      'an end at no device',
      spoilt([c('home', 'ends', 0), 'latpop:eth0']),
      'cables.home.ends[0]',
      /did you mean "laptop"/,
    ],
    [
      'an end at no interface',
      spoilt([c('home', 'ends', 0), 'laptop:eth1']),
      'cables.home.ends[0]',
      /no interface "eth1".*"eth0"/,
    ],
    [
      'an end that is a bridge',
      spoilt([c('home', 'ends', 1), 'router:lan']),
      'cables.home.ends[1]',
      /is a bridge.*lan1, lan2/,
    ],
    [
      'an end that is no end',
      spoilt([c('home', 'ends', 1), 'router']),
      'cables.home.ends[1]',
      /device:interface/,
    ],
    ['three ends', spoilt([c('home', 'ends', 2), 'router:lan2']), 'cables.home.ends', /should be two ends/],
    [
      'two cables at one interface',
      spoilt([c('second'), { ends: ['web:eth0', 'router:lan1'] }]),
      'cables.second.ends[1]',
      /has the cable home already/,
    ],
    [
      'a cable from a port to itself',
      spoilt([c('home', 'ends', 0), 'router:lan1']),
      'cables.home.ends[1]',
      /already/,
    ],
    [
      'faults from one who is at neither end',
      spoilt([c('uplink', 'from'), { ips: { loss: '1%' } }]),
      'cables.uplink.from.ips',
      /did you mean "isp"/,
    ],
    [
      'a jitter of one direction over the delay',
      spoilt([c('uplink', 'from'), { isp: { jitter: '9ms' } }]),
      'cables.uplink.from.isp.jitter',
      /more than the delay/,
    ],
    [
      'a port that is an interface with an address',
      spoilt([d('router', 'interfaces', 'lan1'), { ipv4: '10.0.0.1/24' }]),
      'devices.router.interfaces.lan.bridge[0]',
      /lan1 is bridged and has an address/,
    ],
    [
      'a port in two bridges',
      spoilt([d('router', 'interfaces', 'lanb'), { bridge: ['lan2'] }]),
      'devices.router.interfaces.lanb.bridge[0]',
      /port of lan already/,
    ],
    [
      'an interface called lo',
      spoilt([d('web', 'interfaces', 'lo'), {}]),
      'devices.web.interfaces.lo',
      /loopback/,
    ],
    [
      'overlapping networks',
      spoilt([d('isp', 'interfaces', 'web', 'ipv4'), '51.0.0.129/25']),
      'devices.isp.interfaces.web.ipv4',
      /51.0.0.129\/25 overlaps 51.0.0.1\/24 of home/,
    ],
    [
      'a gateway outside its network',
      spoilt([d('web', 'interfaces', 'eth0', 'gateway'), '93.184.217.1']),
      'devices.web.interfaces.eth0.gateway',
      /outside 93.184.216.0\/24/,
    ],
    [
      'a gateway that is the interface itself',
      spoilt([d('web', 'interfaces', 'eth0', 'gateway'), '93.184.216.34']),
      'devices.web.interfaces.eth0.gateway',
      /the interface itself/,
    ],
    [
      'a gateway without an address',
      spoilt([d('web', 'interfaces', 'eth0', 'ipv4'), undefined]),
      'devices.web.interfaces.eth0.gateway',
      /give the interface an "ipv4"/,
    ],
    [
      'a gateway beside DHCP',
      spoilt([d('laptop', 'interfaces', 'eth0', 'gateway'), '192.168.0.1']),
      'devices.laptop.interfaces.eth0.gateway',
      /DHCP tells/,
    ],
    [
      'two default gateways',
      spoilt([d('router', 'interfaces', 'lan', 'gateway'), '192.168.0.2']),
      'devices.router.interfaces.wan.gateway',
      /second default gateway/,
    ],
    [
      'the network itself as an address',
      spoilt([d('isp', 'interfaces', 'web', 'ipv4'), '93.184.216.0/24']),
      'devices.isp.interfaces.web.ipv4',
      /address of its network/,
    ],
    [
      'a multicast MAC',
      spoilt([d('web', 'interfaces', 'eth0', 'mac'), '01:00:5e:00:00:01']),
      'devices.web.interfaces.eth0.mac',
      /multicast.*02:00/,
    ],
    [
      'a MAC twice on a LAN',
      spoilt(
        [d('web', 'interfaces', 'eth0', 'mac'), '02:00:00:00:00:01'],
        [d('isp', 'interfaces', 'web', 'mac'), '02:00:00:00:00:01'],
      ),
      'devices.web.interfaces.eth0.mac',
      /that of isp:web/,
    ],
    [
      'an address twice on a LAN',
      spoilt(
        [d('web', 'interfaces', 'eth0', 'ipv4'), '93.184.216.1/24'],
        [d('web', 'interfaces', 'eth0', 'gateway'), undefined],
      ),
      'devices.web.interfaces.eth0.ipv4',
      /93.184.216.1 is that of isp:web/,
    ],
    [
      'a pool outside its network',
      spoilt([d('router', 'dhcp', 'range', 1), '192.168.1.99']),
      'devices.router.dhcp.range[1]',
      /outside 192.168.0.0\/24/,
    ],
    [
      'a pool from last to first',
      spoilt([d('router', 'dhcp', 'range'), ['192.168.0.99', '192.168.0.10']]),
      'devices.router.dhcp.range',
      /lower address first/,
    ],
    [
      'a pool that holds the router',
      spoilt([d('router', 'dhcp', 'range', 0), '192.168.0.1']),
      'devices.router.dhcp.range',
      /takes in 192.168.0.1/,
    ],
    [
      'DHCP at no interface',
      spoilt([d('router', 'dhcp', 'interface'), 'la']),
      'devices.router.dhcp.interface',
      /"lan"/,
    ],
    [
      'DHCP at a port',
      spoilt([d('router', 'dhcp', 'interface'), 'lan1']),
      'devices.router.dhcp.interface',
      /should be "lan"/,
    ],
    [
      'NAT at no interface',
      spoilt([d('router', 'nat', 'outside'), 'wann']),
      'devices.router.nat.outside',
      /no interface "wann" on router.*did you mean "wan"/,
    ],
    [
      'a port forwarded twice',
      spoilt([d('router', 'nat', 'forwards', 1), { proto: 'tcp', port: 8080, to: '192.168.0.51:80' }]),
      'devices.router.nat.forwards[1]',
      /tcp port 8080/,
    ],
    [
      'a forward to no port',
      spoilt([d('router', 'nat', 'forwards', 0, 'to'), '192.168.0.50']),
      'devices.router.nat.forwards[0].to',
      /"192.168.0.50:80"/,
    ],
    [
      'NAT on a host',
      spoilt([d('laptop', 'nat'), { outside: 'eth0' }]),
      'devices.laptop.nat',
      /a host has no "nat".*router/,
    ],
    [
      'a web server without sites',
      spoilt([d('web', 'http'), undefined]),
      'devices.web.http',
      /a web-server needs it/,
    ],
    [
      'a switch with an address',
      spoilt([d('hub'), { kind: 'switch', interfaces: { p1: { ipv4: '10.0.0.1/24' } } }]),
      'devices.hub.interfaces.p1.ipv4',
      /a switch has ports only/,
    ],
    [
      'a tap without its interface',
      spoilt([d('plug'), { kind: 'tap', interfaces: { eth0: {} } }]),
      'devices.plug.tap',
      /a tap needs it.*"tap0"/,
    ],
    [
      'a tap on a host',
      spoilt([d('laptop', 'tap'), { name: 'tap0' }]),
      'devices.laptop.tap',
      /a host has no "tap".*make the device a tap/,
    ],
    [
      'a tap with an address',
      spoilt([
        d('plug'),
        { kind: 'tap', tap: { name: 'tap0' }, interfaces: { eth0: { ipv4: '10.0.0.1/24' } } },
      ]),
      'devices.plug.interfaces.eth0.ipv4',
      /a tap is a plug only.*ip address/,
    ],
    [
      'a tap with two interfaces',
      spoilt([d('plug'), { kind: 'tap', tap: { name: 'tap0' }, interfaces: { eth0: {}, eth1: {} } }]),
      'devices.plug.interfaces',
      /2 interfaces.*a tap has one/,
    ],
    [
      'a tap whose name Linux would not take',
      spoilt([d('plug'), { kind: 'tap', tap: { name: 'sixteen-letters-' }, interfaces: { eth0: {} } }]),
      'devices.plug.tap.name',
      /1 to 15 letters/,
    ],
    [
      'a tap in a namespace by a relative path',
      spoilt([d('plug'), { kind: 'tap', tap: { name: 'tap0', netns: 'run/lab' }, interfaces: { eth0: {} } }]),
      'devices.plug.tap.netns',
      /an absolute path/,
    ],
    [
      'a route by a next hop out of reach',
      spoilt([d('isp', 'routes', 0, 'via'), '52.0.0.9']),
      'devices.isp.routes[0].via',
      /none of the networks.*51.0.0.0\/24 or 93.184.216.0\/24/,
    ],
    [
      'a route with bits beyond its prefix',
      spoilt([d('isp', 'routes', 0, 'to'), '10.0.0.1/8']),
      'devices.isp.routes[0].to',
      /should be "10.0.0.0\/8"/,
    ],
    [
      'bursts without their percent signs',
      spoilt([c('uplink', 'gemodel'), '0.01 0.25']),
      'cables.uplink.gemodel',
      /one to four percentages/,
    ],
    [
      'loss and bursts at once',
      spoilt([c('uplink', 'gemodel'), '1%'], [c('uplink', 'loss'), '1%']),
      'cables.uplink.gemodel',
      /beside loss; keep one/,
    ],
    [
      'a site without its folder',
      spoilt([d('web', 'http', 'sites', 'www.example.com', 'root'), 'nowhere']),
      'devices.web.http.sites["www.example.com"].root',
      /no folder .*nowhere/,
    ],
    [
      'a site that is nothing',
      spoilt([d('web', 'http', 'sites', 'www.example.com'), {}]),
      'devices.web.http.sites["www.example.com"]',
      /neither a root nor an answer/,
    ],
    [
      'an alias beside an address',
      spoilt([
        d('dns'),
        {
          kind: 'dns-server',
          interfaces: {},
          dns: { zones: { 'example.com': { www: { A: ['1.2.3.4'], CNAME: 'example.com' } } } },
        },
      ]),
      'devices.dns.dns.zones["example.com"].www',
      /CNAME beside A/,
    ],
    [
      'a TTL of part of a second',
      spoilt([
        d('dns'),
        {
          kind: 'dns-server',
          interfaces: {},
          dns: { zones: { 'a.b': { www: { A: ['1.2.3.4'], ttl: '1ms' } } } },
        },
      ]),
      'devices.dns.dns.zones["a.b"].www.ttl',
      /whole seconds/,
    ],
    [
      'a cable end that is no text',
      spoilt([c('uplink', 'ends'), [1, 'isp:home']]),
      'cables.uplink.ends[0]',
      /got 1; should be device:interface/,
    ],
  ];

  // zod passes over it, and so would everything behind.
  test.each([
    [d('web', 'http', 'sites'), 'devices.web.http.sites.__proto__'],
    [c('uplink', 'from'), 'cables.uplink.from.__proto__'],
    [['devices'], 'devices.__proto__'],
  ])('a key that is no name for JavaScript in %j', (path, place) => {
    const json = spoilt([path, JSON.parse('{ "__proto__": {} }')]);
    expect(faults(json).map((fault) => fault.path)).toContain(place);
  });

  test.each(cases)('%s', (_, json, path, text) => {
    const found = faults(json);
    const fault = found.find((candidate) => candidate.path === path);
    expect(found.map((candidate) => candidate.path)).toContain(path);
    expect(`${fault?.problem}; ${fault?.mend}`).toMatch(text);
  });

  test('the net without a spoilt place has no fault', () => {
    expect(faults(net())).toEqual([]);
  });

  test('all faults come at once, one a line, each once', () => {
    const json = spoilt(
      [c('uplink', 'delay'), 8],
      [d('web', 'kind'), 'webserver'],
      [d('router', 'nat', 'outside'), 'wann'],
      [c('home', 'ends', 0), 'laptop:eth9'],
    );
    expect(() => validateTopology(json, 'net.json')).toThrowError(/^(net\.json: [^\n]+; [^\n]+\n?){4,5}$/);
  });

  test('what is no object at all', () => {
    for (const json of [null, 7, 'net', [], [[]], true]) expect(faults(json)).toHaveLength(1);
  });
});

test('any JSON gives a net or a TopologyError', () => {
  const words = fc.constantFrom(
    ...[
      'kind',
      'host',
      'router',
      'switch',
      'interfaces',
      'eth0',
      'lan',
      'bridge',
      'ipv4',
      'dhcp',
      '10.0.0.1/24',
    ],
    ...[
      'gateway',
      '10.0.0.1',
      'nat',
      'outside',
      'range',
      'ends',
      'a:eth0',
      'from',
      'a',
      '__proto__',
      'delay',
      '8ms',
    ],
  );
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      words,
      fc.jsonValue(),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.oneof(words, fc.string()), tie('value'), { maxKeys: 5 }),
    ),
  }));
  const whole = fc.record({ name: fc.constant('x'), devices: value, cables: value });
  fc.assert(
    fc.property(fc.oneof(value, whole), (json) => {
      faults(json);
    }),
    { seed: 5, numRuns: 2000 },
  );
});

test('a value in the place of any other gives a net or a TopologyError', () => {
  const places = (value: unknown, path: (string | number)[] = []): (string | number)[][] =>
    typeof value === 'object' && value !== null
      ? [path, ...Object.entries(value).flatMap(([key, inner]) => places(inner, [...path, key]))]
      : [path];
  const anywhere = places(net()).filter((path) => path.length > 0);
  fc.assert(
    fc.property(fc.constantFrom(...anywhere), fc.jsonValue(), (path, value) => {
      faults(spoilt([path, value]));
    }),
    { seed: 6, numRuns: 2000 },
  );
});

describe('the file', () => {
  const put = (content: string | Buffer) => {
    writeFileSync(join(folder, 'hostile.json'), content);
    return join(folder, 'hostile.json');
  };
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const load = (file: string): Promise<Topology | string> =>
    loadTopology(file).catch((error: unknown) => {
      expect(error).toBeInstanceOf(TopologyError);
      return (error as Error).message;
    });

  test('that is hostile: too long, endless, deep, of prototype keys, no UTF-8', async () => {
    const long = put(`{"name":"${'a'.repeat(5_000_000)}"}`);
    expect(await load(long)).toMatch(/: it is longer than 4 MiB; /);
    expect(await load('/dev/zero')).toMatch(/^\/dev\/zero: it is longer than 4 MiB; /);
    expect(await load(put('['.repeat(500_000)))).toMatch(/nested too deeply/);
    expect(await load(put('{"__proto__":{"polluted":1},"name":"x","devices":{"constructor":{}}}'))).toMatch(
      /__proto__: unknown key/,
    );
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    expect(await load(put(Buffer.from([0x7b, 0xff, 0xfe, 0x7d])))).toMatch(/:1:2: expected a key/);
    expect(await load(put('\0'.repeat(100)))).toMatch(/:1:1: expected a value/);
  });

  test('with thousands of faults tells them all', async () => {
    const keys = Array.from({ length: 5000 }, (_, index) => `"k${index}":1`);
    const told = String(await load(put(`{"name":"x","devices":{},${keys.join()}}`))).split('\n');
    expect(told).toHaveLength(5000);
  });

  test('that begins with a byte order mark is read', async () => {
    expect(await load(put(`\ufeff${JSON.stringify({ name: 'x', devices: {} })}`))).toMatchObject({
      name: 'x',
    });
  });

  test('that is not there', async () => {
    expect(await load(join(folder, 'none.json'))).toMatch(/none\.json: there is no such file/);
    expect(await load(folder)).toMatch(/can't be read \(EISDIR\)/);
  });

  test.each([
    ['{\n  "name": "x",\n}', ':3:1: expected a key, found "}"'],
    ['{\n  "name": }', ':2:11: expected a value, found "}"'],
    ['{ "name": "x" "seed": 1 }', ':1:15: expected "," or "}", found "\\""'],
    ['{ "name" "x" }', ':1:10: expected ":", found "\\""'],
    ["{ 'name': 1 }", ':1:3: expected a key, found "\'"'],
    ['{ "name": "x" ', ':1:15: expected "," or "}", found the end of the file'],
    ['', ':1:1: expected a value, found the end of the file'],
    ['{} {}', ':1:4: expected the end of the file, found "{"'],
    ['{ "name": "a\nb" }', ':1:11: expected a text that ends on its line'],
    ['{ "seed": 01 }', ':1:11: expected a value'],
    ['['.repeat(100_000), 'nested too deeply'],
  ])('that is no JSON: %#', async (text, where) => {
    expect(await load(write('bad.json', text))).toContain(where);
  });

  test('that gives a key twice', async () => {
    const twice = '"cables":{},\n"cables":{},\n\n"cables":';
    const text = JSON.stringify(net()).replace('"cables":', twice);
    const told = await load(write('twice.json', text));
    for (const line of [2, 4])
      expect(told).toContain(`: cables: given a second time on line ${line}; keep one`);
  });

  test('in which any text stands gives a net or a TopologyError', async () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      ',',
      ':',
      '\\',
      'a',
      '0',
      '-',
      '.',
      'e',
      ' ',
      '\n',
      'null',
      '\u0001',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(pieces), async (parts) => {
        expect(await load(write('fuzz.json', parts.join('')))).toBeTypeOf('string');
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});

describe('the MTU of a port without a cable', () => {
  /** By name: those of the interfaces, and those of the ports that are none. */
  function mtus(json: Json, device: string): Record<string, number> {
    const topology = validateTopology(json, join(folder, 'net.json'));
    const spec = topology.devices.find(({ name }) => name === device)!;
    return Object.fromEntries(
      [...portsOf(topology, spec), ...spec.interfaces].map(({ name, mtu }) => [name, mtu]),
    );
  }

  test('is that of its bridge, which has the smallest of the cables at it', () => {
    const cabled = spoilt([c('home', 'mtu'), 9000]);
    expect(mtus(cabled, 'router')).toMatchObject({ lan: 9000, lan1: 9000, lan2: 9000, wan: 1500 });
    const mixed = spoilt(
      [c('home', 'mtu'), 9000],
      [d('router', 'interfaces', 'lan', 'bridge'), ['lan1', 'lan2', 'lan3']],
      [d('other'), { kind: 'host', interfaces: { eth0: {} } }],
      [c('other'), { ends: ['other:eth0', 'router:lan2'], mtu: 4000 }],
    );
    expect(mtus(mixed, 'router')).toMatchObject({ lan: 4000, lan1: 9000, lan2: 4000, lan3: 4000 });
  });

  test('of a switch is the smallest of the cables at that; else 1500', () => {
    const interfaces = { port1: {}, port2: {}, port3: {} };
    const cabled = spoilt(
      [d('middle'), { kind: 'switch', interfaces }],
      [c('home'), { ends: ['laptop:eth0', 'middle:port1'], mtu: 9000 }],
      [c('up'), { ends: ['middle:port2', 'router:lan1'], mtu: 8000 }],
    );
    expect(mtus(cabled, 'middle')).toEqual({ port1: 9000, port2: 8000, port3: 8000 });
    const free = spoilt([c('home'), undefined], [c('uplink', 'mtu'), 9000]);
    expect(mtus(free, 'router')).toEqual({ lan: 1500, lan1: 1500, lan2: 1500, wan: 9000 });
  });
});

describe('a good file', () => {
  test('gets its defaults, and its quantities as numbers', () => {
    const json = spoilt(
      [c('uplink', 'from'), { isp: { loss: '0.5%', delay: '1s' } }],
      [c('uplink', 'jitter'), '1ms'],
      [c('uplink', 'rate'), '100mbit'],
      [c('uplink', 'mtu'), 1400],
      [d('web', 'hostname'), 'www'],
    );
    const topology = validateTopology(json, join(folder, 'net.json'));
    expect(topology).toMatchObject({ name: 'test', seed: 1, timing: 'fast', transport: 'tcp' });
    const [laptop, router, , web] = topology.devices;
    expect(laptop).toMatchObject({ name: 'laptop', hostname: 'laptop', restart: 'never', routes: [] });
    expect(web).toMatchObject({ hostname: 'www' });
    expect(web?.http).toEqual({ port: 80, sites: { 'www.example.com': { root: join(folder, 'site') } } });
    expect(router?.dhcp?.lease).toBe(3_600_000);
    expect(router?.interfaces.map(({ name, mtu }) => [name, mtu])).toEqual([
      ['lan', 1500],
      ['wan', 1400],
    ]);
    expect(router?.interfaces[0]?.bridge?.map((port) => port.name)).toEqual(['lan1', 'lan2']);
    const uplink = topology.cables.find((cable) => cable.name === 'uplink');
    expect(uplink).toEqual({
      name: 'uplink',
      mtu: 1400,
      ends: [
        { device: 'router', interface: 'wan' },
        { device: 'isp', interface: 'home' },
      ],
      impairments: [
        { delay: 8, jitter: 1, rate: 100e6 },
        { delay: 1000, jitter: 1, rate: 100e6, loss: 0.005 },
      ],
    });
    expect(topology.cables[0]?.impairments).toEqual([{}, {}]);
  });

  test('takes a name server that recurses, and one of the root zone', () => {
    const roots = { 'a.root-servers.net': '198.41.0.4' };
    const json = spoilt(
      [d('dns'), nameServer({ recursion: true, roots })],
      [d('root'), nameServer({ zones: { '.': { '@': { NS: ['a.root-servers.net'] } } } })],
    );
    const [dns, root] = validateTopology(json, join(folder, 'net.json')).devices.slice(-2);
    expect(dns?.dns).toEqual({ zones: {}, forwarders: [], roots });
    expect(root?.dns?.zones['.']).toEqual({ '@': { NS: ['a.root-servers.net'], ttl: 3_600_000 } });
    expect(root?.dns?.roots).toEqual({});
  });

  test('gives interfaces stable, unicast, locally administered MACs of their own', () => {
    const macs = () =>
      validateTopology(net(), join(folder, 'net.json')).devices.flatMap((device) =>
        device.interfaces.flatMap((face) => [face.mac, ...(face.bridge ?? []).map((port) => port.mac)]),
      );
    expect(macs()).toEqual(macs());
    expect(new Set(macs()).size).toBe(macs().length);
    for (const mac of macs()) expect(mac).toMatch(/^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/);
  });

  test('takes the spread of a jitter, and bursts in the place of loss', () => {
    const json = spoilt(
      [c('uplink', 'from'), { isp: { gemodel: '1% 25%' } }],
      [c('uplink', 'jitter'), '1ms'],
      [c('uplink', 'distribution'), 'pareto'],
      [c('uplink', 'loss'), '3%'],
    );
    const { cables } = validateTopology(json, join(folder, 'net.json'));
    expect(cables.find((cable) => cable.name === 'uplink')?.impairments).toMatchObject([
      { delay: 8, jitter: 1, distribution: 'pareto', loss: 0.03 },
      { delay: 8, jitter: 1, distribution: 'pareto', gemodel: { p: 0.01, r: 0.25, bad: 1, good: 0 } },
    ]);
    expect(cables.find((cable) => cable.name === 'uplink')?.impairments[1]).not.toHaveProperty('loss');
  });

  test('keeps what it says of one end by interface, where a device has both', () => {
    const json = spoilt(
      [c('loop'), { ends: ['router:lan2', 'laptop:eth1'] }],
      [d('laptop', 'interfaces', 'eth1'), {}],
    );
    const loop = { ends: ['router:lan2', 'laptop:eth1'], from: { 'laptop:eth1': { loss: '1%' } } };
    (json.cables as Json).loop = loop;
    expect(validateTopology(json, join(folder, 'net.json')).cables.at(-1)?.impairments).toEqual([
      {},
      { loss: 0.01 },
    ]);
  });
});

test('the default net is good', async () => {
  const topology = await loadTopology(new URL('../../topology.json', import.meta.url).pathname);
  expect(topology.devices.map((device) => `${device.name} ${device.kind}`)).toEqual([
    'laptop host',
    'phone host',
    'router router',
    'isp isp-router',
    'dns dns-server',
    'web web-server',
  ]);
  expect(topology.cables.map((cable) => cable.name)).toEqual([
    'laptop-router',
    'phone-router',
    'uplink',
    'isp-dns',
    'isp-web',
  ]);
});

test('the JSON Schema in the repository is that of the validator (vitest -u writes it)', async () => {
  const text = `${JSON.stringify(jsonSchema(), null, 2)}\n`;
  await expect(text).toMatchFileSnapshot('../../shared/topology/schema.json');
});

test('a key of the wrong form hides no fault of the keys beside it', () => {
  const topology = {
    name: 'x',
    devices: {
      a: { kind: 'host', interfaces: { eth0: { ipv4: '10.0.0.1/24', gateway: '10.9.0.1', colour: 'red' } } },
    },
    cables: { wire: { ends: ['a:eth0', 'b:eth0'], delay: 5 } },
  };
  const faults = () => {
    try {
      validateTopology(topology, 'x.json');
    } catch (error) {
      return (error as TopologyError).faults.map(({ path }) => path).sort();
    }
    return [];
  };
  expect(faults()).toEqual([
    'cables.wire.delay',
    'cables.wire.ends[1]',
    'devices.a.interfaces.eth0.colour',
    'devices.a.interfaces.eth0.gateway',
  ]);
});
