import { once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Behaviour } from '../../../shared/apps/behaviour.ts';
import { frameMessage, MessageSplitter } from '../../../shared/apps/dns/framing.ts';
import { startDnsServer } from '../../../shared/apps/dns/server.ts';
import { fromHex } from '../../../shared/core/bytes.ts';
import { Malformed } from '../../../shared/core/errors.ts';
import type { DnsServerSpec } from '../../../shared/topology/types.ts';
import { decodeDns, dnsQuery, encodeDns } from '../../../shared/wire/dns/message.ts';
import { formatData } from '../../../shared/wire/dns/text.ts';
import { type DnsMessage, type DnsType, type Edns, RCODE } from '../../../shared/wire/dns/types.ts';
import { type FakeHost, FakeWire } from '../../support/fake-wire.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const MINUTE = 60_000;
const ZONES: DnsServerSpec['zones'] = {
  'example.com': {
    '@': {
      A: ['93.184.216.34'],
      NS: ['ns.example.com'],
      MX: [{ preference: 10, exchange: 'mail.example.com' }],
      ttl: 5 * MINUTE,
    },
    ns: { A: ['8.8.8.8'], ttl: MINUTE },
    mail: { A: ['93.184.216.35'], ttl: MINUTE },
    www: { A: ['93.184.216.34', '93.184.216.36'], TXT: ['hello'], ttl: 5 * MINUTE },
    alias: { CNAME: 'www.example.com', ttl: MINUTE },
    far: { CNAME: 'www.example.org', ttl: MINUTE },
    other: { CNAME: 'host.example.net', ttl: MINUTE },
    broken: { CNAME: 'nothing.example.com', ttl: MINUTE },
    loop: { CNAME: 'pool.example.com', ttl: MINUTE },
    pool: { CNAME: 'loop.example.com', ttl: MINUTE },
    'deep.empty': { A: ['10.0.0.1'], ttl: MINUTE },
    sub: { NS: ['ns.sub.example.com'], ttl: MINUTE },
    'ns.sub': { A: ['10.0.0.53'], ttl: MINUTE },
    big: { TXT: Array.from({ length: 10 }, (_, index) => `${index}`.repeat(100)), ttl: MINUTE },
    long: { TXT: ['x'.repeat(300)], ttl: MINUTE },
  },
  'example.net': {
    host: { A: ['10.1.1.1'], ttl: MINUTE },
    '*.wild': { A: ['10.1.1.2'], ttl: MINUTE },
    'here.wild': { TXT: ['here'], ttl: MINUTE },
    '*.far': { CNAME: 'www.example.com', ttl: MINUTE },
    crowd: {
      MX: Array.from({ length: 9 }, (_, index) => ({ preference: index, exchange: `a${index}.example.net` })),
      ttl: MINUTE,
    },
    ...Object.fromEntries(
      Array.from({ length: 9 }, (_, index) => [
        `a${index}`,
        { A: Array.from({ length: 4 }, (_unused, host) => `10.2.${index}.${host + 1}`), ttl: MINUTE },
      ]),
    ),
    below: {
      NS: Array.from({ length: 9 }, (_, index) => `a${index}.example.net`),
      ttl: MINUTE,
    },
  },
  '2.1.10.in-addr.arpa': { 7: { PTR: ['host.example.net'], ttl: MINUTE } },
};

const EDNS: Edns = { udpSize: 1232, version: 0, dnssecOk: false, options: [] };

class Bench {
  readonly clock = new VirtualClock();
  readonly wire = new FakeWire(this.clock);
  readonly host: FakeHost = this.wire.host('dns', '8.8.8.8/24');
  readonly client: FakeHost = this.wire.host('laptop', '51.0.0.20/24');
  readonly behaviour = new Behaviour(this.clock);
  readonly service;

  constructor(forwarders: readonly string[] = [], zones = ZONES) {
    this.service = startDnsServer(this.host, { zones, forwarders, roots: {} }, this.behaviour);
  }

