import packet from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ipv4 } from '../../../shared/core/address.ts';
import { fromHex, toHex } from '../../../shared/core/bytes.ts';
import { Malformed } from '../../../shared/core/errors.ts';
import { decodeDns, dnsQuery, encodeDns } from '../../../shared/wire/dns/message.ts';
import { formatData } from '../../../shared/wire/dns/text.ts';
import {
  type DnsData,
  type DnsMessage,
  type DnsRecord,
  parseType,
  RCODE,
} from '../../../shared/wire/dns/types.ts';

function decoded(bytes: Uint8Array): DnsMessage {
  const message = decodeDns(bytes);
  if (message instanceof Malformed) throw new Error(message.reason);
  return message;
}

function reasonOf(hex: string): string | undefined {
  const message = decodeDns(fromHex(hex));
  return message instanceof Malformed ? message.reason : undefined;
}

// dig and dnsmasq, captured between Linux kernels.
const QUERY = '99a801000001000000000000 03777777076578616d706c6503636f6d00 00010001';
const ANSWER =
  '99a885800001000100000000 03777777076578616d706c6503636f6d00 00010001 c00c000100010000012c00045db8d822';
const EDNS_QUERY =
  'df7b01200001000000000001 03777777076578616d706c6503636f6d00 00010001 00002904d000000000000c 000a00088f544c3ad990daaa';
const EDNS_REFUSED =
  'd7e581850001000000000001 076e6f7468696e67076578616d706c65036f726700 00010001 00002904d0000000000006 000f0002000e';

describe('known messages', () => {
  test.each([QUERY, ANSWER, EDNS_QUERY, EDNS_REFUSED])('%s is encoded as it was decoded', (hex) => {
    expect(toHex(encodeDns(decoded(fromHex(hex))))).toBe(hex.replaceAll(' ', ''));
  });

  test('a query', () => {
    expect(decoded(fromHex(QUERY))).toEqual(dnsQuery({ id: 0x99a8, name: 'www.example.com', type: 'A' }));
  });

  test('an answer', () => {
    const message = decoded(fromHex(ANSWER));
    expect(message).toMatchObject({
      qr: true,
      aa: true,
      rd: true,
      ra: true,
      tc: false,
      rcode: RCODE.NOERROR,
    });
    expect(message.answers).toEqual([
      { name: 'www.example.com', type: 'A', class: 1, ttl: 300, address: ipv4('93.184.216.34') },
    ]);
  });

  test('EDNS with a cookie, and a refusal with an extended error', () => {
    expect(decoded(fromHex(EDNS_QUERY)).edns).toEqual({
      udpSize: 1232,
      version: 0,
      dnssecOk: false,
      options: [{ code: 10, data: fromHex('8f544c3ad990daaa') }],
    });
    expect(decoded(fromHex(EDNS_REFUSED)).rcode).toBe(RCODE.REFUSED);
  });
});

describe('malformed', () => {
  const root = '00 0001 0001';
  test.each([
    ['truncated', '99a8'],
    ['truncated', '99a801000001000000000000 00 0001 00'],
    ['truncated', '000081800000000100000000 00 0001 0001 00000000 0004 010203'],
    ['bad-rdata', '000081800000000100000000 00 0001 0001 00000000 0003 010203'],
    ['bad-rdata', '000081800000000100000000 00 000f 0001 00000000 0004 0001 00 00'],
    ['bad-rdata', '000081800000000100000000 00 0010 0001 00000000 0002 0261'],
    ['bad-rdata', '000081800000000100000000 00 0010 0001 00000000 0000'],
    ['trailing-bytes', `000001000001000000000000 ${root} 00`],
    ['two-opts', `000001000001000000000002 ${root} 00 0029 04d0 00000000 0000 00 0029 04d0 00000000 0000`],
    ['opt-not-at-root', `000001000001000000000001 ${root} 016100 0029 04d0 00000000 0000`],
    ['opt-misplaced', `000001000001000100000000 ${root} 00 0029 04d0 00000000 0000`],
    ['bad-rdata', `000001000001000000000001 ${root} 00 0029 04d0 00000000 0001 000a0001 00`],
    ['bad-pointer', '000001000001000000000000 c00c 0001 0001'],
  ])('%s: %s', (reason, hex) => {
    expect(reasonOf(hex)).toBe(reason);
  });

  test('random bytes never throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => void decodeDns(bytes)));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(3), fc.nat(3), (bytes, answers, additionals) => {
        decodeDns(Uint8Array.from([0, 0, 0, 0, 0, 1, 0, answers, 0, 0, 0, additionals, ...bytes]));
      }),
    );
  });
});

