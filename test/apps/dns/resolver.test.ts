import { describe, expect, test } from 'vitest';
import { frameMessage } from '../../../shared/apps/dns/framing.ts';
import { createResolver, type Resolver } from '../../../shared/apps/dns/resolver.ts';
import { startDnsServer } from '../../../shared/apps/dns/server.ts';
import { ipv4 } from '../../../shared/core/address.ts';
import { Malformed } from '../../../shared/core/errors.ts';
import { decodeDns, encodeDns } from '../../../shared/wire/dns/message.ts';
import { type DnsMessage, type DnsRecord, RCODE } from '../../../shared/wire/dns/types.ts';
import { type FakeHost, FakeWire, type SentDatagram } from '../../support/fake-wire.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const NAME = 'www.example.com';

function address(name: string, text: string, ttl = 300): DnsRecord {
  return { name, class: 1, ttl, type: 'A', address: ipv4(text) };
}

function alias(name: string, target: string, ttl = 300): DnsRecord {
  return { name, class: 1, ttl, type: 'CNAME', target };
}

function soa(ttl: number, minimum: number): DnsRecord {
  const times = { serial: 1, refresh: 1, retry: 1, expire: 1, minimum };
  return { name: 'example.com', class: 1, ttl, type: 'SOA', mname: 'a', rname: 'b', ...times };
}

/** A resolver on a wire where servers answer as the test says. */
class Bench {
  readonly clock = new VirtualClock();
  readonly wire = new FakeWire(this.clock);
  readonly host: FakeHost = this.wire.host('laptop', '192.168.0.24/24');
  servers = ['8.8.8.8'];
  readonly resolver: Resolver = createResolver(this.host, { servers: () => this.servers });

  /** A server at `ip` that gives these changes to an empty response. */
  serve(ip: string, answer: (query: DnsMessage) => Partial<DnsMessage> | Uint8Array | undefined): FakeHost {
    const host = this.wire.host(`server-${ip}`, `${ip}/24`);
    const socket = host.createUdpSocket().bind({ port: 53 });
    socket.on('message', (bytes: Uint8Array, from: { address: string; port: number }) => {
      const query = decoded(bytes);
      const said = answer(query);
      if (!said) return;
      const response =
        said instanceof Uint8Array ? said : encodeDns({ ...query, qr: true, ra: true, ...said });
      socket.send(response, from.port, from.address);
    });
    return host;
  }

  get queries(): readonly SentDatagram[] {
    return this.wire.sent.filter(({ host }) => host === 'laptop');
  }

  /** The value, or the error, once it is there. */
  async result<T>(promise: Promise<T>, limit = 60_000): Promise<T | Error> {
    let outcome: { value: T | Error } | undefined;
    promise.then(
      (value) => {
        outcome = { value };
      },
      (error: Error) => {
        outcome = { value: error };
      },
    );
    await this.clock.runUntilAsync(() => outcome !== undefined, limit);
    if (!outcome) throw new Error('neither resolved nor rejected');
    return outcome.value;
  }

  lookup(name: string): Promise<readonly string[] | Error> {
    return this.result(this.resolver.lookup(name));
  }
}

function decoded(bytes: Uint8Array): DnsMessage {
  const message = decodeDns(bytes);
  if (message instanceof Malformed) throw new Error(message.reason);
  return message;
}

