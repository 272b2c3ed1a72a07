import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import { Dialer, isDeviceUrl, openCable } from '../../shared/cable/dialer.ts';
import { CablePort } from '../../shared/cable/websocket-port.ts';
import { RecordedLog } from '../support/recorded-log.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { Outsider, Recorder, serve, TOKEN } from './real-cables.ts';

function dialer() {
  const clock = new VirtualClock();
  const calls: { at: number; url: string }[] = [];
  const dialer = new Dialer(clock, (url) => calls.push({ at: clock.now(), url }));
  dialer.setUrl('ws://one');
  return { clock, calls, dialer };
}

describe('a dialer', () => {
  it('calls again after 10 ms, and then ever more slowly up to every 250 ms, for ever', () => {
    const { clock, calls, dialer: it } = dialer();
    it.dial();
    for (let failures = 0; failures < 10; failures++) {
      it.lost();
      while (clock.step());
    }
    const waits = calls.slice(1).map(({ at }, index) => at - (calls[index]?.at ?? 0));
    expect(waits).toEqual([10, 20, 40, 80, 160, 250, 250, 250, 250, 250]);
  });

  it('begins at 10 ms again after a connection that lasted', () => {
    const { clock, calls, dialer: it } = dialer();
    it.dial();
    for (let failures = 0; failures < 5; failures++) {
      it.lost();
      while (clock.step());
    }
    clock.advance(5000);
    it.lost();
    const before = clock.now();
    while (clock.step());
    expect((calls.at(-1)?.at ?? 0) - before).toBe(10);
  });

  it('is silent while it is paused, and calls at once when it goes on', () => {
    const { clock, calls, dialer: it } = dialer();
    it.dial();
    it.lost();
    it.pause();
    it.lost();
    clock.advance(1000);
    expect(calls).toHaveLength(1);
    it.resume();
    expect(calls).toHaveLength(2);
  });

  it('tells whether a place is news', () => {
    const { dialer: it } = dialer();
    expect([it.setUrl('ws://one'), it.setUrl('ws://two')]).toEqual([false, true]);
  });
});

it('a call names the subprotocol and the token, offers no compression and masks with zero', async () => {
  const server = createServer();
  const upgrader = new WebSocketServer({ noServer: true });
  const raw: Buffer[] = [];
  const asked = new Promise<IncomingMessage>((resolve) => {
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('data', (chunk: Buffer) => raw.push(chunk));
      upgrader.handleUpgrade(request, socket, head, () => resolve(request));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = openCable(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, 'lan1', TOKEN);
  onTestFinished(() => {
    socket.terminate();
    server.close();
  });
  await once(socket, 'open');
  const { url, headers } = await asked;
  expect(url).toBe('/cable/lan1');
  expect(headers).toMatchObject({
    authorization: `Bearer ${TOKEN}`,
    'sec-websocket-protocol': 'tincan.cable.v1',
  });
  expect(headers['sec-websocket-extensions']).toBeUndefined();
  socket.send(Buffer.from('abc'));
  socket.close();
  await once(socket, 'close');
  expect(Buffer.concat(raw).subarray(0, 9)).toEqual(Buffer.from([0x82, 0x83, 0, 0, 0, 0, 0x61, 0x62, 0x63]));
});

it('a connection on which no hello comes is closed after a while', async () => {
  const clock = new VirtualClock();
  const log = new RecordedLog();
  const own = { device: 'router', interface: 'lan3', mac: '02:00:00:00:00:01', mtu: 1500 };
  const port = new CablePort({ own, token: TOKEN, clock, log });
  port.attach(new Recorder());
  const server = await serve({ host: '127.0.0.1', port: 0 }, { lan3: port });
  const silent = new Outsider(server.url, '/cable/lan3');
  await silent.opened;
  clock.advance(4999);
  await expect(new Outsider(server.url, '/cable/lan3').opened).rejects.toThrow('409');
  clock.advance(1);
  expect(await silent.closed).toEqual([1008, 'no hello came']);
  await new Outsider(server.url, '/cable/lan3').opened;
});

describe("a device's URL", () => {
  it.each(['ws://127.0.0.1:4711', 'ws://[::1]:4711', 'ws://host', 'ws+unix:/run/user/0/tincan/a.sock:'])(
    'may be %s',
    (url) => {
      expect(isDeviceUrl(url)).toBe(true);
      openCable(url, 'eth0', TOKEN)
        .on('error', () => {})
        .terminate();
    },
  );

  it.each([
    '',
    'ws:',
    'ws://',
    'ws:%%',
    'ws://h:99999',
    'ws://a b',
    'ws://a#b',
    'ws://a/b',
    'wss://a',
    'http://a',
    'ws+unix:',
    'ws+unix:a: b',
    'ws+unix:/a',
    'ws+unix:/a:/b',
  ])('is not %j', (url) => {
    expect(isDeviceUrl(url)).toBe(false);
  });
});
