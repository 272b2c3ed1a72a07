// A small tree of name servers on a wire, and a recursive server that finds its way through it. Servers that
// mean ill, or nothing, answer as their test says.

import { describe, expect, test } from 'vitest';
import { DnsCache } from '../../../shared/apps/dns/cache.ts';
import { Delegations } from '../../../shared/apps/dns/delegations.ts';
import { exchange } from '../../../shared/apps/dns/exchange.ts';
import { startDnsServer } from '../../../shared/apps/dns/server.ts';
import { ipv4 } from '../../../shared/core/address.ts';
import { Malformed } from '../../../shared/core/errors.ts';
import type { DnsServerSpec } from '../../../shared/topology/types.ts';
import { decodeDns, dnsQuery, encodeDns } from '../../../shared/wire/dns/message.ts';
import { formatData } from '../../../shared/wire/dns/text.ts';
import { type DnsMessage, type DnsRecord, type DnsType, RCODE } from '../../../shared/wire/dns/types.ts';
import { type FakeHost, FakeWire, type SentDatagram } from '../../support/fake-wire.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const HOUR = 3_600_000;
const RESOLVER = '9.9.9.9';
const ROOT_SERVER = '198.41.0.4';
const ORG_SERVER = '199.19.56.1';
const COM_SERVER = '192.5.6.30';
const ROOTS = { 'a.root-servers.net': ROOT_SERVER };

type Zones = DnsServerSpec['zones'];
type Scripted = (query: DnsMessage) => Partial<DnsMessage> | undefined;

const A = (...addresses: string[]) => ({ A: addresses, ttl: HOUR });
const NS = (...servers: string[]) => ({ NS: servers, ttl: HOUR });
const CNAME = (target: string) => ({ CNAME: target, ttl: HOUR });

/** com and org below the root, each with a server of its own. */
const ROOT_ZONE: Zones[string] = {
  '@': NS('a.root-servers.net'),
  'a.root-servers.net': A(ROOT_SERVER),
  com: NS('a.gtld-servers.net'),
  org: NS('a0.org'),
  'a.gtld-servers.net': A(COM_SERVER),
  'a0.org': A(ORG_SERVER),
};
const COM_ZONE: Zones[string] = {
  '@': NS('a.gtld-servers.net'),
  example: NS('ns1.example.com', 'ns2.example.com'),
  'ns1.example': A('10.1.0.1'),
  'ns2.example': A('10.1.0.2'),
  // The servers of these have names elsewhere, so that there is no glue.
  shop: NS('ns.hosting.org'),
  circle: NS('ns.circle.org'),
};
const ORG_ZONE: Zones[string] = {
  '@': NS('a0.org'),
  hosting: NS('ns.hosting.org'),
  'ns.hosting': A('10.2.0.1'),
  circle: NS('ns.circle.com'),
};
const EXAMPLE_ZONE: Zones[string] = {
  '@': NS('ns1.example.com', 'ns2.example.com'),
  ns1: A('10.1.0.1'),
  ns2: A('10.1.0.2'),
  www: A('93.184.216.34'),
  away: CNAME('www.shop.com'),
  gone: CNAME('nothing.shop.com'),
  round: CNAME('round.shop.com'),
  many: { TXT: Array.from({ length: 20 }, (_, index) => `${index}`.repeat(90)), ttl: HOUR },
  short: { A: ['10.0.0.7'], ttl: 30_000 },
  deep: NS('ns.deep.example.com'),
  'ns.deep': A('10.1.0.9'),
};
const SHOP_ZONE: Zones[string] = {
  '@': NS('ns.hosting.org'),
  www: A('10.2.2.2'),
  round: CNAME('round.example.com'),
};

function record(name: string, ttl: number, data: object): DnsRecord {
  return { name, class: 1, ttl, ...data } as DnsRecord;
}
const address = (name: string, text: string) => record(name, 300, { type: 'A', address: ipv4(text) });
const server = (zone: string, target: string) => record(zone, 300, { type: 'NS', target });

function decoded(bytes: Uint8Array): DnsMessage {
  const message = decodeDns(bytes);
  if (message instanceof Malformed) throw new Error(message.reason);
  return message;
}