describe('lookup', () => {
  test('asks the server, and remembers', async () => {
    const bench = new Bench();
    bench.serve('8.8.8.8', () => ({ answers: [address(NAME, '93.184.216.34')] }));
    expect(await bench.lookup(NAME)).toEqual(['93.184.216.34']);
    expect(await bench.lookup('WWW.example.com.')).toEqual(['93.184.216.34']);
    expect(bench.queries).toHaveLength(1);
    expect(decoded(bench.queries[0]!.data)).toMatchObject({ rd: true, edns: undefined });
    expect(bench.host.log.events.map(({ event }) => event)).toEqual(['dns.query', 'dns.answer', 'dns.cache']);
    expect(bench.host.log.named('dns.answer')[0]?.fields).toMatchObject({
      name: NAME,
      addresses: ['93.184.216.34'],
      ttl: 300_000,
      server: '8.8.8.8',
    });
  });

  test('an address is its own answer, localhost the loopback', async () => {
    const bench = new Bench();
    expect(await bench.lookup('10.0.0.1')).toEqual(['10.0.0.1']);
    expect(await bench.lookup('localhost')).toEqual(['127.0.0.1']);
    expect(await bench.lookup('x.LocalHost.')).toEqual(['127.0.0.1']);
    expect(bench.queries).toEqual([]);
  });

  test('a CNAME chain is followed, and what was not asked is left out', async () => {
    const bench = new Bench();
    bench.serve('8.8.8.8', () => ({
      answers: [
        address('evil.example.org', '6.6.6.6'),
        address('c.example.com', '10.0.0.3'),
        alias('b.example.com', 'c.example.com'),
        alias('A.example.com', 'b.example.com'),
      ],
    }));
    expect(await bench.lookup('a.example.com')).toEqual(['10.0.0.3']);
    expect(bench.resolver.cache().map(({ name }) => name)).toEqual([
      'a.example.com',
      'b.example.com',
      'c.example.com',
    ]);
    expect(await bench.lookup('b.example.com')).toEqual(['10.0.0.3']);
    expect(bench.queries).toHaveLength(1);
  });

  test('a CNAME loop ends', async () => {
    const bench = new Bench();
    bench.serve('8.8.8.8', () => ({ answers: [alias(NAME, 'b.x'), alias('b.x', NAME)] }));
    expect(await bench.lookup(NAME)).toMatchObject({ code: 'ENOTFOUND' });
  });

  test('identical questions at once are one', async () => {
    const bench = new Bench();
    bench.serve('8.8.8.8', () => ({ answers: [address(NAME, '10.0.0.1', 0)] }));
    const both = Promise.all([bench.resolver.lookup(NAME), bench.resolver.lookup(NAME.toUpperCase())]);
    expect(await bench.result(both)).toEqual([['10.0.0.1'], ['10.0.0.1']]);
    expect(bench.queries).toHaveLength(1);
  });

  test.each([
    ['NXDOMAIN', { rcode: RCODE.NXDOMAIN }],
    ['NODATA', {}],
  ])('%s is ENOTFOUND, as Node words it', async (_, response) => {
    const bench = new Bench();
    bench.serve('8.8.8.8', () => response);
    expect(await bench.lookup(NAME)).toMatchObject({
      message: `getaddrinfo ENOTFOUND ${NAME}`,
      code: 'ENOTFOUND',
      errno: -3008,
      syscall: 'getaddrinfo',
      hostname: NAME,
    });
  });

  test('what is no name is ENOTFOUND without a question', async () => {
    const bench = new Bench();
    expect(await bench.lookup('a..b')).toMatchObject({ code: 'ENOTFOUND' });
    expect(await bench.lookup('')).toMatchObject({ code: 'ENOTFOUND' });
    expect(bench.queries).toEqual([]);
  });
});