  /** Sends bytes from a port of its own and gives what comes back within 30 s. */
  async exchange(bytes: Uint8Array): Promise<Uint8Array | undefined> {
    const socket = this.client.createUdpSocket().bind();
    let answer: Uint8Array | undefined;
    socket.on('message', (data: Uint8Array) => {
      answer = data;
    });
    socket.send(bytes, 53, '8.8.8.8');
    await this.clock.runUntilAsync(() => answer !== undefined, 30_000);
    socket.close();
    return answer;
  }

  async send(query: DnsMessage): Promise<DnsMessage> {
    return decoded(await this.exchange(encodeDns(query)));
  }

  ask(name: string, type: DnsType = 'A', changes: Partial<DnsMessage> = {}): Promise<DnsMessage> {
    return this.send({ ...dnsQuery({ id: 77, name, type }), ...changes });
  }
}

function decoded(bytes: Uint8Array | undefined): DnsMessage {
  const message = decodeDns(bytes ?? new Uint8Array(0));
  if (message instanceof Malformed) throw new Error(message.reason);
  return message;
}

const texts = (message: DnsMessage): string[] =>
  message.answers.map((record) => `${record.name} ${formatData(record)}`);

describe('the header', () => {
  test('DNS-1: id, question and RD are repeated, and the answer has authority', async () => {
    const bench = new Bench();
    const answer = await bench.ask('www.example.com');
    expect(answer).toMatchObject({
      id: 77,
      qr: true,
      aa: true,
      tc: false,
      rd: true,
      ra: false,
      rcode: 0,
      ad: false,
    });
    expect(answer.questions).toEqual([{ name: 'www.example.com', type: 'A', class: 1 }]);
    expect(texts(answer)).toEqual(['www.example.com 93.184.216.34', 'www.example.com 93.184.216.36']);
    expect(answer.answers[0]?.ttl).toBe(300);
    expect((await bench.ask('www.example.com', 'A', { rd: false })).rd).toBe(false);
    expect(bench.host.log.named('dns.serve')[0]?.fields).toMatchObject({
      client: '51.0.0.20',
      name: 'www.example.com',
      type: 'A',
      rcode: 'NOERROR',
      answers: ['93.184.216.34', '93.184.216.36'],
    });
  });

  test('DNS-1: bit Z of the query is not repeated', async () => {
    const query = encodeDns(dnsQuery({ id: 1, name: 'www.example.com', type: 'A' }));
    query[3] = (query[3] ?? 0) | 0x40;
    const answer = await new Bench().exchange(query);
    expect((answer?.[3] ?? 0xff) & 0x40).toBe(0);
  });

  test('DNS-1: another opcode gets NOTIMP', async () => {
    const answer = await new Bench().ask('www.example.com', 'A', { opcode: 2 });
    expect(answer).toMatchObject({ opcode: 2, rcode: RCODE.NOTIMP, answers: [] });
  });

  test('DNS-1: garbage behind a header gets FORMERR, garbage without one and responses get silence', async () => {
    const bench = new Bench();
    const answer = decoded(await bench.exchange(fromHex('abcd01000001000000000000 c00c 0001 0001')));
    expect(answer).toMatchObject({ id: 0xabcd, qr: true, rcode: RCODE.FORMERR, questions: [] });
    expect(await bench.exchange(fromHex('abcd0100'))).toBeUndefined();
    expect(await bench.exchange(fromHex('abcd81000001000000000000 c00c 0001 0001'))).toBeUndefined();
    const response = { ...dnsQuery({ id: 1, name: 'www.example.com', type: 'A' }), qr: true };
    expect(await bench.exchange(encodeDns(response))).toBeUndefined();
  });

  test('DNS-1: no question, or two, get FORMERR', async () => {
    const bench = new Bench();
    const [question] = dnsQuery({ id: 1, name: 'www.example.com', type: 'A' }).questions;
    expect((await bench.ask('x', 'A', { questions: [] })).rcode).toBe(RCODE.FORMERR);
    expect((await bench.ask('x', 'A', { questions: [question!, question!] })).rcode).toBe(RCODE.FORMERR);
  });

  test('DNS-1: random bytes do no harm', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (bytes) => {
        const bench = new Bench();
        bench.host
          .udpAt(53)
          ?.receive({ source: '51.0.0.20', sourcePort: 5, destination: '8.8.8.8', port: 53, data: bytes });
        await bench.clock.runUntilAsync(() => false, 100);
      }),
      { numRuns: 50 },
    );
  });
});

