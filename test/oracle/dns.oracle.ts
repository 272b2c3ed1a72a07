// dig and dnsperf from a Linux kernel behind our NAT, against our name server.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DNS, Home } from './home.ts';

let home: Home;
beforeAll(async () => {
  home = await Home.start({
    change: (devices) => {
      const zone = devices.dns!.dns!.zones!['example.com']!;
      // More than 512 bytes, and more than 1232.
      zone.large = { TXT: Array.from({ length: 9 }, (_, index) => `${index}${'x'.repeat(99)}`) };
      zone.huge = { TXT: Array.from({ length: 20 }, (_, index) => `${index}${'y'.repeat(200)}`) };
      zone.alias = { CNAME: 'www.example.com' };
      zone['deep.er'] = { A: ['10.1.2.3'] };
      zone.mail = { MX: [{ preference: 10, exchange: 'www.example.com' }] };
    },
  });
});
afterAll(() => home?.close());

interface Answer {
  readonly status: string;
  readonly flags: string;
  readonly answers: readonly string[];
  readonly authority: readonly string[];
  readonly text: string;
}

/** dig's answer; fails on any complaint of dig's about what came. */
async function dig(...args: string[]): Promise<Answer> {
  const text = await home.inside.ok('dig', `@${DNS}`, '+tries=1', '+timeout=5', ...args);
  // A server that only knows its own zones recurses for nobody, and dig says so.
  expect(text.replace('WARNING: recursion requested but not available', '')).not.toMatch(
    /WARNING|warning|malformed|mismatch|bad packet|extra bytes|not found/i,
  );
  const section = (name: string) =>
    (new RegExp(`;; ${name} SECTION:\n((?:.+\n)*)`).exec(text)?.[1] ?? '').split('\n').filter(Boolean);
  return {
    status: /status: (\w+)/.exec(text)?.[1] ?? '',
    flags: /flags: ([\w ]*);/.exec(text)?.[1] ?? '',
    answers: section('ANSWER').map((line) => line.replace(/\s+/g, ' ')),
    authority: section('AUTHORITY').map((line) => line.replace(/\s+/g, ' ')),
    text,
  };
}

const WWW = ['www.example.com. 300 IN A 93.184.216.34'];