describe('what counts as an answer', () => {
  test('DNS-7: id and port are random', async () => {
    const bench = new Bench();
    bench.serve('8.8.8.8', () => ({ answers: [address(NAME, '10.0.0.1', 0)] }));
    for (let index = 0; index < 20; index++) await bench.lookup(NAME);
    expect(new Set(bench.queries.map(({ sourcePort }) => sourcePort)).size).toBe(20);
    expect(new Set(bench.queries.map(({ data }) => decoded(data).id)).size).toBe(20);
    expect(bench.host.udpSockets.every(({ closed }) => closed)).toBe(true);
  });

  test.each<[string, (query: DnsMessage) => Partial<DnsMessage> | Uint8Array]>([
    ['another id', (query) => ({ id: query.id ^ 1 })],
    ['another name', (query) => ({ questions: [{ ...query.questions[0]!, name: 'www.example.org' }] })],
    ['another type', (query) => ({ questions: [{ ...query.questions[0]!, type: 'TXT' }] })],
    ['no question', () => ({ questions: [] })],
    ['not a response', () => ({ qr: false })],
    ['garbage', () => new Uint8Array(5)],
  ])('DNS-7: %s is passed over', async (_, forge) => {
    const bench = new Bench();
    bench.serve('8.8.8.8', forge);
    const result = bench.resolver.lookup(NAME);
    bench.clock.advance(2);
    const [query] = bench.queries;
    const good = encodeDns({ ...decoded(query!.data), qr: true, answers: [address(NAME, '10.0.0.1')] });
    const to = { destination: '192.168.0.24', port: query!.sourcePort, data: good };
    const socket = bench.host.udpAt(query!.sourcePort);
    socket?.receive({ source: '6.6.6.6', sourcePort: 53, ...to });
    socket?.receive({ source: '8.8.8.8', sourcePort: 54, ...to });
    expect(socket?.closed).toBe(false);
    socket?.receive({ source: '8.8.8.8', sourcePort: 53, ...to });
    expect(await bench.result(result)).toEqual(['10.0.0.1']);
    expect(bench.queries).toHaveLength(1);
  });

  test('DNS-7: a truncated answer is asked for again over TCP', async () => {
    const bench = new Bench();
    const texts = Array.from({ length: 10 }, (_, index) => `${index}`.repeat(100));
    const zones = { 'example.com': { www: { TXT: texts, ttl: 60_000 } } };
    startDnsServer(bench.wire.host('dns', '8.8.8.8/24'), { zones, forwarders: [], roots: {} });
    const answer = await bench.result(bench.resolver.query(NAME, 'TXT'));
    expect(answer).toMatchObject({ rcode: RCODE.NOERROR });
    expect(answer instanceof Error ? [] : answer.answers).toHaveLength(10);
    expect(bench.queries).toHaveLength(1);
  });

  test('DNS-7: a server that closes the TCP connection without an answer is passed over', async () => {
    const bench = new Bench();
    bench.servers = ['8.8.8.8', '8.8.4.4'];
    const host = bench.serve('8.8.8.8', () => ({ tc: true }));
    host.createServer({}, (socket) => socket.end(frameMessage(new Uint8Array(3)))).listen({ port: 53 });
    bench.serve('8.8.4.4', () => ({ answers: [address(NAME, '10.0.0.1')] }));
    expect(await bench.lookup(NAME)).toEqual(['10.0.0.1']);
  });
});

describe('servers that fail', () => {
  test('DNS-7: silence: the next server after 5 s', async () => {
    const bench = new Bench();
    bench.servers = ['8.8.8.8', '8.8.4.4'];
    bench.serve('8.8.4.4', () => ({ answers: [address(NAME, '10.0.0.1')] }));
    expect(await bench.lookup(NAME)).toEqual(['10.0.0.1']);
    expect(bench.queries.map(({ destination, at }) => [destination, at])).toEqual([
      ['8.8.8.8', 0],
      ['8.8.4.4', 5000],
    ]);
    expect(bench.host.log.named('dns.failure')[0]?.fields).toMatchObject({
      server: '8.8.8.8',
      reason: 'ETIMEDOUT',
    });
  });

  test('DNS-7: a dead server ends in EAI_AGAIN after two tries of 5 s', async () => {
    const bench = new Bench();
    expect(await bench.lookup(NAME)).toMatchObject({
      message: `getaddrinfo EAI_AGAIN ${NAME}`,
      code: 'EAI_AGAIN',
      errno: -3001,
      hostname: NAME,
    });
    expect(bench.clock.now()).toBe(10_000);
    expect(bench.queries).toHaveLength(2);
    expect(bench.clock.nextDue).toBeUndefined();
  });

  test('DNS-7: a closed port and a refusal are passed over at once', async () => {
    const bench = new Bench();
    bench.servers = ['8.8.8.8', '8.8.4.4', '9.9.9.9'];
    bench.wire.host('nobody', '8.8.8.8/24');
    bench.serve('8.8.4.4', () => ({ rcode: RCODE.REFUSED }));
    bench.serve('9.9.9.9', () => ({ answers: [address(NAME, '10.0.0.1')] }));
    expect(await bench.lookup(NAME)).toEqual(['10.0.0.1']);
    expect(bench.clock.now()).toBeLessThan(10);
  });

  test('DNS-7: no servers, and no route, are EAI_AGAIN', async () => {
    const bench = new Bench();
    bench.servers = [];
    expect(await bench.lookup(NAME)).toMatchObject({ code: 'EAI_AGAIN' });
    bench.servers = ['8.8.8.8'];
    bench.host.sendError = 'ENETUNREACH';
    expect(await bench.lookup(NAME)).toMatchObject({ code: 'EAI_AGAIN' });
    expect(bench.host.udpSockets.every(({ closed }) => closed)).toBe(true);
  });

  test('DNS-7: questions that wait are bounded', async () => {
    const bench = new Bench();
    const all = Promise.allSettled(
      Array.from({ length: 1001 }, (_, index) => bench.resolver.lookup(`n${index}.example.com`)),
    );
    await bench.result(all);
    expect(bench.queries).toHaveLength(2000);
    expect(bench.host.counters.get('dns.too-many-pending')).toBe(1);
  });
});