describe('names', () => {
  test('DNS-2: case does not matter, and that of the question is kept', async () => {
    const answer = await new Bench().ask('WWW.eXample.COM');
    expect(answer.questions[0]?.name).toBe('WWW.eXample.COM');
    expect(texts(answer)[0]).toBe('WWW.eXample.COM 93.184.216.34');
  });

  test('DNS-5: an absent type is NOERROR with the SOA', async () => {
    const answer = await new Bench().ask('www.example.com', 'MX');
    expect(answer).toMatchObject({ rcode: RCODE.NOERROR, aa: true, answers: [] });
    expect(answer.authorities).toMatchObject([{ name: 'example.com', type: 'SOA', ttl: 300, minimum: 300 }]);
  });

  test('DNS-5: so is an empty non-terminal', async () => {
    const answer = await new Bench().ask('empty.example.com');
    expect(answer).toMatchObject({ rcode: RCODE.NOERROR, answers: [] });
    expect(answer.authorities).toHaveLength(1);
  });

  test('DNS-5: an absent name is NXDOMAIN with the SOA', async () => {
    const answer = await new Bench().ask('nothing.example.com');
    expect(answer).toMatchObject({ rcode: RCODE.NXDOMAIN, aa: true, answers: [] });
    expect(answer.authorities).toMatchObject([{ type: 'SOA' }]);
  });

  test('DNS-6: an unknown type is NODATA', async () => {
    const answer = await new Bench().ask('www.example.com', 'TYPE65');
    expect(answer).toMatchObject({ rcode: RCODE.NOERROR, answers: [] });
    expect(answer.authorities).toHaveLength(1);
  });

  test('DNS-6: a CNAME is followed by its target, into another zone too', async () => {
    const bench = new Bench();
    expect(texts(await bench.ask('alias.example.com'))).toEqual([
      'alias.example.com www.example.com.',
      'www.example.com 93.184.216.34',
      'www.example.com 93.184.216.36',
    ]);
    expect(texts(await bench.ask('other.example.com'))).toEqual([
      'other.example.com host.example.net.',
      'host.example.net 10.1.1.1',
    ]);
    expect(texts(await bench.ask('alias.example.com', 'CNAME'))).toEqual([
      'alias.example.com www.example.com.',
    ]);
  });

  test('DNS-6: a CNAME to nothing is NXDOMAIN, one that leads away stands alone, a loop ends', async () => {
    const bench = new Bench();
    const broken = await bench.ask('broken.example.com');
    expect(broken.rcode).toBe(RCODE.NXDOMAIN);
    expect(broken.answers).toHaveLength(1);
    const far = await bench.ask('far.example.com');
    expect(far).toMatchObject({ rcode: RCODE.NOERROR, authorities: [] });
    expect(texts(far)).toEqual(['far.example.com www.example.org.']);
    const loop = await bench.ask('loop.example.com');
    expect(loop.answers.length).toBeLessThan(20);
  });

  test('a zone below is referred to, with the address of its server', async () => {
    const answer = await new Bench().ask('www.sub.example.com');
    expect(answer).toMatchObject({ rcode: RCODE.NOERROR, aa: false, answers: [] });
    expect(answer.authorities).toMatchObject([
      { name: 'sub.example.com', type: 'NS', target: 'ns.sub.example.com' },
    ]);
    expect(answer.additionals).toMatchObject([{ name: 'ns.sub.example.com', type: 'A' }]);
  });

  test('a zone and its parent on one server: the deeper one answers', async () => {
    const zones = {
      '.': { '@': { NS: ['root'], ttl: MINUTE }, com: { NS: ['ns.com'], ttl: MINUTE } },
      com: { '@': { NS: ['ns.com'], ttl: MINUTE }, ns: { A: ['8.8.8.8'], ttl: MINUTE } },
    };
    const bench = new Bench([], zones);
    expect(await bench.ask('com', 'NS')).toMatchObject({ aa: true, answers: [{ target: 'ns.com' }] });
    expect(texts(await bench.ask('ns.com'))).toEqual(['ns.com 8.8.8.8']);
    expect(await bench.ask('org')).toMatchObject({ rcode: RCODE.NXDOMAIN, authorities: [{ name: '.' }] });
    expect(texts(await bench.ask('.', 'NS'))).toEqual(['. root.']);
  });

  test('a `*` stands for names that are not there (RFC 4592)', async () => {
    const bench = new Bench();
    expect(texts(await bench.ask('Any.deeper.wild.example.net'))).toEqual([
      'Any.deeper.wild.example.net 10.1.1.2',
    ]);
    expect(await bench.ask('any.wild.example.net', 'TXT')).toMatchObject({ rcode: 0, answers: [] });
    // Not for one that is there with other types, and not for what is below it.
    expect(await bench.ask('here.wild.example.net')).toMatchObject({ rcode: 0, answers: [] });
    expect((await bench.ask('x.here.wild.example.net')).rcode).toBe(RCODE.NXDOMAIN);
    expect(await bench.ask('wild.example.net')).toMatchObject({ rcode: 0, answers: [] });
    expect(texts(await bench.ask('x.far.example.net'))).toEqual([
      'x.far.example.net www.example.com.',
      'www.example.com 93.184.216.34',
      'www.example.com 93.184.216.36',
    ]);
  });

  test('names of addresses are PTR records', async () => {
    const bench = new Bench();
    expect(texts(await bench.ask('7.2.1.10.in-addr.arpa', 'PTR'))).toEqual([
      '7.2.1.10.in-addr.arpa host.example.net.',
    ]);
  });

  test('MX and NS come with addresses, long texts in pieces, SOA is synthesised', async () => {
    const bench = new Bench();
    const mx = await bench.ask('example.com', 'MX');
    expect(texts(mx)).toEqual(['example.com 10 mail.example.com.']);
    expect(mx.additionals).toMatchObject([{ name: 'mail.example.com', type: 'A' }]);
    expect(texts(await bench.ask('example.com', 'NS'))).toEqual(['example.com ns.example.com.']);
    expect(texts(await bench.ask('example.com', 'SOA'))).toEqual([
      'example.com ns.example.com. hostmaster.example.com. 1 3600 600 86400 300',
    ]);
    const [long] = (await bench.ask('long.example.com', 'TXT')).answers;
    expect(long?.type === 'TXT' && long.strings.map((each) => each.length)).toEqual([255, 45]);
  });

  test('ANY gets one set (RFC 8482), zone transfers and other classes are refused', async () => {
    const bench = new Bench();
    const any = await bench.ask('www.example.com', 'ANY');
    expect(new Set(any.answers.map(({ type }) => type))).toEqual(new Set(['A']));
    expect((await bench.ask('example.com', 'AXFR')).rcode).toBe(RCODE.REFUSED);
    const chaos = dnsQuery({ id: 1, name: 'version.bind', type: 'TXT', class: 3 });
    expect((await bench.send(chaos)).rcode).toBe(RCODE.REFUSED);
  });

  test('outside the zones it refuses', async () => {
    const answer = await new Bench().ask('www.example.org');
    expect(answer).toMatchObject({ rcode: RCODE.REFUSED, aa: false, answers: [], authorities: [] });
  });
});