const texts = (message: DnsMessage): string[] =>
  message.answers.map((each) => `${each.name} ${formatData(each)}`);

class Bench {
  readonly clock = new VirtualClock();
  readonly wire = new FakeWire(this.clock);
  readonly resolver: FakeHost = this.wire.host('resolver', `${RESOLVER}/24`);
  readonly client: FakeHost = this.wire.host('laptop', '51.0.0.20/24');
  readonly service;

  constructor(spec: Partial<DnsServerSpec> = {}) {
    this.service = startDnsServer(this.resolver, { zones: {}, forwarders: [], roots: ROOTS, ...spec });
  }

  /** The whole tree, with all its servers well. */
  static withTree(spec: Partial<DnsServerSpec> = {}): Bench {
    const bench = new Bench(spec);
    bench.serve(ROOT_SERVER, { '.': ROOT_ZONE });
    bench.serve(COM_SERVER, { com: COM_ZONE });
    bench.serve(ORG_SERVER, { org: ORG_ZONE });
    bench.serve('10.1.0.1', { 'example.com': EXAMPLE_ZONE });
    bench.serve('10.1.0.2', { 'example.com': EXAMPLE_ZONE });
    bench.serve('10.1.0.9', { 'deep.example.com': { '@': A('10.9.9.9') } });
    bench.serve('10.2.0.1', {
      'hosting.org': { '@': NS('ns.hosting.org'), ns: A('10.2.0.1') },
      'shop.com': SHOP_ZONE,
    });
    return bench;
  }

  serve(ip: string, zones: Zones): FakeHost {
    const host = this.wire.host(`server-${ip}`, `${ip}/24`);
    startDnsServer(host, { zones, forwarders: [], roots: {} });
    return host;
  }

  /** A server that gives these changes to an empty response, or none. */
  script(ip: string, answer: Scripted): void {
    const socket = this.wire.host(`server-${ip}`, `${ip}/24`).createUdpSocket().bind({ port: 53 });
    socket.on('message', (bytes: Uint8Array, from: { address: string; port: number }) => {
      const query = decoded(bytes);
      const said = answer(query);
      if (said) socket.send(encodeDns({ ...query, qr: true, ...said }), from.port, from.address);
    });
  }

  /** What the resolver sent to servers so far. */
  get asked(): readonly SentDatagram[] {
    return this.wire.sent.filter(({ host, port }) => host === 'resolver' && port === 53);
  }