describe('the cache', () => {
  test('DNS-7: TTLs count down, and a set ends together, with its shortest (RFC 2181 §5.2)', async () => {
    const bench = new Bench();
    bench.serve('8.8.8.8', () => ({
      answers: [address(NAME, '10.0.0.1', 60), address(NAME, '10.0.0.2', 30)],
    }));
    await bench.lookup(NAME);
    bench.clock.advance(20_000);
    const answer = await bench.result(bench.resolver.query(NAME, 'A'));
    expect(answer instanceof Error ? [] : answer.answers.map(({ ttl }) => ttl)).toEqual([10, 10]);
    expect(bench.resolver.cache()).toMatchObject([
      { name: NAME, type: 'A', data: '10.0.0.1', ttl: 10 },
      { name: NAME, type: 'A', data: '10.0.0.2', ttl: 10 },
    ]);
    bench.clock.advance(10_000);
    expect(bench.resolver.cache()).toEqual([]);
    await bench.lookup(NAME);
    expect(bench.queries).toHaveLength(2);
  });

  test('TTL 0, and one with the high bit set, are not kept', async () => {
    const bench = new Bench();
    bench.serve('8.8.8.8', () => ({ answers: [address(NAME, '10.0.0.1', 0x80000000)] }));
    await bench.lookup(NAME);
    expect(bench.resolver.cache()).toEqual([]);
  });

  test('DNS-5: NXDOMAIN is kept for min(SOA TTL, MINIMUM), for every type', async () => {
    const bench = new Bench();
    bench.serve('8.8.8.8', () => ({ rcode: RCODE.NXDOMAIN, authorities: [soa(600, 60)] }));
    await bench.lookup(NAME);
    expect(bench.resolver.cache()).toEqual([{ name: NAME, type: 'ANY', data: 'NXDOMAIN', ttl: 60 }]);
    const answer = await bench.result(bench.resolver.query(NAME, 'MX'));
    expect(answer).toMatchObject({ rcode: RCODE.NXDOMAIN, authorities: [{ type: 'SOA' }] });
    expect(bench.queries).toHaveLength(1);
    bench.clock.advance(60_000);
    await bench.lookup(NAME);
    expect(bench.queries).toHaveLength(2);
  });

  test('DNS-5: NODATA is kept for its type alone, and nothing without an SOA', async () => {
    const bench = new Bench();
    bench.serve('8.8.8.8', ({ questions }) =>
      questions[0]?.type === 'A' ? { authorities: [soa(30, 600)] } : {},
    );
    await bench.lookup(NAME);
    await bench.result(bench.resolver.query(NAME, 'MX'));
    expect(bench.resolver.cache()).toEqual([{ name: NAME, type: 'A', data: 'NODATA', ttl: 30 }]);
  });

  test('it is bounded, and can be emptied', async () => {
    const bench = new Bench();
    bench.serve('8.8.8.8', ({ questions }) => ({ answers: [address(questions[0]!.name, '10.0.0.1')] }));
    for (let round = 0; round < 3; round++) {
      const names = Array.from({ length: 500 }, (_, index) => `n${round}-${index}.example.com`);
      await bench.result(Promise.all(names.map((name) => bench.resolver.lookup(name))));
    }
    expect(bench.resolver.cache()).toHaveLength(1000);
    bench.resolver.flush();
    expect(bench.resolver.cache()).toEqual([]);
  });
});