describe('EDNS', () => {
  test('DNS-4: OPT only if it was asked with one', async () => {
    const bench = new Bench();
    expect((await bench.ask('www.example.com')).edns).toBeUndefined();
    const answer = await bench.ask('www.example.com', 'A', { edns: EDNS });
    expect(answer.edns).toEqual({ udpSize: 1232, version: 0, dnssecOk: false, options: [] });
  });

  test('DNS-4: version 1 gets BADVERS', async () => {
    const answer = await new Bench().ask('www.example.com', 'A', { edns: { ...EDNS, version: 1 } });
    expect(answer).toMatchObject({ rcode: RCODE.BADVERS, answers: [], edns: { version: 0 } });
  });

  test('DNS-4: two OPTs get FORMERR', async () => {
    const opt = '00 0029 04d0 00000000 0000';
    const answer = await new Bench().exchange(fromHex(`000101000001000000000002 00 0001 0001 ${opt} ${opt}`));
    expect(decoded(answer)).toMatchObject({ id: 1, rcode: RCODE.FORMERR });
  });

  test('DNS-4: a size under 512 counts as 512', async () => {
    const bench = new Bench();
    const small = await bench.ask('long.example.com', 'TXT', { edns: { ...EDNS, udpSize: 100 } });
    expect(small).toMatchObject({ tc: false });
    expect(small.answers).toHaveLength(1);
    const large = await bench.ask('big.example.com', 'TXT', { edns: { ...EDNS, udpSize: 4096 } });
    expect(large).toMatchObject({ tc: false });
    expect(large.answers).toHaveLength(10);
  });
});