describe('dig', () => {
  test.each([
    ['with EDNS', []],
    ['without EDNS', ['+noedns']],
    ['over TCP', ['+tcp']],
    ['over TCP without EDNS', ['+tcp', '+noedns']],
    ['with a cookie and other options', ['+cookie', '+nsid', '+subnet=10.0.0.0/8', '+padding=64']],
    ['with DNSSEC asked for', ['+dnssec', '+cdflag', '+adflag']],
    ['without recursion', ['+norecurse']],
    ['with EDNS of little room', ['+bufsize=100']],
    ['with EDNS flags that nobody has', ['+ednsflags=0x40']],
  ])('DNS-1 DNS-4 %s', async (_, flags) => {
    const { status, answers, text } = await dig(...flags, 'www.example.com');
    expect({ status, answers }).toEqual({ status: 'NOERROR', answers: WWW });
    expect(/OPT PSEUDOSECTION/.test(text)).toBe(!flags.includes('+noedns'));
  });

  test('DNS-4 a version of EDNS to come is BADVERS', async () => {
    const { status, text } = await dig('+edns=1', '+noednsneg', 'www.example.com');
    expect(status).toBe('BADVERS');
    expect(text).toMatch(/EDNS: version: 0/);
    expect((await dig('+edns=1', 'www.example.com')).answers).toEqual(WWW);
  });

  test('DNS-1 an opcode other than a query is NOTIMP', async () => {
    for (const opcode of ['2', '1', '4', '5']) {
      const { status } = await dig(`+opcode=${opcode}`, 'www.example.com');
      expect([opcode, status]).toEqual([opcode, 'NOTIMP']);
    }
  });

  test('DNS-3 what is too long is truncated, and whole over TCP', async () => {
    const short = await dig('+noedns', '+ignore', 'large.example.com', 'TXT');
    expect(short.flags).toContain('tc');
    expect((await dig('+noedns', '+notcp', 'large.example.com', 'TXT')).answers).toHaveLength(9);
    expect((await dig('+ignore', 'large.example.com', 'TXT')).answers).toHaveLength(9);
    expect((await dig('+ignore', 'huge.example.com', 'TXT')).flags).toContain('tc');
    expect((await dig('huge.example.com', 'TXT')).answers).toHaveLength(20);
    // A size under 512 counts as 512.
    expect((await dig('+bufsize=100', '+ignore', 'large.example.com', 'TXT')).flags).toContain('tc');
  });

  test('DNS-3 several queries go over one connection', async () => {
    const text = await home.inside.ok(
      'dig',
      ...['+tcp', '+keepopen', `@${DNS}`, 'www.example.com'],
      ...['+keepopen', `@${DNS}`, 'alias.example.com', '+keepopen', `@${DNS}`, 'huge.example.com', 'TXT'],
    );
    expect(text.match(/status: NOERROR/g)).toHaveLength(3);
  });

  test('DNS-5 DNS-6 names and types that are not there', async () => {
    const soa = [expect.stringMatching(/^example\.com\. \d+ IN SOA /)];
    expect(await dig('none.example.com')).toMatchObject({ status: 'NXDOMAIN', answers: [], authority: soa });
    expect(await dig('er.example.com')).toMatchObject({ status: 'NOERROR', answers: [], authority: soa });
    expect(await dig('www.example.com', 'AAAA')).toMatchObject({
      status: 'NOERROR',
      answers: [],
      authority: soa,
    });
    expect(await dig('www.example.com', 'TYPE65280')).toMatchObject({
      status: 'NOERROR',
      answers: [],
      authority: soa,
    });
    expect(await dig('elsewhere.test')).toMatchObject({ status: 'REFUSED', answers: [] });
  });

  test('DNS-6 an alias comes with its target', async () => {
    expect((await dig('alias.example.com')).answers).toEqual([
      expect.stringMatching(/^alias\.example\.com\. \d+ IN CNAME www\.example\.com\.$/),
      ...WWW,
    ]);
    expect((await dig('alias.example.com', 'CNAME')).answers).toHaveLength(1);
  });

  test('DNS-2 the case of a name is given back and does not matter', async () => {
    expect((await dig('wWw.ExAmPlE.cOm')).answers[0]).toMatch(/ 300 IN A 93\.184\.216\.34$/);
    expect((await dig('wWw.ExAmPlE.cOm')).text).toMatch(/^;wWw\.ExAmPlE\.cOm\./m);
  });

  test('ANY, other classes, the version of the server', async () => {
    expect((await dig('www.example.com', 'ANY')).status).toBe('NOERROR');
    expect((await dig('mail.example.com', 'MX')).answers).toEqual([
      expect.stringMatching(/MX 10 www\.example\.com\.$/),
    ]);
    expect((await dig('version.bind', 'CH', 'TXT')).status).toMatch(/REFUSED|NOTIMP|NOERROR/);
    expect((await dig('example.com', 'SOA')).answers).toHaveLength(1);
    expect((await dig('.', 'NS')).status).toBe('REFUSED');
  });

  test('a zone transfer is refused', async () => {
    const { stdout } = await home.inside.run('dig', `@${DNS}`, '+tcp', 'example.com', 'AXFR');
    expect(stdout).toMatch(/Transfer failed/);
  });
});

test('UDP-1 NAT-7 a query without a checksum is answered', async () => {
  const query = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 11, 1) # SO_NO_CHECK
s.settimeout(10)
s.sendto(b'\\x12\\x34\\x01\\x00\\x00\\x01' + bytes(6) + b'\\x03www\\x07example\\x03com\\x00\\x00\\x01\\x00\\x01', ('${DNS}', 53))
print(s.recv(512).hex())
`;
  expect(await home.inside.ok('/usr/bin/python3', '-c', query)).toMatch(/^1234.*5db8d822$/);
});

test('getaddrinfo of the C library resolves', async () => {
  const text = await home.inside.ok('getent', 'ahostsv4', 'www.example.com');
  expect(text).toMatch(/^93\.184\.216\.34 +STREAM/);
});

test.each([
  ['UDP', []],
  ['TCP', ['-m', 'tcp']],
])('dnsperf over %s loses nothing', async (_, flags) => {
  const file = join(home.folder, 'queries');
  await writeFile(
    file,
    'www.example.com A\nalias.example.com A\nlarge.example.com TXT\nwww.example.com AAAA\n',
  );
  const text = await home.inside.ok(
    'dnsperf',
    '-s',
    DNS,
    '-d',
    file,
    '-l',
    '2',
    '-c',
    '4',
    '-q',
    '20',
    '-e',
    ...flags,
  );
  expect(Number(/Queries completed: +(\d+)/.exec(text)?.[1])).toBeGreaterThan(50);
  expect(text).toMatch(/Queries lost: +0 /);
  expect(text).toMatch(/Response codes: +NOERROR \d+ \(100\.00%\)/);
});
