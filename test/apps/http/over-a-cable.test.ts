// The web over whole stacks: what a visit is on the wire, and large downloads that arrive as they were sent.

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { afterEach, expect, test } from 'vitest';
import { HttpCache } from '../../../shared/apps/http/cache.ts';
import { fetchUrl, HttpAgent } from '../../../shared/apps/http/client.ts';
import { startHttpServer } from '../../../shared/apps/http/server.ts';
import { visit } from '../../../shared/apps/http/visit.ts';
import { systemClock } from '../../../shared/core/clock.ts';
import type { Service } from '../../../shared/socket/sockets.ts';
import type { MemoryCableOptions } from '../../support/memory-cable.ts';
import { type TwoHosts, twoHosts } from '../../support/two-hosts.ts';

const ROOT = join(import.meta.dirname, '../../../devices/sites/www.example.com');

let hosts: TwoHosts;
let service: Service;

function start(options?: MemoryCableOptions): void {
  hosts = twoHosts(systemClock, undefined, options);
  hosts.a.sockets.lookup = async () => ['10.0.0.2'];
  const sites = { 'www.example.com': { root: ROOT }, 'ifconfig.me': { answer: 'client-address' as const } };
  service = startHttpServer(hosts.b.sockets, { port: 80, sites }, { seed: 1 });
}

afterEach(async () => {
  await service.close();
  hosts.close();
});

/** Payload bytes of the TCP segment in a frame, 0 for anything else. */
function tcpPayload(frame: Uint8Array): number {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (view.getUint16(12) !== 0x0800 || view.getUint8(23) !== 6) return 0;
  const ipHeader = (view.getUint8(14) & 15) * 4;
  const tcpHeader = (view.getUint8(14 + ipHeader + 12) >> 4) * 4;
  return view.getUint16(16) - ipHeader - tcpHeader;
}

test('a small page is one segment each way', async () => {
  const segments: string[] = [];
  start({
    tap: (frame, from) => {
      const bytes = tcpPayload(frame);
      if (bytes > 0) segments.push(`${from} ${bytes > 1000 ? 'many' : 'few'}`);
    },
  });
  const { body } = await fetchUrl(hosts.a.sockets, 'http://ifconfig.me/');
  expect(await text(body)).toBe('10.0.0.1\n');
  expect(segments).toEqual(['a few', 'b few']);
  segments.length = 0;
  await text((await fetchUrl(hosts.a.sockets, 'http://www.example.com/tin-can.svg')).body);
  expect(segments).toEqual(['a few', 'b few']);
});

test('a visit and another', async () => {
  start();
  const cache = new HttpCache(systemClock);
  const first = await visit(hosts.a.sockets, 'http://www.example.com/', { cache });
  expect(first.resources.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(first.connections).toBe(1);
  const second = await visit(hosts.a.sockets, 'http://www.example.com/', { cache });
  expect(second.resources.map(({ source }) => source)).toEqual(['revalidated', 'cache', 'cache', 'cache']);
});

test('a large download arrives as it was sent', async () => {
  start();
  const length = 20_000_000;
  const hash = createHash('sha256');
  const { body } = await fetchUrl(hosts.a.sockets, `http://www.example.com/bytes/${length}`);
  await pipeline(body, hash);
  const wanted = await fetchUrl(hosts.a.sockets, `http://www.example.com/bytes/${length}.sha256`);
  expect(hash.digest('hex')).toBe(await text(wanted.body));
});

test('an answer and the reset of its connection in one message: the answer is there, and nothing is left to throw', async () => {
  start();
  const answers = ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi', 'HTTP/1.1 204 No Content\r\n\r\n'];
  for (const answer of answers) {
    const server = hosts.b.sockets.createServer({}, (socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        socket.write(answer);
        socket.resetAndDestroy();
      });
    });
    server.listen(8080);
    const agent = new HttpAgent(hosts.a.sockets);
    const uncaught: unknown[] = [];
    const catchIt = (error: unknown) => uncaught.push(error);
    process.on('uncaughtException', catchIt);
    const { body } = await fetchUrl(hosts.a.sockets, 'http://10.0.0.2:8080/', { agent });
    await text(body).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('uncaughtException', catchIt);
    expect(uncaught).toEqual([]);
    agent.destroy();
    server.close();
  }
});
