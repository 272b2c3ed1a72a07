import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startDnsServer } from '../../../shared/apps/dns/server.ts';
import type { Service } from '../../../shared/socket/sockets.ts';
import { CommandBench, type Outcome, socketsOf } from '../../support/command-bench.ts';
import { DefaultNet } from '../../support/default-net.ts';

const ZONES = {
  'example.com': {
    '@': { NS: ['ns.example.com'], MX: [{ preference: 10, exchange: 'mail.example.com' }], ttl: 300_000 },
    www: { A: ['93.184.216.34'], ttl: 300_000 },
    web: { CNAME: 'www.example.com', ttl: 60_000 },
    'a-very-long-name-indeed': { A: ['93.184.216.35'], ttl: 300_000 },
    text: { TXT: ['hello "x" \\ world'], ttl: 300_000 },
    many: { A: Array.from({ length: 60 }, (_, index) => `10.0.0.${index + 1}`), ttl: 300_000 },
  },
};

let bench: CommandBench;
let server: Service;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 10, 21, 2, 3, 53) });
  // The name server's cable takes 1 ms each way.
  const net = new DefaultNet({ fates: { 'isp-dns': () => [1] } });
  server = startDnsServer(socketsOf(net, net.dns), { zones: ZONES, forwarders: [], roots: {} });
  bench = new CommandBench(net, net.laptop, { nameServers: () => ['8.8.8.8'] });
});

afterEach(async () => {
  await server.close();
  vi.useRealTimers();
});

/** Runs once to settle ARP, and puts an id of its own in the place of the random one. */
async function dig(line: string): Promise<Outcome> {
  await bench.run('ping -c 1 -q 8.8.8.8');
  const outcome = await bench.run(`dig ${line}`);
  return { ...outcome, stdout: outcome.stdout.replace(/id: \d+/, 'id: ID') };
}

test('an answer in the layout of BIND', async () => {
  expect(await dig('www.example.com')).toEqual({
    code: 0,
    stderr: '',
    stdout:
      '\n; <<>> DiG 9.18-tincan <<>> www.example.com\n' +
      ';; global options: +cmd\n' +
      ';; Got answer:\n' +
      ';; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: ID\n' +
      ';; flags: qr aa rd; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1\n' +
      ';; WARNING: recursion requested but not available\n' +
      '\n' +
      ';; OPT PSEUDOSECTION:\n' +
      '; EDNS: version: 0, flags:; udp: 1232\n' +
      ';; QUESTION SECTION:\n' +
      ';www.example.com.\t\tIN\tA\n' +
      '\n' +
      ';; ANSWER SECTION:\n' +
      'www.example.com.\t300\tIN\tA\t93.184.216.34\n' +
      '\n' +
      ';; Query time: 2 msec\n' +
      ';; SERVER: 8.8.8.8#53(8.8.8.8) (UDP)\n' +
      ';; WHEN: Sat Nov 21 02:03:53 UTC 2026\n' +
      ';; MSG SIZE  rcvd: 60\n\n',
  });
});

describe('what is shown', () => {
  test.each([
    ['+short www.example.com', '93.184.216.34\n'],
    ['@8.8.8.8 web.example.com +short', 'www.example.com.\n93.184.216.34\n'],
    [
      '+noall +answer web.example.com',
      'web.example.com.\t60\tIN\tCNAME\twww.example.com.\nwww.example.com.\t300\tIN\tA\t93.184.216.34\n',
    ],
    [
      '+noall +answer a-very-long-name-indeed.example.com',
      'a-very-long-name-indeed.example.com. 300 IN A\t93.184.216.35\n',
    ],
    ['+short mx example.com', '10 mail.example.com.\n'],
    [
      '-t TXT text.example.com +noall +answer',
      'text.example.com.\t300\tIN\tTXT\t"hello \\"x\\" \\\\ world"\n',
    ],
    ['+noall +question -x 1.2.3.4', ';4.3.2.1.in-addr.arpa.\t\tIN\tPTR\n'],
    ['+noall +question', ';.\t\t\t\tIN\tNS\n'],
    [
      '+noall +question a.example.com b.example.com',
      ';a.example.com.\t\t\tIN\tA\n;b.example.com.\t\t\tIN\tA\n',
    ],
    ['+short +tcp www.example.com', '93.184.216.34\n'],
  ])('%s', async (line, stdout) => {
    expect(await dig(line)).toEqual({ code: 0, stderr: '', stdout });
  });
});