  /** `server name`, in order, of what was asked since the last call. */
  trail(): string[] {
    const fresh = this.asked.slice(this.#seen);
    this.#seen = this.asked.length;
    return fresh.map(({ destination, data }) => `${destination} ${decoded(data).questions[0]?.name}`);
  }
  #seen = 0;

  ask(name: string, type: DnsType = 'A', changes: Partial<DnsMessage> = {}): Promise<DnsMessage> {
    return this.send({ ...queryFor(name, type), ...changes });
  }

  async send(query: DnsMessage): Promise<DnsMessage> {
    const [answer] = await this.sendAll([query]);
    return answer!;
  }

  /** Sends all at once, each from a port of its own; the answers in the order of the queries. */
  async sendAll(queries: readonly DnsMessage[], client = this.client): Promise<DnsMessage[]> {
    const answers = new Map<number, DnsMessage>();
    const sockets = queries.map((query, index) => {
      const socket = client.createUdpSocket().bind();
      socket.on('message', (data: Uint8Array) => answers.set(index, decoded(data)));
      socket.send(encodeDns(query), 53, RESOLVER);
      return socket;
    });
    const all = await this.clock.runUntilAsync(() => answers.size === queries.length, 30_000);
    for (const socket of sockets) socket.close();
    if (!all) throw new Error(`${queries.length - answers.size} of ${queries.length} have no answer`);
    return queries.map((_, index) => answers.get(index)!);
  }
}

const queryFor = (name: string, type: DnsType = 'A'): DnsMessage => dnsQuery({ id: 77, name, type });

describe('the way down', () => {
  test('DNS-8: it walks from the root through referrals, and says that it recurses', async () => {
    const bench = Bench.withTree();
    const answer = await bench.ask('www.example.com');
    expect(answer).toMatchObject({ id: 77, rcode: RCODE.NOERROR, ra: true, rd: true, aa: false, tc: false });
    expect(texts(answer)).toEqual(['www.example.com 93.184.216.34']);
    expect(answer.authorities).toEqual([]);
    const trail = bench.trail();
    expect(trail.slice(0, 2)).toEqual([`${ROOT_SERVER} www.example.com`, `${COM_SERVER} www.example.com`]);
    expect(trail[2]).toMatch(/^10\.1\.0\.[12] www\.example\.com$/);
    expect(trail).toHaveLength(3);
    for (const { data } of bench.asked)
      expect(decoded(data)).toMatchObject({ rd: false, edns: { udpSize: 1232, version: 0 } });
    expect(bench.resolver.log.named('dns.referral').map(({ fields }) => fields.zone)).toEqual([
      'com',
      'example.com',
    ]);
    expect(bench.resolver.log.named('dns.answer')[0]?.fields).toMatchObject({
      name: 'www.example.com',
      addresses: ['93.184.216.34'],
    });
  });

  test('DNS-8: what it learned is not asked again: answers, and the way to others in the same zone', async () => {
    const bench = Bench.withTree();
    await bench.ask('www.example.com');
    bench.trail();
    const again = await bench.ask('WWW.Example.COM');
    expect(texts(again)).toEqual(['www.example.com 93.184.216.34']);
    expect(bench.trail()).toEqual([]);
    await bench.ask('short.example.com');
    expect(bench.trail()).toEqual([expect.stringMatching(/^10\.1\.0\.[12] short\.example\.com$/)]);
    await bench.ask('www.elsewhere.com');
    expect(bench.trail()).toEqual([`${COM_SERVER} www.elsewhere.com`]);
  });

  test('DNS-8: TTLs count down, and what has run out is asked anew', async () => {
    const bench = Bench.withTree();
    expect((await bench.ask('short.example.com')).answers[0]?.ttl).toBe(30);
    bench.clock.advance(20_000);
    expect((await bench.ask('short.example.com')).answers[0]?.ttl).toBe(10);
    bench.trail();
    bench.clock.advance(10_001);
    expect((await bench.ask('short.example.com')).answers[0]?.ttl).toBe(30);
    expect(bench.trail()).toHaveLength(1);
    bench.clock.advance(HOUR);
    await bench.ask('short.example.com');
    expect(bench.trail()).toHaveLength(3);
  });

  test('DNS-8: a referral without glue: the name server is looked up first, from the root on', async () => {
    const bench = Bench.withTree();
    expect(texts(await bench.ask('www.shop.com'))).toEqual(['www.shop.com 10.2.2.2']);
    expect(bench.trail()).toEqual([
      `${ROOT_SERVER} www.shop.com`,
      `${COM_SERVER} www.shop.com`,
      `${ROOT_SERVER} ns.hosting.org`,
      `${ORG_SERVER} ns.hosting.org`,
      '10.2.0.1 ns.hosting.org',
      '10.2.0.1 www.shop.com',
    ]);
  });

  test('DNS-8: aliases are followed from zone to zone, and each is remembered', async () => {
    const bench = Bench.withTree();
    const expected = ['away.example.com www.shop.com.', 'www.shop.com 10.2.2.2'];
    expect(texts(await bench.ask('away.example.com'))).toEqual(expected);
    bench.trail();
    expect(texts(await bench.ask('away.example.com'))).toEqual(expected);
    expect(texts(await bench.ask('www.shop.com'))).toEqual(expected.slice(1));
    expect(bench.trail()).toEqual([]);
    const absent = await bench.ask('gone.example.com');
    expect(absent).toMatchObject({ rcode: RCODE.NXDOMAIN, authorities: [{ name: 'shop.com', type: 'SOA' }] });
    expect(texts(absent)).toEqual(['gone.example.com nothing.shop.com.']);
    expect(texts(await bench.ask('away.example.com', 'CNAME'))).toEqual(expected.slice(0, 1));
  });

  test('DNS-8: a zone below one of the servers that gave the answer before', async () => {
    const bench = Bench.withTree();
    await bench.ask('www.example.com');
    bench.trail();
    expect(texts(await bench.ask('deep.example.com'))).toEqual(['deep.example.com 10.9.9.9']);
    expect(bench.trail()).toHaveLength(2);
  });

  test('DNS-8: an answer that was cut off is asked for again over TCP', async () => {
    const bench = Bench.withTree();
    const query = queryFor('many.example.com', 'TXT');
    let answer: DnsMessage | undefined;
    void exchange(bench.client, { server: RESOLVER, query, transport: 'tcp', timeout: 5000 }).then(
      (response) => {
        answer = response;
      },
    );
    await bench.clock.runUntilAsync(() => answer !== undefined, 10_000);
    expect(answer?.answers).toHaveLength(20);
    expect(bench.resolver.log.named('dns.truncated')).toHaveLength(1);
  });

  test('DNS-8: a server that does not know EDNS is asked without', async () => {
    const bench = new Bench();
    bench.script(ROOT_SERVER, ({ edns }) =>
      edns ? { rcode: RCODE.FORMERR, edns: undefined } : { aa: true, answers: [address('old', '10.0.0.1')] },
    );
    expect(texts(await bench.ask('old'))).toEqual(['old 10.0.0.1']);
  });
});

describe('absence (RFC 2308)', () => {
  test('DNS-5, DNS-8: NXDOMAIN and NODATA come with their SOA, and are remembered for its MINIMUM', async () => {
    const bench = Bench.withTree();
    expect(await bench.ask('nothing.example.com')).toMatchObject({
      rcode: RCODE.NXDOMAIN,
      answers: [],
      authorities: [{ name: 'example.com', type: 'SOA', ttl: 300 }],
    });
    expect(await bench.ask('www.example.com', 'AAAA')).toMatchObject({
      rcode: RCODE.NOERROR,
      answers: [],
      authorities: [{ name: 'example.com', type: 'SOA', ttl: 300 }],
    });
    bench.trail();
    bench.clock.advance(100_000);
    expect((await bench.ask('nothing.example.com', 'MX')).authorities[0]?.ttl).toBe(200);
    expect((await bench.ask('www.example.com', 'AAAA')).authorities[0]?.ttl).toBe(200);
    expect(bench.trail()).toEqual([]);
    bench.clock.advance(200_001);
    await bench.ask('nothing.example.com');
    expect(bench.trail()).toHaveLength(1);
  });

  test('DNS-8: a name that no zone has ends at the root', async () => {
    const bench = Bench.withTree();
    expect((await bench.ask('nowhere')).rcode).toBe(RCODE.NXDOMAIN);
    expect(bench.trail()).toEqual([`${ROOT_SERVER} nowhere`]);
  });
});

describe('servers that fail', () => {
  test('DNS-8: a dead server is passed over, and is asked last for a while', async () => {
    const bench = new Bench();
    bench.serve(ROOT_SERVER, { '.': ROOT_ZONE });
    bench.serve(COM_SERVER, { com: COM_ZONE });
    // ns1 is off.
    bench.serve('10.1.0.2', { 'example.com': EXAMPLE_ZONE });
    for (const name of ['www.example.com', 'short.example.com', 'away.example.com', 'ns1.example.com'])
      expect((await bench.ask(name, name.startsWith('away') ? 'CNAME' : 'A')).rcode).toBe(RCODE.NOERROR);
    const inVain = bench.asked.filter(({ destination }) => destination === '10.1.0.1');
    expect(inVain.length).toBeLessThanOrEqual(1);
    expect(bench.clock.now()).toBeLessThan(1500);
  });

  test.each<[string, Scripted]>([
    ['REFUSED', () => ({ rcode: RCODE.REFUSED })],
    ['SERVFAIL', () => ({ rcode: RCODE.SERVFAIL })],
    ['no authority and no records', () => ({})],
    ['a referral to the root', () => ({ authorities: [server('.', 'a.root-servers.net')] })],
    ['a referral to its own zone', () => ({ authorities: [server('example.com', 'ns1.example.com')] })],
    ['a referral to another zone', () => ({ authorities: [server('deep.example.com', 'ns1.example.com')] })],
    ['NXDOMAIN without authority or SOA', () => ({ rcode: RCODE.NXDOMAIN })],
    [
      'an address of another name',
      ({ questions }) => ({ answers: [address(`x.${questions[0]?.name}`, '6.6.6.6')] }),
    ],
  ])('DNS-8: a lame server (%s) is passed over', async (_, lame) => {
    for (let round = 0; round < 5; round++) {
      const bench = new Bench();
      bench.serve(ROOT_SERVER, { '.': ROOT_ZONE });
      bench.serve(COM_SERVER, { com: COM_ZONE });
      bench.script('10.1.0.1', lame);
      bench.serve('10.1.0.2', { 'example.com': EXAMPLE_ZONE });
      expect(texts(await bench.ask('www.example.com'))).toEqual(['www.example.com 93.184.216.34']);
    }
  });

  test('DNS-8: when it can find nothing out it says SERVFAIL before the client gives up', async () => {
    const bench = new Bench();
    const answer = await bench.ask('www.example.com');
    expect(answer).toMatchObject({ rcode: RCODE.SERVFAIL, ra: true, answers: [] });
    expect(bench.clock.now()).toBeLessThan(5000);
    expect(bench.resolver.udpSockets.filter(({ closed }) => !closed)).toHaveLength(1);
  });

  test('DNS-8: a failure is remembered for a second, and no longer', async () => {
    const bench = new Bench();
    await bench.ask('www.example.com');
    bench.trail();
    const before = bench.clock.now();
    expect((await bench.ask('www.example.com')).rcode).toBe(RCODE.SERVFAIL);
    expect(bench.clock.now() - before).toBeLessThan(10);
    expect(bench.trail()).toEqual([]);
    bench.clock.advance(1000);
    bench.serve(ROOT_SERVER, { '.': { www: A('10.0.0.1') } });
    expect((await bench.ask('www')).rcode).toBe(RCODE.NOERROR);
  });

  test('DNS-8: zones whose servers need each other end in SERVFAIL, with few queries', async () => {
    const bench = Bench.withTree();
    const answer = await bench.ask('www.circle.com');
    expect(answer.rcode).toBe(RCODE.SERVFAIL);
    expect(bench.trail().length).toBeLessThan(20);
    expect(bench.clock.now()).toBeLessThan(5000);
  });

  test('DNS-8: so do aliases that go round', async () => {
    const bench = Bench.withTree();
    expect((await bench.ask('round.example.com')).rcode).toBe(RCODE.SERVFAIL);
    expect(bench.asked.length).toBeLessThan(20);
  });

  test('DNS-8: the work for one question is bounded, however a server leads it on', async () => {
    const bench = new Bench();
    // Every referral is to thirteen servers of which only the names are told, each name in a zone of its own.
    bench.script(ROOT_SERVER, ({ questions }) => {
      const name = questions[0]?.name ?? '';
      const servers = Array.from({ length: 13 }, (_, index) => server(name, `ns${index}.${index}-${name}`));
      return { authorities: servers };
    });
    expect((await bench.ask('victim')).rcode).toBe(RCODE.SERVFAIL);
    expect(bench.asked.length).toBeLessThanOrEqual(50);
    expect(bench.clock.now()).toBeLessThan(5000);
  });

  test('DNS-8: a server that refers ever deeper comes to an end with the name', async () => {
    const bench = new Bench();
    bench.script(ROOT_SERVER, ({ questions }) => {
      const labels = (questions[0]?.name ?? '').split('.');
      const zone = labels.slice(-Math.min(labels.length, ++depth)).join('.');
      return { authorities: [server(zone, 'ns.x')], additionals: [address('ns.x', ROOT_SERVER)] };
    });
    let depth = 0;
    expect((await bench.ask('a.b.c.d.e.f.g')).rcode).toBe(RCODE.SERVFAIL);
    expect(bench.asked.length).toBeLessThan(20);
  });
});

describe('who is believed', () => {
  /** com's server says this to everything below evil.com; example.com is as it should be. */
  function withEvil(answer: Scripted): Bench {
    const bench = new Bench();
    bench.serve(ROOT_SERVER, { '.': ROOT_ZONE });
    bench.serve(COM_SERVER, {
      com: { ...COM_ZONE, evil: NS('ns.evil.com'), 'ns.evil': A('6.6.6.1') },
    });
    bench.serve('10.1.0.1', { 'example.com': EXAMPLE_ZONE });
    bench.serve('10.1.0.2', { 'example.com': EXAMPLE_ZONE });
    bench.serve('6.6.6.6', { 'example.com': { '@': NS('ns.evil.com'), www: A('6.6.6.66') } });
    bench.script('6.6.6.1', answer);
    return bench;
  }

  test.each<[string, Scripted]>([
    [
      'records of other zones beside the answer',
      () => ({
        aa: true,
        answers: [address('www.evil.com', '6.6.6.2'), address('www.example.com', '6.6.6.66')],
        authorities: [server('example.com', 'ns.evil.com')],
        additionals: [address('ns.evil.com', '6.6.6.6'), address('www.example.com', '6.6.6.66')],
      }),
    ],
    [
      'an alias with the address of its target in another zone',
      () => ({
        aa: true,
        answers: [
          record('www.evil.com', 300, { type: 'CNAME', target: 'www.example.com' }),
          address('www.example.com', '6.6.6.66'),
        ],
      }),
    ],
    [
      'a referral for the whole of com',
      () => ({
        authorities: [server('com', 'ns.evil.com')],
        additionals: [address('ns.evil.com', '6.6.6.6')],
      }),
    ],
    [
      'glue for a server of another zone',
      () => ({
        authorities: [server('www.evil.com', 'ns1.example.com')],
        additionals: [address('ns1.example.com', '6.6.6.6')],
      }),
    ],
    [
      'an alias to a name that it denies',
      () => ({
        aa: true,
        rcode: RCODE.NXDOMAIN,
        answers: [record('www.evil.com', 300, { type: 'CNAME', target: 'www.example.com' })],
        authorities: [
          record('com', 900, {
            type: 'SOA',
            ...{ mname: 'a', rname: 'b', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 900 },
          }),
        ],
      }),
    ],
  ])('DNS-8: a server of another zone cannot plant %s', async (_, answer) => {
    const bench = withEvil(answer);
    await bench.ask('www.evil.com');
    expect(texts(await bench.ask('www.example.com'))).toEqual(['www.example.com 93.184.216.34']);
    expect(texts(await bench.ask('ns1.example.com'))).toEqual(['ns1.example.com 10.1.0.1']);
  });

  test('DNS-8: glue leads to a zone, but is nobody`s answer; the zone`s own word is (RFC 2181 §5.4.1)', async () => {
    const bench = new Bench();
    bench.serve(ROOT_SERVER, { '.': ROOT_ZONE });
    bench.serve(COM_SERVER, {
      com: { example: NS('ns1.example.com'), 'ns1.example': A('10.1.0.2') },
    });
    const zone = { 'example.com': { ...EXAMPLE_ZONE, ns1: A('10.1.0.1') } };
    bench.serve('10.1.0.1', zone);
    bench.serve('10.1.0.2', zone);
    await bench.ask('www.example.com');
    expect(texts(await bench.ask('ns1.example.com'))).toEqual(['ns1.example.com 10.1.0.1']);
    bench.trail();
    await bench.ask('short.example.com');
    expect(bench.trail()).toEqual(['10.1.0.1 short.example.com']);
  });

  test.each<[string, (query: DnsMessage) => Partial<DnsMessage>]>([
    ['another id', (query) => ({ id: query.id ^ 1 })],
    ['another name', (query) => ({ questions: [{ ...query.questions[0]!, name: 'www.example.org' }] })],
    ['another type', (query) => ({ questions: [{ ...query.questions[0]!, type: 'TXT' }] })],
  ])('DNS-7, DNS-8: a response with %s is none', async (_, forge) => {
    const bench = new Bench();
    bench.script(ROOT_SERVER, (query) => ({
      aa: true,
      answers: [address('www', '6.6.6.6')],
      ...forge(query),
    }));
    expect(await bench.ask('www')).toMatchObject({ rcode: RCODE.SERVFAIL, answers: [] });
  });

  test('DNS-7, DNS-8: ids and ports are random, and the same question from many clients is asked once', async () => {
    const bench = Bench.withTree();
    for (let index = 0; index < 20; index++) await bench.ask(`n${index}.example.com`);
    const { asked } = bench;
    expect(new Set(asked.map(({ sourcePort }) => sourcePort)).size).toBe(asked.length);
    expect(new Set(asked.map(({ data }) => decoded(data).id)).size).toBe(asked.length);
    bench.trail();
    await bench.sendAll([queryFor('short.example.com'), queryFor('SHORT.example.com')]);
    expect(bench.trail()).toHaveLength(1);
  });
});

describe('beside its zones and forwarders', () => {
  const OWN: Zones = {
    'home.arpa': {
      '@': NS('ns.home.arpa'),
      ns: A(RESOLVER),
      router: A('192.168.0.1'),
      web: CNAME('www.example.com'),
      lab: NS('ns.lab.home.arpa'),
      'ns.lab': A('10.7.0.1'),
    },
  };

  test('DNS-8: its own zones come first, and an alias of them leads out', async () => {
    const bench = Bench.withTree({ zones: OWN });
    const own = await bench.ask('router.home.arpa');
    expect(own).toMatchObject({ aa: true, ra: true });
    expect(bench.trail()).toEqual([]);
    const away = await bench.ask('web.home.arpa');
    expect(away).toMatchObject({ aa: true, rcode: RCODE.NOERROR });
    expect(texts(away)).toEqual(['web.home.arpa www.example.com.', 'www.example.com 93.184.216.34']);
  });

  test('DNS-8: a zone that its own zone delegates is asked there, not from the root on', async () => {
    const bench = Bench.withTree({ zones: OWN });
    bench.serve('10.7.0.1', { 'lab.home.arpa': { pc: A('10.7.0.5') } });
    expect(texts(await bench.ask('pc.lab.home.arpa'))).toEqual(['pc.lab.home.arpa 10.7.0.5']);
    expect(bench.trail()).toEqual(['10.7.0.1 pc.lab.home.arpa']);
    const referral = await bench.ask('other.lab.home.arpa', 'A', { rd: false });
    expect(referral).toMatchObject({ aa: false, answers: [], authorities: [{ name: 'lab.home.arpa' }] });
  });

  test('DNS-8: without RD it tells what it remembers, or whom it would ask, and asks nobody', async () => {
    const bench = Bench.withTree();
    const root = await bench.ask('www.example.com', 'A', { rd: false });
    expect(root).toMatchObject({ rcode: RCODE.NOERROR, ra: true, aa: false, rd: false, answers: [] });
    expect(root.authorities).toMatchObject([{ name: '.', type: 'NS', target: 'a.root-servers.net' }]);
    expect(root.additionals).toMatchObject([{ name: 'a.root-servers.net', type: 'A' }]);
    expect(bench.trail()).toEqual([]);
    await bench.ask('www.example.com');
    bench.clock.advance(600_000);
    bench.trail();
    const known = await bench.ask('www.example.com', 'A', { rd: false });
    expect(known.answers).toMatchObject([{ ttl: 3000 }]);
    const near = await bench.ask('other.example.com', 'A', { rd: false });
    expect(near.authorities).toMatchObject([
      { name: 'example.com', ttl: 2999, target: 'ns1.example.com' },
      { name: 'example.com', ttl: 2999, target: 'ns2.example.com' },
    ]);
    expect(bench.trail()).toEqual([]);
  });

  test('DNS-8: forwarders are asked first, and the root when none of them answers', async () => {
    const bench = Bench.withTree({ forwarders: ['10.8.0.1'] });
    const forwarder = bench.serve('10.8.0.1', { test: { www: A('10.8.8.8') } });
    expect(texts(await bench.ask('www.test'))).toEqual(['www.test 10.8.8.8']);
    expect(bench.trail()).toEqual(['10.8.0.1 www.test']);
    // It refuses what is in none of its zones.
    expect(texts(await bench.ask('www.example.com'))).toEqual(['www.example.com 93.184.216.34']);
    expect(bench.trail()[0]).toBe('10.8.0.1 www.example.com');
    expect(forwarder.log.named('dns.serve').at(-1)?.fields).toMatchObject({ rcode: 'REFUSED' });
    // And even when it is dead, the client is told in time.
    bench.wire.arrives = ({ destination }) => destination !== '10.8.0.1';
    const before = bench.clock.now();
    expect((await bench.ask('short.example.com')).rcode).toBe(RCODE.NOERROR);
    expect(bench.clock.now() - before).toBeLessThan(5000);
  });

  test('flush makes it forget answers and the way', async () => {
    const bench = Bench.withTree();
    await bench.ask('www.example.com');
    expect(bench.service.flush()).toBe(3);
    bench.trail();
    await bench.ask('www.example.com');
    expect(bench.trail()).toHaveLength(3);
  });

  test('DNS-8: a set that is too large is told and not remembered', async () => {
    const bench = new Bench();
    const addresses = Array.from({ length: 300 }, (_, index) =>
      address('big', `10.0.${index >> 8}.${index & 255}`),
    );
    bench.script(ROOT_SERVER, ({ questions }) => ({
      aa: true,
      answers:
        questions[0]?.name === 'big'
          ? addresses
          : addresses.slice(0, 100).map((a) => ({ ...a, name: 'small' })),
    }));
    for (const name of ['big', 'big', 'small', 'small']) await bench.ask(name);
    expect(bench.trail()).toEqual([`${ROOT_SERVER} big`, `${ROOT_SERVER} big`, `${ROOT_SERVER} small`]);
  });

  test('DNS-8: of what a referral tells only so many servers and addresses are asked', async () => {
    const bench = new Bench();
    const names = Array.from({ length: 40 }, (_, index) => `ns${index}`);
    bench.script(ROOT_SERVER, () => ({
      authorities: names.map((name) => server('victim', name)),
      additionals: names.flatMap((name, index) =>
        Array.from({ length: 20 }, (_, host) => address(name, `10.1.${index}.${host}`)),
      ),
    }));
    bench.wire.arrives = ({ destination, port }) =>
      port !== 53 || destination === RESOLVER || destination === ROOT_SERVER;
    const asked = () => new Set(bench.asked.map(({ destination }) => destination)).size - 1;
    for (let round = 0; round < 30; round++) {
      expect((await bench.ask('www.victim')).rcode).toBe(RCODE.SERVFAIL);
      bench.clock.advance(1000);
    }
    expect(asked()).toBeGreaterThan(13);
    expect(asked()).toBeLessThanOrEqual(13 * 4);
  });

  test('DNS-8: answers and delegations that are remembered are bounded, and the oldest go', () => {
    const clock = new VirtualClock();
    const cache = new DnsCache(clock);
    const delegations = new Delegations(clock, ROOTS);
    for (let index = 0; index < 1500; index++) {
      const name = `n${index}`;
      cache.store(name, 'A', { rcode: RCODE.NOERROR, answers: [address(name, '10.0.0.1')], authorities: [] });
      delegations.learn({ zone: name, servers: [{ name: `ns.${name}`, addresses: [] }], ttl: 300 });
    }
    expect(cache.get('n499', 'A')).toBeUndefined();
    expect(cache.get('n500', 'A')).toBeDefined();
    expect(delegations.closest('www.n499').zone).toBe('.');
    expect(delegations.closest('www.n500').zone).toBe('n500');
    expect([cache.flush(), delegations.flush()]).toEqual([1000, 1000]);
  });

  test('DNS-8: who waits is bounded, and one who floods leaves room for others', async () => {
    const bench = new Bench();
    const flood = bench.sendAll(Array.from({ length: 600 }, () => queryFor('dark')));
    const other = bench.wire.host('phone', '51.0.0.21/24');
    const [answer] = await bench.sendAll([queryFor('dark')], other);
    expect(answer?.rcode).toBe(RCODE.SERVFAIL);
    expect((await flood).every(({ rcode }) => rcode === RCODE.SERVFAIL)).toBe(true);
    // A thousand may wait in all, and one alone gets half of that.
    expect(bench.resolver.counters.get('dns.too-many-clients')).toBe(100);
    expect(bench.clock.now()).toBeGreaterThan(4000);
  });
});