describe('TCP', () => {
  test('DNS-3: over 512 bytes without EDNS sets TC', async () => {
    const answer = await new Bench().ask('big.example.com', 'TXT');
    expect(answer).toMatchObject({ tc: true, rcode: RCODE.NOERROR, answers: [] });
    expect(answer.questions).toHaveLength(1);
  });

  test('DNS-3: what is only there to help is left out without TC (RFC 2181 §9)', async () => {
    const answer = await new Bench().ask('crowd.example.net', 'MX');
    expect(answer).toMatchObject({ tc: false, additionals: [] });
    expect(answer.answers).toHaveLength(9);
  });

  test('DNS-3: but a referral whose glue has no room sets TC (RFC 9471)', async () => {
    const answer = await new Bench().ask('www.below.example.net');
    expect(answer).toMatchObject({ tc: true, aa: false, answers: [], authorities: [], additionals: [] });
  });

  test('DNS-3: several queries on one connection, cut anywhere', async () => {
    const bench = new Bench();
    const socket = bench.client.connect({ host: '8.8.8.8', port: 53 });
    const splitter = new MessageSplitter();
    const answers: DnsMessage[] = [];
    socket.on('data', (bytes: Uint8Array) => answers.push(...splitter.push(bytes).map(decoded)));
    bench.clock.advance(1);
    const names = ['big.example.com', 'www.example.com', 'nothing.example.com'];
    const stream = Buffer.concat(
      names.map((name, id) => frameMessage(encodeDns(dnsQuery({ id, name, type: 'TXT' })))),
    );
    for (const byte of stream) socket.write(Buffer.of(byte));
    socket.end();
    await once(socket, 'end');
    expect(answers.map(({ id, tc, answers: records }) => [id, tc, records.length])).toEqual([
      [0, false, 10],
      [1, false, 1],
      [2, false, 0],
    ]);
  });

  test('DNS-3: garbage ends the connection', async () => {
    const bench = new Bench();
    const socket = bench.client.connect({ host: '8.8.8.8', port: 53 });
    let far: { destroyed: boolean } | undefined;
    bench.host.tcpServers[0]?.on('connection', (each: { destroyed: boolean }) => {
      far = each;
    });
    bench.clock.advance(1);
    socket.write(frameMessage(fromHex('abcd')));
    expect(await bench.clock.runUntilAsync(() => far?.destroyed === true, 1000)).toBe(true);
  });
});

describe('forwarding', () => {
  function withUpstream(zones: DnsServerSpec['zones']): Bench {
    const bench = new Bench(['9.9.9.9']);
    startDnsServer(bench.wire.host('upstream', '9.9.9.9/24'), { zones, forwarders: [], roots: {} });
    return bench;
  }

  const FAR = { 'example.org': { www: { A: ['10.2.2.2'], ttl: MINUTE } } };

  test('outside the zones it asks on, and remembers', async () => {
    const bench = withUpstream(FAR);
    const answer = await bench.ask('www.example.org');
    expect(answer).toMatchObject({ ra: true, aa: false, rcode: RCODE.NOERROR });
    expect(texts(answer)).toEqual(['www.example.org 10.2.2.2']);
    bench.clock.advance(10_000);
    const again = await bench.ask('www.example.org');
    expect(again.answers[0]?.ttl).toBe(50);
    expect(bench.wire.sent.filter(({ destination }) => destination === '9.9.9.9')).toHaveLength(1);
    expect(bench.host.log.named('dns.cache')).toHaveLength(1);
  });

  test('an absence is passed on with its SOA', async () => {
    const answer = await withUpstream(FAR).ask('nothing.example.org');
    expect(answer).toMatchObject({ rcode: RCODE.NXDOMAIN, authorities: [{ type: 'SOA' }] });
  });

  test('DNS-6: an alias that leads out of the zones is completed', async () => {
    const answer = await withUpstream(FAR).ask('far.example.com');
    expect(texts(answer)).toEqual(['far.example.com www.example.org.', 'www.example.org 10.2.2.2']);
  });

  test('without RD it does not ask on', async () => {
    const answer = await withUpstream(FAR).ask('www.example.org', 'A', { rd: false });
    expect(answer.rcode).toBe(RCODE.REFUSED);
  });

  test('a dead forwarder ends in SERVFAIL', async () => {
    expect((await new Bench(['9.9.9.9']).ask('www.example.org')).rcode).toBe(RCODE.SERVFAIL);
  });
});