test('a name that is not there, without EDNS, with @server', async () => {
  const { stdout, code } = await dig('@8.8.8.8 nope.example.com +noedns');
  expect(code).toBe(0);
  expect(stdout).toContain('; (1 server found)\n');
  expect(stdout).toContain('status: NXDOMAIN');
  expect(stdout).toContain('ADDITIONAL: 0\n');
  expect(stdout).not.toContain('OPT PSEUDOSECTION');
  expect(stdout).toMatch(/;; AUTHORITY SECTION:\nexample\.com\.\t\t\d+\tIN\tSOA\t/);
});

test('a name of another zone is refused', async () => {
  expect((await dig('www.elsewhere.org +norecurse')).stdout).toContain('status: REFUSED');
});

test('DNS-3: a truncated answer is asked for again over TCP', async () => {
  const { stdout } = await dig('many.example.com +noedns');
  expect(stdout).toMatch(/^;; Truncated, retrying in TCP mode\.\n/);
  expect(stdout).toContain(';; SERVER: 8.8.8.8#53(8.8.8.8) (TCP)\n');
  expect((await dig('many.example.com +noedns +ignore')).stdout).toMatch(/;; flags: qr aa tc rd;/);
});

test('DNS-4: EDNS version 1 gets BADVERS, and dig goes back to 0', async () => {
  expect((await dig('www.example.com +edns=1 +noednsneg')).stdout).toContain('status: BADVERS');
  const { stdout } = await dig('www.example.com +edns=1');
  expect(stdout).toMatch(/^;; BADVERS, retrying with EDNS version 0\.\n/);
  expect(stdout).toContain('status: NOERROR');
});

describe('nobody answers', () => {
  test('a dead server', async () => {
    bench.net.cables['isp-dns'].setCarrier(false);
    const { code, stdout } = await dig('@8.8.8.8 www.example.com +time=1 +tries=2');
    expect(code).toBe(9);
    expect(stdout).toBe(
      ';; communications error to 8.8.8.8#53: timed out\n' +
        ';; communications error to 8.8.8.8#53: timed out\n' +
        '\n; <<>> DiG 9.18-tincan <<>> @8.8.8.8 www.example.com +time=1 +tries=2\n' +
        '; (1 server found)\n' +
        ';; global options: +cmd\n' +
        ';; no servers could be reached\n',
    );
  });

  test('a closed port', async () => {
    const { code, stdout } = await dig('@93.184.216.34 www.example.com +tries=1');
    expect(code).toBe(9);
    expect(stdout).toContain(';; communications error to 93.184.216.34#53: connection refused\n');
  });

  test('a closed TCP port', async () => {
    const { code, stdout } = await dig('@93.184.216.34 www.example.com +tcp +tries=1');
    expect(code).toBe(9);
    expect(stdout).toContain(
      ';; Connection to 93.184.216.34#53(93.184.216.34) for www.example.com failed: connection refused.\n',
    );
  });

  test('SIGINT', async () => {
    bench.net.cables['isp-dns'].setCarrier(false);
    const running = bench.start('dig www.example.com');
    bench.net.clock.advance(1000);
    running.signal();
    expect((await bench.finish(running)).code).toBe(130);
  });
});

test.each([
  ['+foo x', 'Invalid option: +foo\nUsage:  dig '],
  ['-Z x', 'Invalid option: -Z\nUsage:  dig '],
  ['@nope x', "dig: couldn't get address for 'nope': not found\n"],
  ['a..b', "dig: 'a..b' is not a legal name"],
  ['-p', 'Invalid option: -p\nUsage:  dig '],
])('%s leaves with 1', async (line, stderr) => {
  const outcome = await dig(line);
  expect(outcome).toMatchObject({ code: 1, stdout: '' });
  expect(outcome.stderr.startsWith(stderr)).toBe(true);
});
