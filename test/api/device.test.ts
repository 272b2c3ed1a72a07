// What a program can do with a device: the four calls and the commands, and how each fails.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Device, type Net, up } from '../../orchestrator/api.ts';

let net: Net;
let laptop: Device;

beforeAll(async () => {
  net = await up();
  laptop = net.device('laptop');
});
afterAll(() => net.close());

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('fetch', () => {
  test('gives a Response as the standard has it', async () => {
    const response = await laptop.fetch('http://www.example.com/');
    expect(response).toBeInstanceOf(Response);
    expect([response.status, response.ok, response.url, response.redirected]).toEqual([
      200,
      true,
      'http://www.example.com/',
      false,
    ]);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await response.text()).toContain('</html>');
  });

  test('goes out from the device: the server sees the address of its router', async () => {
    const response = await net.device('phone').fetch('http://ifconfig.me/');
    expect((await response.text()).trim()).toBe('51.0.0.20');
  });

  test('a body comes whole, and as a stream', async () => {
    const hash = (await (await laptop.fetch('http://www.example.com/bytes/3000000.sha256')).text()).trim();
    const whole = await laptop.fetch('http://www.example.com/bytes/3000000');
    expect(hash).toContain(sha256(new Uint8Array(await whole.arrayBuffer())));
    const streamed = await laptop.fetch('http://www.example.com/bytes/3000000');
    let length = 0;
    for await (const chunk of streamed.body ?? []) length += chunk.length;
    expect(length).toBe(3_000_000);
  });

  test('a body that is not wanted ends with its cancel', async () => {
    const response = await laptop.fetch('http://www.example.com/bytes/8000000000');
    await response.body?.cancel();
    expect((await laptop.fetch('http://www.example.com/')).status).toBe(200);
  });

  test.each([
    ['text', 'x'.repeat(300_000)],
    ['bytes', new Uint8Array(300_000).fill(120)],
    ['a stream', Readable.toWeb(Readable.from([Buffer.alloc(100_000, 'x'), Buffer.alloc(200_000, 'x')]))],
  ] as const)('a request with %s for its body', async (_, body) => {
    const response = await laptop.fetch('http://www.example.com/bytes', {
      method: 'POST',
      body: body as RequestInit['body'],
    });
    expect((await response.text()).trim()).toBe(`300000 ${sha256(Buffer.alloc(300_000, 'x'))}`);
  });

  test('HEAD and 404 are answers', async () => {
    const head = await laptop.fetch('http://www.example.com/', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect((await laptop.fetch('http://www.example.com/nothing')).status).toBe(404);
  });

  test.each([
    ['a name that is not', 'http://nowhere.example.com/', { code: 'ENOTFOUND', syscall: 'getaddrinfo' }],
    ['a port that is closed', 'http://www.example.com:81/', { code: 'ECONNREFUSED', port: 81 }],
    ['no http', 'https://www.example.com/', { code: 'ERR_UNSUPPORTED_PROTOCOL' }],
  ])('%s is an error with its code', async (_, url, error) => {
    await expect(laptop.fetch(url)).rejects.toMatchObject(error);
    await expect(laptop.fetch(url)).rejects.toBeInstanceOf(Error);
  });

  test('the signal ends it with its reason', async () => {
    const reason = new Error('enough');
    await expect(laptop.fetch('http://www.example.com/', { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    const giveUp = new AbortController();
    const response = await laptop.fetch('http://www.example.com/bytes/8000000000', { signal: giveUp.signal });
    giveUp.abort(reason);
    await expect(response.arrayBuffer()).rejects.toBe(reason);
  });
});

describe('ping', () => {
  test('counts answers, with their round trips', async () => {
    const { address, transmitted, received, loss, rtt, replies, errors } = await laptop.ping(
      'www.example.com',
      {
        count: 3,
        interval: '10ms',
        size: 100,
      },
    );
    expect({ address, transmitted, received, loss, errors }).toEqual({
      address: '93.184.216.34',
      transmitted: 3,
      received: 3,
      loss: 0,
      errors: [],
    });
    expect(replies.map(({ sequence, size, duplicate }) => [sequence, size, duplicate])).toEqual([
      [1, 108, false],
      [2, 108, false],
      [3, 108, false],
    ]);
    expect(rtt?.min).toBeGreaterThan(0);
  });

  test('no answer is no error, and what routers report is told', async () => {
    const { received, loss, errors } = await laptop.ping('10.9.9.9', { timeout: '2s' });
    expect([received, loss]).toEqual([0, 1]);
    expect(errors).toEqual([{ sequence: 1, reason: 'unreachable', from: expect.any(String) }]);
  });

  test('a name that is not, and times without a unit, are refused', async () => {
    await expect(laptop.ping('nowhere.example.com')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    // @ts-expect-error a bare number is refused by the types too
    await expect(laptop.ping('8.8.8.8', { timeout: 500 })).rejects.toThrow('with its unit');
  });

  test.each([-1, 0.5, 65_508, 1e8, Number.NaN])('%d bytes of data are refused', async (size) => {
    await expect(laptop.ping('8.8.8.8', { size })).rejects.toThrow(
      `size ${size} should be a whole number from 0 to 65507`,
    );
  });

  test('as many bytes of data as a packet can hold', async () => {
    expect((await laptop.ping('192.168.0.1', { size: 65_507 })).replies).toMatchObject([{ size: 65_515 }]);
  });
});

describe('resolve', () => {
  test('by the resolver of the device, or by a server that is named', async () => {
    expect(await laptop.resolve('www.example.com')).toEqual(['93.184.216.34']);
    expect(await laptop.resolve('www.example.com', 'A', { server: '8.8.8.8' })).toEqual(['93.184.216.34']);
  });

  test('fails as node:dns does', async () => {
    await expect(laptop.resolve('nowhere.example.com')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    await expect(laptop.resolve('www.example.com', 'MX')).rejects.toMatchObject({ code: 'ENODATA' });
    await expect(laptop.resolve('www.elsewhere.test')).rejects.toMatchObject({ code: 'EAI_AGAIN' });
    await expect(laptop.resolve('www.elsewhere.test', 'A', { server: '8.8.8.8' })).rejects.toMatchObject({
      code: 'EREFUSED',
    });
  });
});

describe('connect', () => {
  test('is a Duplex from the device to the server', async () => {
    const socket = await laptop.connect({ host: 'www.example.com', port: 80 });
    expect([socket.remoteAddress, socket.remotePort]).toEqual(['93.184.216.34', 80]);
    socket.write('GET / HTTP/1.0\r\nHost: www.example.com\r\n\r\n');
    let page = '';
    for await (const chunk of socket) page += String(chunk);
    expect(page).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*<\/html>\n?$/);
  });

  test('fails with the error of the handshake', async () => {
    await expect(laptop.connect({ host: 'www.example.com', port: 81 })).rejects.toMatchObject({
      code: 'ECONNREFUSED',
      syscall: 'connect',
      address: '93.184.216.34',
      port: 81,
    });
  });

  test('waits no longer than it is told', async () => {
    await using hole = await net.blackhole('isp-web', { flags: ['syn'] });
    await expect(laptop.connect({ host: '93.184.216.34', port: 80, timeout: '200ms' })).rejects.toMatchObject(
      { code: 'ETIMEDOUT' },
    );
    expect((await hole.current()).affected.filter).toBeGreaterThan(0);
  });

  test('its end is the device that loses power', async () => {
    const socket = await net.device('phone').connect({ host: '93.184.216.34', port: 80 });
    const broken = once(socket, 'error');
    await using _outage = await net.kill('phone');
    expect(await broken).toMatchObject([{ code: 'EHOSTDOWN' }]);
    await expect(net.device('phone').fetch('http://93.184.216.34/')).rejects.toMatchObject({
      code: 'EHOSTDOWN',
      message: "phone can't fetch: it is not running",
    });
  });
});

describe('exec', () => {
  test('gives output and exit code', async () => {
    const { stdout, stderr, exitCode } = await laptop.exec(['ip', 'route']);
    expect([stderr, exitCode]).toEqual(['', 0]);
    expect(stdout).toMatch(/^default via 192\.168\.0\.1 dev eth0/);
  });

  test('a failure is an exit code, no error', async () => {
    expect(await laptop.exec(['curl', '-sS', 'http://nowhere.example.com/'])).toEqual({
      stdout: '',
      stderr: 'curl: (6) Could not resolve host: nowhere.example.com\n',
      exitCode: 6,
    });
  });
});
