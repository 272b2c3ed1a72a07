// curl, wget and wrk from a Linux kernel behind our NAT, against our web server.

import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Home, ROUTER, WEB } from './home.ts';

const SIZE = 2_000_000;
const SITE = 'http://www.example.com';

let home: Home;
/** SHA-256 of SIZE bytes of the server, as it says. */
let hash: string;
beforeAll(async () => {
  home = await Home.start();
  hash = await home.inside.ok('curl', '-sS', `${SITE}/bytes/${SIZE}.sha256`);
});
afterAll(() => home?.close());

const inside = (program: string, ...args: string[]) => home.inside.ok(program, ...args);
const file = (name: string) => join(home.folder, name);

async function hashOf(name: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file(name)))
    .digest('hex');
}

describe('curl', () => {
  const curl = (...args: string[]) => inside('curl', '-sS', '--fail', '--max-time', '60', ...args);

  test('gets every byte', async () => {
    await curl('-o', file('bytes'), `${SITE}/bytes/${SIZE}`);
    expect(await hashOf('bytes')).toBe(hash);
  });

  test('gets ranges, and goes on where it stopped', async () => {
    await curl('-r', '0-999999', '-o', file('part'), `${SITE}/bytes/${SIZE}`);
    await curl('-C', '-', '-o', file('part'), `${SITE}/bytes/${SIZE}`);
    expect(await hashOf('part')).toBe(hash);
  });

  test('keeps one connection for a page and its parts', async () => {
    const pages = ['/', '/style.css', '/script.js', '/'].map((path) => SITE + path);
    const shown = await curl(
      '-w',
      '%{num_connects} %{http_code}\n',
      ...pages.flatMap((url) => ['-o', '/dev/null', url]),
    );
    expect(shown.trim().split('\n')).toEqual(['1 200', '0 200', '0 200', '0 200']);
  });

  test('sends every byte, with and without a length, in the end of one connection', async () => {
    const body = Buffer.alloc(SIZE, 'all that goes up ');
    await writeFile(file('body'), body);
    const told = `${SIZE} ${createHash('sha256').update(body).digest('hex')}`;
    expect(await curl('--data-binary', `@${file('body')}`, `${SITE}/bytes`)).toBe(told);
    const chunked = ['-H', 'Transfer-Encoding: chunked', '-H', 'Expect: 100-continue'];
    expect(await curl(...chunked, '--data-binary', `@${file('body')}`, `${SITE}/bytes`)).toBe(told);
  });

  test('many at once', async () => {
    const urls = Array.from({ length: 30 }, (_, index) => [
      ...['-o', file(`many-${index}`)],
      `${SITE}/bytes/${100_000 + index}`,
    ]);
    await curl('--parallel', '--parallel-max', '30', ...urls.flat());
    for (const index of [0, 13, 29])
      expect(await hashOf(`many-${index}`)).toBe(await curl(`${SITE}/bytes/${100_000 + index}.sha256`));
  });

  test('conditions, compression and errors are as of any server', async () => {
    const shown = await curl('-I', `${SITE}/style.css`);
    const tag = /^etag: (.*?)\r?$/im.exec(shown)?.[1] ?? '';
    const code = ['-o', '/dev/null', '-w', '%{http_code}'];
    expect(await curl(...code, '-H', `If-None-Match: ${tag}`, `${SITE}/style.css`)).toBe('304');
    expect(await curl('--compressed', `${SITE}/`)).toBe(await curl(`${SITE}/`));
    const missing = await home.inside.run('curl', '-sS', ...code, `${SITE}/none`);
    expect(missing.stdout).toBe('404');
    // Couldn't connect, rather than a timeout (28).
    expect((await home.inside.run('curl', '-sS', '-m', '20', `http://${WEB}:81/`)).exitCode).toBe(7);
  });

  test('the server sees the outer address of the NAT', async () => {
    expect((await curl('http://ifconfig.me/')).trim()).toBe('51.0.0.20');
  });
});

test('wget gets every byte, and goes on where it stopped', async () => {
  const wget = (...args: string[]) => inside('wget', '-q', '-O', file('wget'), ...args);
  await wget(`${SITE}/bytes/${SIZE}`);
  expect(await hashOf('wget')).toBe(hash);
  await writeFile(file('wget'), (await readFile(file('wget'))).subarray(0, 1_234_567));
  await inside('wget', '-q', '-c', '-O', file('wget'), `${SITE}/bytes/${SIZE}`);
  expect(await hashOf('wget')).toBe(hash);
});