test('closing ends both transports', async () => {
  const bench = new Bench();
  await bench.service.close();
  expect(bench.host.udpAt(53)).toBeUndefined();
  expect(bench.host.tcpServers.map(({ port }) => port)).toEqual([0]);
});

describe('a server that misbehaves', () => {
  const counts = { seen: 1, affected: 1 };

  test('answers late', async () => {
    const bench = new Bench();
    bench.behaviour.misbehave('f', { service: 'dns', delay: 2000 });
    expect(texts(await bench.ask('ns.example.com'))).toEqual(['ns.example.com 8.8.8.8']);
    expect(bench.clock.now()).toBeGreaterThanOrEqual(2000);
    expect(bench.clock.now()).toBeLessThan(3000);
    expect(bench.behaviour.behave('f')).toEqual(counts);
  });

  test('answers not at all, until it behaves', async () => {
    const bench = new Bench();
    bench.behaviour.misbehave('f', { service: 'dns', silent: true });
    expect(
      await bench.exchange(encodeDns(dnsQuery({ id: 7, name: 'example.com', type: 'A' }))),
    ).toBeUndefined();
    expect(bench.behaviour.behave('f')).toEqual(counts);
    expect((await bench.ask('example.com')).rcode).toBe(RCODE.NOERROR);
  });

  test('says SERVFAIL, without records', async () => {
    const bench = new Bench();
    bench.behaviour.misbehave('f', { service: 'dns', servfail: true });
    const answer = await bench.ask('www.example.com');
    expect(answer).toMatchObject({ id: 77, qr: true, aa: false, rcode: RCODE.SERVFAIL, answers: [] });
    expect(bench.behaviour.behave('f')).toEqual(counts);
  });

  test('tells a wrong address in every A record, and leaves the others', async () => {
    const bench = new Bench();
    bench.behaviour.misbehave('f', { service: 'dns', address: '6.6.6.6' });
    expect(texts(await bench.ask('alias.example.com'))).toEqual([
      'alias.example.com www.example.com.',
      'www.example.com 6.6.6.6',
      'www.example.com 6.6.6.6',
    ]);
    expect(texts(await bench.ask('www.example.com', 'TXT'))).toEqual(['www.example.com "hello"']);
    expect(bench.behaviour.behave('f')).toEqual({ seen: 2, affected: 1 });
    expect(texts(await bench.ask('ns.example.com'))).toEqual(['ns.example.com 8.8.8.8']);
  });

  test('does so over TCP too, where silence keeps the connection', async () => {
    const bench = new Bench();
    bench.behaviour.misbehave('f', { service: 'dns', silent: true });
    const socket = bench.client.connect({ host: '8.8.8.8', port: 53 });
    const splitter = new MessageSplitter();
    const answers: DnsMessage[] = [];
    socket.on('data', (bytes: Uint8Array) => answers.push(...splitter.push(bytes).map(decoded)));
    const ask = (id: number) =>
      socket.write(frameMessage(encodeDns(dnsQuery({ id, name: 'example.com', type: 'A' }))));
    ask(1);
    await bench.clock.runUntilAsync(() => false, 1000);
    bench.behaviour.behave('f');
    bench.behaviour.misbehave('g', { service: 'dns', servfail: true });
    ask(2);
    await bench.clock.runUntilAsync(() => answers.length > 0, 1000);
    expect(answers.map(({ id, rcode }) => [id, rcode])).toEqual([[2, RCODE.SERVFAIL]]);
    socket.destroy();
  });
});
