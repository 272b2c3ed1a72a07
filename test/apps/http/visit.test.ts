import http from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HttpCache } from '../../../shared/apps/http/cache.ts';
import { startHttpServer } from '../../../shared/apps/http/server.ts';
import { visit } from '../../../shared/apps/http/visit.ts';
import type { DeviceSockets } from '../../../shared/socket/create-sockets.ts';
import type { Service } from '../../../shared/socket/sockets.ts';
import { fakeSockets } from '../../support/fake-sockets.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

const ROOT = join(import.meta.dirname, '../../../devices/sites/www.example.com');

let sockets: DeviceSockets;
let log: RecordedLog;
let service: Service;

beforeEach(() => {
  log = new RecordedLog();
  sockets = fakeSockets(log);
  sockets.lookup = async () => ['127.0.0.1'];
  service = startHttpServer(sockets, { port: 80, sites: { 'www.example.com': { root: ROOT } } }, { seed: 1 });
});

afterEach(async () => {
  await service.close();
});

/** A server of the test's own, on port 8080. */
function serve(
  pages: Record<string, { status?: number; headers?: http.OutgoingHttpHeaders; body?: string }>,
): Service {
  const server = http.createServer((request, response) => {
    const page = pages[request.url ?? ''];
    response.writeHead(page?.status ?? (page ? 200 : 404), { 'content-type': 'text/html', ...page?.headers });
    response.end(page?.body);
  });
  const listener = sockets.createServer({ allowHalfOpen: true }, (socket) =>
    server.emit('connection', socket),
  );
  listener.listen(8080);
  return {
    close: () => {
      listener.close();
      server.closeAllConnections();
    },
  };
}

test('the page and what it is made of come over one connection', async () => {
  const { resources, connections, url } = await visit(sockets, 'http://www.example.com');
  expect(url).toBe('http://www.example.com/');
  expect(resources.map(({ url: one, status, source }) => [new URL(one).pathname, status, source])).toEqual([
    ['/', 200, 'network'],
    ['/style.css', 200, 'network'],
    ['/script.js', 200, 'network'],
    ['/tin-can.svg', 200, 'network'],
  ]);
  expect(resources.map(({ reused }) => reused)).toEqual([false, true, true, true]);
  expect(connections).toBe(1);
});

test('a second visit asks for the page alone, and is told that nothing changed', async () => {
  const cache = new HttpCache(sockets.clock);
  await visit(sockets, 'http://www.example.com/', { cache });
  const second = await visit(sockets, 'http://www.example.com/', { cache });
  expect(second.resources.map(({ status, source }) => [status, source])).toEqual([
    [304, 'revalidated'],
    [200, 'cache'],
    [200, 'cache'],
    [200, 'cache'],
  ]);
  expect([second.bytes, second.connections]).toEqual([0, 1]);
  const told = log.named('http.cache').map(({ level, fields }) => [level, fields.result]);
  expect(told).toEqual([
    ['info', 'revalidated'],
    ['info', 'hit'],
    ['info', 'hit'],
    ['info', 'hit'],
  ]);
});

test('redirects are followed, but not without end', async () => {
  const other = serve({
    '/old': { status: 302, headers: { location: '/new' } },
    '/new': { body: '<img src="/none.png"><img src="https://www.example.com/x.png"><img src="/none.png">' },
    '/round': { status: 301, headers: { location: '/round' } },
    '/away': { status: 301, headers: { location: 'https://www.example.com/' } },
  });
  const { resources, url } = await visit(sockets, 'http://www.example.com:8080/old');
  expect(url).toBe('http://www.example.com:8080/new');
  expect(resources.map(({ status, error }) => [status, error])).toEqual([
    [302, undefined],
    [200, undefined],
    [404, undefined],
    [0, 'https:// is not supported: only http:// URLs can be fetched'],
  ]);
  await expect(visit(sockets, 'http://www.example.com:8080/round')).rejects.toThrow(
    'redirects more than 10 times',
  );
  await expect(visit(sockets, 'http://www.example.com:8080/away')).rejects.toThrow(
    'https:// is not supported',
  );
  await other.close();
});

test('a page that can not be had is an error, a resource is a note', async () => {
  const other = serve({ '/': { body: '<img src="http://www.example.com:81/x.png"><img src="/y.png">' } });
  await expect(visit(sockets, 'http://www.example.com:81/')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  const { resources } = await visit(sockets, 'http://www.example.com:8080/');
  expect(resources.map(({ status, error }) => [status, error])).toEqual([
    [200, undefined],
    [0, 'connect ECONNREFUSED 127.0.0.1:81'],
    [404, undefined],
  ]);
  await other.close();
});

test('an aborted visit rejects', async () => {
  const signal = AbortSignal.abort();
  await expect(visit(sockets, 'http://www.example.com/', { signal })).rejects.toMatchObject({
    name: 'AbortError',
  });
});
