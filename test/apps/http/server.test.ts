import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type FetchOptions,
  type FetchResponse,
  fetchUrl,
  HttpAgent,
} from '../../../shared/apps/http/client.ts';
import { startHttpServer } from '../../../shared/apps/http/server.ts';
import type { DeviceSockets } from '../../../shared/socket/create-sockets.ts';
import type { Service } from '../../../shared/socket/sockets.ts';
import { fakeSockets } from '../../support/fake-sockets.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

const STYLE = 'body { color: teal }\n'.repeat(100);

let folder: string;
let sockets: DeviceSockets;
let log: RecordedLog;
let service: Service;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'site-'));
  const root = join(folder, 'site');
  await mkdir(join(root, 'docs'), { recursive: true });
  await mkdir(join(root, 'bare'));
  await writeFile(join(root, 'index.html'), '<!doctype html><title>home</title>');
  await writeFile(join(root, 'docs/index.html'), '<!doctype html><title>docs</title>');
  await writeFile(join(root, 'style.css'), STYLE);
  await writeFile(
    join(root, 'data.bin'),
    Uint8Array.from({ length: 1000 }, (_, index) => index),
  );
  await writeFile(join(root, 'empty.txt'), '');
  await writeFile(join(root, 'a b%.txt'), 'odd name');
  await writeFile(join(folder, 'secret.txt'), 'secret');
  await symlink('../secret.txt', join(root, 'way-out.txt'));
  await symlink('style.css', join(root, 'inside.css'));
  log = new RecordedLog();
  sockets = fakeSockets(log);
  sockets.lookup = async () => ['127.0.0.1'];
  service = startHttpServer(
    sockets,
    { port: 80, sites: { 'www.example.com': { root }, 'ifconfig.me': { answer: 'client-address' } } },
    { seed: 1 },
  );
});

afterEach(async () => {
  await service.close();
  await rm(folder, { recursive: true });
});

async function get(path: string, options: FetchOptions = {}): Promise<FetchResponse & { content: Buffer }> {
  const url = path.startsWith('http') ? path : `http://www.example.com${path}`;
  const response = await fetchUrl(sockets, url, options);
  return Object.assign(response, { content: await buffer(response.body) });
}

/** What comes back for bytes as they are, until the server closes. */
async function raw(request: string): Promise<string> {
  const socket = sockets.connect({ host: '127.0.0.1', port: 80, allowHalfOpen: true });
  socket.write(request);
  return text(socket);
}