test('wrk meets no socket error and no bad answer', async () => {
  const shown = await inside('wrk', '-t', '2', '-c', '20', '-d', '3s', '--timeout', '30s', `${SITE}/`);
  expect(Number(/(\d+) requests in/.exec(shown)?.[1])).toBeGreaterThan(20);
  expect(shown).not.toMatch(/Socket errors|Non-2xx/);
});

describe('whatever Linux offers or leaves out, every byte comes', () => {
  const HALF = SIZE / 2;

  /** Both ways, over a cable that loses now and then. */
  async function expectBothWays(...flags: string[]): Promise<void> {
    const lossy = await home.net.impair('isp-web', { loss: '1%' });
    try {
      await inside(
        'curl',
        '-sS',
        '--fail',
        '-m',
        '60',
        ...flags,
        '-o',
        file('half'),
        `${SITE}/bytes/${HALF}`,
      );
      expect(await hashOf('half')).toBe(
        await inside('curl', '-sS', '-m', '60', `${SITE}/bytes/${HALF}.sha256`),
      );
      const told = await inside(
        'curl',
        '-sS',
        '-m',
        '60',
        ...flags,
        '--data-binary',
        `@${file('half')}`,
        `${SITE}/bytes`,
      );
      expect(told).toBe(`${HALF} ${await hashOf('half')}`);
    } finally {
      await lossy.heal();
    }
  }

  test.each([
    ['no timestamps', 'tcp_timestamps', '0'],
    ['no SACK', 'tcp_sack', '0'],
    ['no window scaling', 'tcp_window_scaling', '0'],
    ['ECN', 'tcp_ecn', '1'],
  ])('%s', async (_, name, value) => {
    const before = (await inside('sysctl', '-n', `net.ipv4.${name}`)).trim();
    await inside('sysctl', '-qw', `net.ipv4.${name}=${value}`);
    try {
      await expectBothWays();
    } finally {
      await inside('sysctl', '-qw', `net.ipv4.${name}=${before}`);
    }
  });

  test('small segments', async () => {
    await inside('ip', 'route', 'add', `${WEB}/32`, 'via', ROUTER.inside, 'advmss', '300');
    try {
      await expectBothWays();
    } finally {
      await inside('ip', 'route', 'del', `${WEB}/32`);
    }
  });

  test('fast open', () => expectBothWays('--tcp-fastopen'));
});

test('TCP-9 a reader that stops and goes gets every byte', async () => {
  const read = `
import hashlib, socket, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
s.connect(('${WEB}', 80))
s.sendall(b'GET /bytes/400000 HTTP/1.1\\r\\nHost: www.example.com\\r\\nConnection: close\\r\\n\\r\\n')
time.sleep(1.5)
data = b''
while True:
    part = s.recv(3000)
    if not part: break
    data += part
    if len(data) % 7 == 0: time.sleep(0.02)
print(hashlib.sha256(data.split(b'\\r\\n\\r\\n', 1)[1]).hexdigest())
`;
  const hashed = await inside('/usr/bin/python3', '-c', read);
  expect(hashed.trim()).toBe(await inside('curl', '-sS', `${SITE}/bytes/400000.sha256`));
});

describe('ICMP-6 a path that is narrower in the middle', () => {
  let narrow: Home;
  beforeAll(async () => {
    narrow = await Home.start({
      change: (_, cables) => {
        cables.uplink!.mtu = 1280;
      },
    });
  });
  afterAll(() => narrow?.close());

  test('is found both ways, through the NAT', async () => {
    const bytes = join(narrow.folder, 'bytes');
    await writeFile(bytes, Buffer.alloc(SIZE, 'all that goes up '));
    const curl = (...args: string[]) => narrow.inside.ok('curl', '-sS', '--fail', '-m', '60', ...args);
    const hashed = async () =>
      createHash('sha256')
        .update(await readFile(bytes))
        .digest('hex');
    // Up first: our server, once it knows the path, asks for shorter segments.
    expect(await curl('--data-binary', `@${bytes}`, `${SITE}/bytes`)).toBe(`${SIZE} ${await hashed()}`);
    expect(await narrow.inside.ok('ip', 'route', 'get', WEB)).toMatch(/mtu 1280/);
    await narrow.inside.ok('ip', 'route', 'flush', 'cache');
    await curl('-o', bytes, `${SITE}/bytes/${SIZE}`);
    expect(await hashed()).toBe(hash);
  });
});