const label = fc.stringMatching(/^[a-zA-Z0-9-]{1,12}$/);
const name = fc.oneof(
  fc.constant('.'),
  fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.')),
);
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffffffff);
const fixed = <T extends string>(type: T): fc.Arbitrary<T> => fc.constant(type);
const data: fc.Arbitrary<DnsData> = fc.oneof(
  fc.record({ type: fixed('A'), address: u32 }),
  fc.record({ type: fixed('AAAA'), address: fc.uint8Array({ minLength: 16, maxLength: 16 }) }),
  fc.record({ type: fc.constantFrom('NS' as const, 'CNAME' as const, 'PTR' as const), target: name }),
  fc.record({ type: fixed('MX'), preference: u16, exchange: name }),
  fc.record({
    type: fixed('TXT'),
    strings: fc.array(fc.uint8Array({ maxLength: 255 }), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    type: fixed('SOA'),
    mname: name,
    rname: name,
    serial: u32,
    refresh: u32,
    retry: u32,
    expire: u32,
    minimum: u32,
  }),
);
const rawData: fc.Arbitrary<DnsData> = fc.record({
  type: fc.constantFrom('TYPE65' as const, 'TYPE43' as const),
  rdata: fc.uint8Array({ maxLength: 40 }),
});
const recordOf = (content: fc.Arbitrary<DnsData>): fc.Arbitrary<DnsRecord[]> =>
  fc.array(
    fc
      .tuple(name, fc.nat(0x7fffffff), content)
      .map(([owner, ttl, rest]) => ({ name: owner, class: 1, ttl, ...rest })),
    { maxLength: 4 },
  );
const messageOf = (content: fc.Arbitrary<DnsData>): fc.Arbitrary<DnsMessage> =>
  fc.record({
    id: u16,
    qr: fc.boolean(),
    opcode: fc.nat(15),
    aa: fc.boolean(),
    tc: fc.boolean(),
    rd: fc.boolean(),
    ra: fc.boolean(),
    ad: fc.boolean(),
    cd: fc.boolean(),
    rcode: fc.nat(15),
    questions: fc.array(
      fc.record({ name, type: fc.constantFrom('A' as const, 'MX' as const), class: fc.constant(1) }),
      {
        maxLength: 2,
      },
    ),
    answers: recordOf(content),
    authorities: recordOf(content),
    additionals: recordOf(content),
    edns: fc.constant(undefined),
  });

describe('properties', () => {
  test('what is encoded decodes to the same', () => {
    fc.assert(
      fc.property(
        messageOf(fc.oneof(data, rawData)),
        fc.nat(0xfff),
        fc.boolean(),
        (message, rcode, withEdns) => {
          const original = withEdns
            ? { ...message, rcode, edns: { udpSize: 4096, version: 0, dnssecOk: true, options: [] } }
            : message;
          const bytes = encodeDns(original);
          expect(decodeDns(bytes)).toEqual(original);
          expect(toHex(encodeDns(decoded(bytes)))).toBe(toHex(bytes));
        },
      ),
    );
  });

  test('dns-packet reads what is encoded', () => {
    fc.assert(
      fc.property(messageOf(data), (message) => {
        const theirs = packet.decode(Buffer.from(encodeDns(message)));
        expect(theirs.id).toBe(message.id);
        expect(theirs.questions?.map((each) => each.name)).toEqual(
          message.questions.map((each) => each.name),
        );
        for (const section of ['answers', 'authorities', 'additionals'] as const) {
          const records = theirs[section] ?? [];
          expect(records.map((each) => [each.name, each.type])).toEqual(
            message[section].map((each) => [each.name, each.type]),
          );
        }
      }),
    );
  });

  test('what dns-packet encodes is read', () => {
    fc.assert(
      fc.property(name, fc.ipV4(), u16, (owner, address, preference) => {
        const bytes = packet.encode({
          type: 'response',
          id: 7,
          questions: [{ name: owner, type: 'A' }],
          answers: [
            { name: owner, type: 'A', ttl: 60, data: address },
            { name: owner, type: 'MX', ttl: 60, data: { preference, exchange: owner } },
            { name: owner, type: 'TXT', ttl: 60, data: ['one', 'two'] },
          ],
        });
        expect(decoded(Uint8Array.from(bytes)).answers).toEqual([
          { name: owner, class: 1, ttl: 60, type: 'A', address: ipv4(address) },
          { name: owner, class: 1, ttl: 60, type: 'MX', preference, exchange: owner },
          {
            name: owner,
            class: 1,
            ttl: 60,
            type: 'TXT',
            strings: [Buffer.from('one'), Buffer.from('two')].map((each) => Uint8Array.from(each)),
          },
        ]);
      }),
    );
  });
});

describe('text', () => {
  test.each<[string, DnsData]>([
    ['93.184.216.34', { type: 'A', address: ipv4('93.184.216.34') }],
    ['2001:db8::1', { type: 'AAAA', address: fromHex('20010db8000000000000000000000001') }],
    ['::', { type: 'AAAA', address: new Uint8Array(16) }],
    ['::1', { type: 'AAAA', address: fromHex(`${'00'.repeat(15)}01`) }],
    ['1:0:0:2::', { type: 'AAAA', address: fromHex('00010000000000020000000000000000') }],
    ['1:0:2:3:4:5:6:7', { type: 'AAAA', address: fromHex('00010000000200030004000500060007') }],
    ['www.example.com.', { type: 'CNAME', target: 'www.example.com' }],
    ['10 mail.', { type: 'MX', preference: 10, exchange: 'mail' }],
    ['"a\\"b" "\\000"', { type: 'TXT', strings: [fromHex('612262'), fromHex('00')] }],
    ['\\# 2 AB01', { type: 'TYPE65', rdata: fromHex('ab01') }],
    ['\\# 0', { type: 'TYPE65', rdata: new Uint8Array(0) }],
  ])('%s', (text, content) => {
    expect(formatData(content)).toBe(text);
  });

  test('types by name', () => {
    expect(['a', 'MX', 'type1', 'TYPE65', 'TYPE70000', 'X'].map(parseType)).toEqual([
      'A',
      'MX',
      'A',
      'TYPE65',
      undefined,
      undefined,
    ]);
  });
});
