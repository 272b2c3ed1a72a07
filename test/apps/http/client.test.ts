import { once } from 'node:events';
import http from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { decodedBody, fetchUrl, parseHttpUrl } from '../../../shared/apps/http/client.ts';
import { systemError } from '../../../shared/core/errors.ts';
import type { DeviceSockets } from '../../../shared/socket/create-sockets.ts';
import type { TcpServer } from '../../../shared/socket/sockets.ts';
import { fakeSockets } from '../../support/fake-sockets.ts';

let sockets: DeviceSockets;
let listener: TcpServer;
let server: http.Server;

beforeEach(() => {
  sockets = fakeSockets();
  sockets.lookup = async (name) => {
    if (name === 'server.example') return ['127.0.0.1'];
    throw Object.assign(systemError('ENOTFOUND', 'getaddrinfo', name), { hostname: name });
  };
  server = http.createServer();
  listener = sockets.createServer({ allowHalfOpen: true }, (socket) => server.emit('connection', socket));
  listener.listen(80);
});

afterEach(() => {
  listener.close();
  server.closeAllConnections();
});

test('the request is what was asked for, and the answer what was given', async () => {
  server.on('request', async (request: http.IncomingMessage, response: http.ServerResponse) => {
    response.writeHead(201, 'Made', { 'x-echo': String(request.headers['x-one']) });
    response.end(`${request.method} ${request.url} ${request.headers.host} ${await text(request)}`);
  });
  const response = await fetchUrl(sockets, 'http://server.example/path?q=1#fragment', {
    method: 'PUT',
    headers: { 'X-One': '1' },
    body: 'hello',
  });
  expect(await text(response.body)).toBe('PUT /path?q=1 server.example hello');
  expect(response).toMatchObject({ status: 201, statusText: 'Made', httpVersion: '1.1', reused: false });
  expect(response.headers['x-echo']).toBe('1');
  expect(response.remote).toBe('127.0.0.1:80');
  expect(response.requestHead).toBe(
    'PUT /path?q=1 HTTP/1.1\r\nHost: server.example\r\nX-One: 1\r\nContent-Length: 5\r\n\r\n',
  );
  const { lookup, connect, firstByte, total } = response.timings;
  expect([0 < lookup, lookup <= connect, connect <= firstByte, firstByte <= total]).toEqual([
    true,
    true,
    true,
    true,
  ]);
});

test('the header says no more than curl does', async () => {
  const seen: string[][] = [];
  server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
    seen.push(request.rawHeaders);
    response.end();
  });
  const { body } = await fetchUrl(sockets, 'http://server.example/', {
    headers: { 'User-Agent': 'x', Accept: '*/*' },
  });
  await text(body);
  expect(seen).toEqual([['Host', 'server.example', 'User-Agent', 'x', 'Accept', '*/*']]);
});

test('a streamed body is chunked, and a large answer waits for its reader', async () => {
  let written = 0;
  server.on('request', async (request: http.IncomingMessage, response: http.ServerResponse) => {
    const received = await text(request);
    response.setHeader('x-received', `${received.length} ${request.headers['transfer-encoding']}`);
    Readable.from(
      (function* () {
        for (let count = 0; count < 200; count++) {
          written += 50_000;
          yield Buffer.alloc(50_000);
        }
      })(),
    ).pipe(response);
  });
  const body = Readable.from(['a'.repeat(1000), 'b'.repeat(1000)]);
  const response = await fetchUrl(sockets, 'http://server.example/', { body });
  expect(response.headers['x-received']).toBe('2000 chunked');
  for (let turn = 0; turn < 50; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
  expect(written).toBeLessThan(2_000_000);
  expect((await text(response.body)).length).toBe(10_000_000);
});

test('gzip is undone on request', async () => {
  const { gzipSync } = await import('node:zlib');
  server.on('request', (_: http.IncomingMessage, response: http.ServerResponse) => {
    response.setHeader('content-encoding', 'gzip');
    response.end(gzipSync('hello'));
  });
  expect(await text(decodedBody(await fetchUrl(sockets, 'http://server.example/')))).toBe('hello');
});

test('without an agent the connection is closed after the answer, by the client', async () => {
  server.on('request', (_: http.IncomingMessage, response: http.ServerResponse) => response.end('bye'));
  const connection = once(listener, 'connection');
  const { body } = await fetchUrl(sockets, 'http://server.example/');
  const [socket] = (await connection) as [NodeJS.EventEmitter];
  const ended = once(socket, 'close');
  await text(body);
  await ended;
});

test('errors are those of the connection', async () => {
  await expect(fetchUrl(sockets, 'http://server.example:81/')).rejects.toMatchObject({
    code: 'ECONNREFUSED',
    message: 'connect ECONNREFUSED 127.0.0.1:81',
  });
  await expect(fetchUrl(sockets, 'http://nobody.example/')).rejects.toMatchObject({
    code: 'ENOTFOUND',
    message: 'getaddrinfo ENOTFOUND nobody.example',
  });
  server.on('request', (request: http.IncomingMessage) => request.socket.resetAndDestroy());
  await expect(fetchUrl(sockets, 'http://server.example/')).rejects.toMatchObject({ code: 'ECONNRESET' });
});

test('an answer that breaks off is an error of the body', async () => {
  server.on('request', (_: http.IncomingMessage, response: http.ServerResponse) => {
    response.writeHead(200, { 'content-length': 1000 });
    response.write('half', () => response.socket?.destroy());
  });
  const { body } = await fetchUrl(sockets, 'http://server.example/');
  await expect(text(body)).rejects.toMatchObject({ code: 'ECONNRESET' });
});

test('an answer before the end of a long upload ends the upload', async () => {
  server.on('request', (_: http.IncomingMessage, response: http.ServerResponse) => {
    response.writeHead(405, { 'content-length': 2 }).end('no');
  });
  const upload = Readable.from(
    (function* () {
      for (;;) yield Buffer.alloc(10_000);
    })(),
  );
  // Which is told of it by an error.
  const closed = new Promise((resolve) => upload.once('close', resolve));
  const { status, body } = await fetchUrl(sockets, 'http://server.example/', { body: upload });
  expect([status, await text(body)]).toEqual([405, 'no']);
  await closed;
});

test('an answer that is not HTTP is an error', async () => {
  listener.removeAllListeners('connection');
  listener.on('connection', (socket) => socket.end('SSH-2.0-OpenSSH\r\n'));
  await expect(fetchUrl(sockets, 'http://server.example/')).rejects.toMatchObject({
    code: expect.stringMatching(/^HPE_/),
  });
});

test('a signal ends it, before the answer and in the middle of the body', async () => {
  const control = new AbortController();
  server.on('request', (_: http.IncomingMessage, response: http.ServerResponse) => response.write('begun'));
  const { body } = await fetchUrl(sockets, 'http://server.example/', { signal: control.signal });
  const whole = text(body);
  control.abort();
  await expect(whole).rejects.toThrow('aborted');
  await expect(fetchUrl(sockets, 'http://server.example/', { signal: control.signal })).rejects.toMatchObject(
    {
      name: 'AbortError',
    },
  );
});

test('only http URLs', () => {
  expect(() => parseHttpUrl('https://www.example.com/')).toThrow('https:// is not supported');
  expect(() => parseHttpUrl('www.example.com')).toThrow('not a URL: www.example.com');
  expect(parseHttpUrl('http://www.example.com').href).toBe('http://www.example.com/');
});