/** The status of a target that the URL class would tidy up. */
async function statusOf(target: string, host = 'www.example.com'): Promise<number> {
  const answer = await raw(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  return Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
}

describe('files', () => {
  test('a folder is its index.html', async () => {
    const home = await get('/');
    expect(home.status).toBe(200);
    expect(home.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(home.headers['content-length']).toBe(String(home.content.length));
    expect(home.headers['cache-control']).toBe('no-cache');
    expect(String(home.content)).toContain('home');
    expect(String((await get('/docs/')).content)).toContain('docs');
  });

  test('a folder without its slash is redirected to it', async () => {
    const { status, headers } = await get('/docs?a=b');
    expect([status, headers.location]).toEqual([301, '/docs/?a=b']);
    expect((await get('/bare')).status).toBe(301);
    expect((await get('/bare/')).status).toBe(404);
  });

  test('a redirect stays on the site, however many slashes are asked for', async () => {
    const answer = await raw('GET //docs HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n');
    expect(answer).toContain('Location: /docs/\r\n');
  });

  test('a file that is not there is 404, also below a file', async () => {
    for (const path of ['/nothing', '/style.css/', '/style.css/x', `/${'x'.repeat(300)}`]) {
      const { status, content } = await get(path);
      expect([path, status]).toEqual([path, 404]);
      expect(String(content)).toContain('404 Not Found');
    }
  });

  test('a 404 page does not repeat markup from the path', async () => {
    const answer = await raw('GET /<b> HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n');
    expect(answer).toContain('&lt;b&gt;');
    expect(answer).not.toContain('<b>');
  });

  test('an empty file and an odd name', async () => {
    expect(await get('/empty.txt')).toMatchObject({ status: 200, content: Buffer.alloc(0) });
    expect(String((await get('/a%20b%25.txt')).content)).toBe('odd name');
  });

  test('nothing outside the folder is served', async () => {
    const targets = {
      '/../secret.txt': 400,
      '/docs/../../secret.txt': 400,
      '/%2e%2e/secret.txt': 400,
      '/..%2fsecret.txt': 400,
      '/docs%2findex.html': 400,
      '/index.html%00.css': 400,
      '/%zz': 400,
      '/..\\secret.txt': 404,
      '/way-out.txt': 404,
      '/inside.css': 200,
      '/docs/../style.css': 200,
      '/./docs/.//index.html': 200,
      'http://www.example.com/style.css': 200,
      'http://elsewhere.example/style.css': 404,
      '*': 400,
    };
    const found = Object.fromEntries(
      await Promise.all(Object.keys(targets).map(async (target) => [target, await statusOf(target)])),
    );
    expect(found).toEqual(targets);
  });

  test('HEAD gives the header of GET and no body', async () => {
    const answer = await get('/style.css', { method: 'HEAD' });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-length']).toBe(String(STYLE.length));
    expect(answer.content.length).toBe(0);
    expect((await get('/nothing', { method: 'HEAD' })).status).toBe(404);
  });
});

describe('conditions, codings and ranges', () => {
  test('If-None-Match and If-Modified-Since give 304', async () => {
    const { headers } = await get('/style.css');
    expect(headers.etag).toMatch(/^"[0-9a-f]+-[0-9a-f]+"$/);
    const etag = headers.etag ?? '';
    for (const condition of [etag, `"x", W/${etag}`, '*']) {
      const answer = await get('/style.css', { headers: { 'if-none-match': condition } });
      expect([answer.status, answer.headers.etag, answer.content.length]).toEqual([304, etag, 0]);
      expect(answer.headers['cache-control']).toBe('max-age=3600');
    }
    const since = { 'if-modified-since': headers['last-modified'] ?? '' };
    expect((await get('/style.css', { headers: since })).status).toBe(304);
    expect((await get('/style.css', { headers: { ...since, 'if-none-match': '"x"' } })).status).toBe(200);
    expect((await get('/style.css', { headers: { 'if-modified-since': 'yesterday' } })).status).toBe(200);
  });

  test('gzip where it is taken, with a tag of its own', async () => {
    const plain = await get('/style.css');
    const packed = await get('/style.css', { headers: { 'accept-encoding': 'br, gzip;q=0.5' } });
    expect(packed.headers).toMatchObject({
      'content-encoding': 'gzip',
      vary: 'Accept-Encoding',
      'transfer-encoding': 'chunked',
    });
    expect(packed.headers['content-length']).toBeUndefined();
    expect(String(gunzipSync(packed.content))).toBe(STYLE);
    expect(plain.headers.vary).toBe('Accept-Encoding');
    expect(packed.headers.etag).not.toBe(plain.headers.etag);
    for (const refused of ['gzip;q=0', 'br', 'identity, gzip; q=0.0'])
      expect(
        (await get('/style.css', { headers: { 'accept-encoding': refused } })).headers['content-encoding'],
      ).toBe(undefined);
    const image = await get('/data.bin', { headers: { 'accept-encoding': 'gzip' } });
    expect([image.headers['content-encoding'], image.headers.vary]).toEqual([undefined, undefined]);
    const again = { 'accept-encoding': 'gzip', 'if-none-match': packed.headers.etag ?? '' };
    expect((await get('/style.css', { headers: again })).status).toBe(304);
  });

  test('one range is 206, one beyond the end 416, several are the whole', async () => {
    const whole = (await get('/data.bin')).content;
    for (const [range, from, to] of [
      ['bytes=0-9', 0, 10],
      ['bytes=990-', 990, 1000],
      ['bytes=-5', 995, 1000],
      ['bytes=995-5000', 995, 1000],
      ['bytes=-5000', 0, 1000],
    ] as const) {
      const part = await get('/data.bin', { headers: { range } });
      expect([part.status, part.headers['content-range']]).toEqual([206, `bytes ${from}-${to - 1}/1000`]);
      expect(part.content).toEqual(whole.subarray(from, to));
    }
    for (const range of ['bytes=1000-', 'bytes=-0']) {
      const beyond = await get('/data.bin', { headers: { range } });
      expect([beyond.status, beyond.headers['content-range']]).toEqual([416, 'bytes */1000']);
    }
    for (const range of ['bytes=0-1,5-6', 'lines=1-2', 'bytes=9-1', 'bytes=-'])
      expect((await get('/data.bin', { headers: { range } })).status).toBe(200);
    const stale = { range: 'bytes=0-9', 'if-range': '"x"' };
    expect((await get('/data.bin', { headers: stale })).status).toBe(200);
  });
});

describe('sites and methods', () => {
  test('each name has its site, in any case and with a port', async () => {
    expect(String((await get('http://ifconfig.me/')).content)).toBe('127.0.0.1\n');
    expect(await statusOf('/', 'WWW.Example.COM:80')).toBe(200);
    expect(await statusOf('/', 'www.example.com.')).toBe(200);
    expect(await statusOf('/', 'other.example')).toBe(404);
    expect(await raw('GET / HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    const twoHosts = 'Host: www.example.com\r\nHost: other\r\nConnection: close\r\n';
    expect(await raw(`GET / HTTP/1.1\r\n${twoHosts}\r\n`)).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('other methods are 405, and the body that comes with them is read away', async () => {
    const agent = new HttpAgent(sockets);
    const upload = Readable.from(Array.from({ length: 50 }, () => Buffer.alloc(1000)));
    const free = once(agent, 'free');
    const refused = await get('/style.css', { method: 'POST', body: upload, agent });
    expect([refused.status, refused.headers.allow]).toEqual([405, 'GET, HEAD']);
    await free;
    const next = await get('/style.css', { agent });
    expect([next.status, next.reused]).toEqual([200, true]);
    agent.destroy();
  });

  test('who asks before sending a body is told no at once', async () => {
    const answer = await raw(
      'PUT /x HTTP/1.1\r\nHost: www.example.com\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 405 /);
    expect(answer).toContain('Connection: close');
    expect(answer).not.toContain('100 Continue');
  });

  test('what is not HTTP is 400, and is counted', async () => {
    expect(await raw('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await raw(`GET / HTTP/1.1\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
    expect(sockets.counters.get('http.bad-request')).toBe(2);
    expect((await get('/')).status).toBe(200);
  });

  test('several requests use one connection', async () => {
    const agent = new HttpAgent(sockets);
    const reused: boolean[] = [];
    for (const path of ['/', '/style.css', '/nothing']) reused.push((await get(path, { agent })).reused);
    expect(reused).toEqual([false, true, true]);
    agent.destroy();
  });
});

describe('/bytes/N', () => {
  test('gives N bytes, the same each time, and their hash', async () => {
    for (const length of [0, 1, 65_536, 1_000_003]) {
      const { content, headers } = await get(`/bytes/${length}`);
      expect(headers['content-length']).toBe(String(length));
      expect(content.length).toBe(length);
      const hash = await get(`http://ifconfig.me/bytes/${length}.sha256`);
      expect(String(hash.content)).toBe(createHash('sha256').update(content).digest('hex'));
      expect((await get(`/bytes/${length}`)).content.equals(content)).toBe(true);
    }
  });

  test('what is no sensible number is 400', async () => {
    for (const name of ['x', '-1', '1.5', '1e3', '99999999999999', '5.md5', '.sha256'])
      expect([name, (await get(`/bytes/${name}`)).status]).toEqual([name, 400]);
  });

  test('a reader who goes away ends it', async () => {
    const response = await fetchUrl(sockets, 'http://www.example.com/bytes/1000000000');
    await once(response.body, 'readable');
    response.body.destroy();
    await expect
      .poll(() => log.named('http.request').some(({ fields }) => fields.role === 'server'))
      .toBe(true);
    const [event] = log.named('http.request').filter(({ fields }) => fields.role === 'server');
    expect(event?.fields).toMatchObject({ status: 200, complete: false });
  });
});

test('POST /bytes swallows an upload and answers with its length and hash', async () => {
  const body = Buffer.alloc(300_000, 'upload');
  const response = await fetchUrl(sockets, 'http://www.example.com/bytes', { method: 'POST', body });
  const hash = createHash('sha256').update(body).digest('hex');
  expect([response.status, await text(response.body)]).toEqual([200, `300000 ${hash}\n`]);
});

test('a request is told of at both ends', async () => {
  await get('/style.css');
  await expect.poll(() => log.named('http.request').length).toBe(2);
  const events = log.named('http.request').map(({ level, fields }) => ({ level, ...fields }));
  const common = { level: 'info', method: 'GET', status: 200, bytes: STYLE.length, complete: true };
  expect(events).toContainEqual(
    expect.objectContaining({ ...common, role: 'server', host: 'www.example.com', url: '/style.css' }),
  );
  expect(events).toContainEqual(
    expect.objectContaining({ ...common, role: 'client', url: 'http://www.example.com/style.css' }),
  );
});

test('closing ends open connections', async () => {
  const socket = sockets.connect({ host: '127.0.0.1', port: 80 });
  await once(socket, 'connect');
  socket.resume();
  const ended = once(socket, 'close');
  await service.close();
  await ended;
});
