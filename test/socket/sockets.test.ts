import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ipv4, mac } from '../../shared/core/address.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { systemError } from '../../shared/core/errors.ts';
import type { DatagramInfo, EchoReply, SocketErrorReport, TcpSocket } from '../../shared/socket/sockets.ts';
import { fakeSockets } from '../support/fake-sockets.ts';
import { type TwoHosts, twoHosts } from '../support/two-hosts.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

let hosts: TwoHosts;

beforeEach(() => {
  hosts = twoHosts(systemClock);
});

afterEach(() => {
  hosts.close();
});

function turns(count: number): Promise<void> {
  return new Promise((resolve) => {
    const next = (left: number): void => {
      if (left === 0) resolve();
      else setImmediate(() => next(left - 1));
    };
    next(count);
  });
}

/** A connection from a to b, both of its ends. */
async function pair(): Promise<{ client: TcpSocket; server: TcpSocket }> {
  const listener = hosts.b.sockets.createServer().listen(7);
  const accepted = once(listener, 'connection');
  const client = hosts.a.sockets.connect({ host: '10.0.0.2', port: 7 });
  const [server] = (await accepted) as [TcpSocket];
  return { client, server };
}

describe('ports under 1024', () => {
  test('are for services only', async () => {
    const { sockets } = hosts.a;
    const refused = sockets.unprivileged.createServer().listen(80);
    const [error] = await once(refused, 'error');
    expect(error).toMatchObject({ code: 'EACCES', syscall: 'listen', port: 80 });
    expect(error.message).toBe('listen EACCES: permission denied 0.0.0.0:80');
    expect(() => sockets.unprivileged.createUdpSocket().bind({ port: 53 })).toThrow('bind EACCES 0.0.0.0:53');
    expect(() => sockets.unprivileged.connect({ host: '10.0.0.2', port: 80, localPort: 22 })).toThrow(
      'EACCES',
    );
    await once(sockets.createServer().listen(80), 'listening');
    await once(sockets.unprivileged.createServer().listen(8080), 'listening');
    sockets.createUdpSocket().bind({ port: 53 }).close();
    sockets.unprivileged.createUdpSocket().bind().close();
  });
});

describe('names', () => {
  test('both views of the sockets use what was set on one', async () => {
    const { sockets } = hosts.a;
    sockets.lookup = async (name) => (name === 'b.example' ? ['10.0.0.2'] : []);
    hosts.b.sockets.createServer({}, (socket) => socket.end('b')).listen(7);
    const socket = sockets.unprivileged.connect({ host: 'b.example', port: 7 });
    const found = once(socket, 'lookup');
    expect(await text(socket)).toBe('b');
    expect(await found).toEqual([null, '10.0.0.2', 4, 'b.example']);
    expect(socket.remoteAddress).toBe('10.0.0.2');
  });

  test('the next address is tried when one refuses', async () => {
    const { sockets } = hosts.a;
    sockets.lookup = async () => ['10.0.0.1', '10.0.0.2'];
    hosts.b.sockets.createServer({}, (socket) => socket.end('b')).listen(7);
    expect(await text(sockets.connect({ host: 'two.example', port: 7 }))).toBe('b');
    const [error] = await once(sockets.connect({ host: 'two.example', port: 8 }), 'error');
    expect(error.message).toBe('connect ECONNREFUSED 10.0.0.2:8');
  });

  test('an error of the resolver is the error of the socket', async () => {
    const { sockets } = hosts.a;
    const [none] = await once(sockets.connect({ host: 'b.example', port: 7 }), 'error');
    expect(none).toMatchObject({ code: 'ENOTFOUND', message: 'getaddrinfo ENOTFOUND b.example' });
    sockets.lookup = async (name) => {
      throw systemError('EAI_AGAIN', 'getaddrinfo', name);
    };
    const [again] = await once(sockets.connect({ host: 'b.example', port: 7 }), 'error');
    expect(again.message).toBe('getaddrinfo EAI_AGAIN b.example');
  });

  test('localhost needs no resolver', async () => {
    const { sockets } = hosts.a;
    sockets.createServer({}, (socket) => socket.end('me')).listen(7);
    expect(await text(sockets.connect({ host: 'localhost', port: 7 }))).toBe('me');
  });
});

describe('TCP', () => {
  test('no way to the address is an error event, as in node:net', async () => {
    const socket = hosts.a.sockets.connect({ host: '99.0.0.1', port: 7 });
    const [error] = await once(socket, 'error');
    expect(error).toMatchObject({ code: 'ENETUNREACH', message: 'connect ENETUNREACH 99.0.0.1:7' });
  });

  test('an end that comes after all was said leaves what was not read yet', async () => {
    const { client, server } = await pair();
    client.pause();
    server.end('x'.repeat(200_000));
    client.end();
    server.resume();
    await once(server, 'close');
    await turns(20);
    expect((await text(client)).length).toBe(200_000);
  });

  test('writing to a connection that was reset fails', async () => {
    const { client, server } = await pair();
    client.pause();
    await turns(2);
    server.resetAndDestroy();
    const [error] = await once(client, 'error');
    expect(error.code).toMatch(/^(ECONNRESET|EPIPE)$/);
    expect(client.destroyed).toBe(true);
  });

  test('a header and its body leave in one segment', async () => {
    const segments: number[] = [];
    hosts.close();
    hosts = twoHosts(systemClock, undefined, { tap: (frame) => segments.push(frame.length) });
    const { client, server } = await pair();
    await turns(5);
    segments.length = 0;
    client.cork();
    client.write('h'.repeat(100));
    client.write('b'.repeat(200));
    client.uncork();
    await once(server, 'data');
    expect(Math.max(...segments)).toBeGreaterThan(300);
  });

  test('traffic puts a timeout off, silence does not', async () => {
    const clock = new VirtualClock();
    const sockets = fakeSockets(undefined, {}, clock);
    sockets.createServer({}, (socket) => socket.resume()).listen(7);
    const client = sockets.connect({ host: '127.0.0.1', port: 7 });
    await once(client, 'connect');
    let timeouts = 0;
    client.setTimeout(1000, () => timeouts++);
    for (let count = 0; count < 5; count++) {
      clock.advance(900);
      client.write('x');
      await turns(3);
    }
    expect(timeouts).toBe(0);
    clock.advance(1000);
    expect([timeouts, client.destroyed]).toEqual([1, false]);
    client.setTimeout(0);
    clock.advance(10_000);
    expect(timeouts).toBe(1);
  });

  test('a reset in the same batch as data comes in a turn of its own', async () => {
    const { client, server } = await pair();
    const seen: string[] = [];
    client.on('error', ({ code }: NodeJS.ErrnoException) => seen.push(String(code)));
    client.on('data', () => {
      seen.push('data');
      process.nextTick(() => process.nextTick(() => seen.push('two ticks later')));
    });
    await turns(3);
    server.write('x');
    server.resetAndDestroy();
    await new Promise((resolve) => client.on('close', resolve));
    expect(seen).toEqual(['data', 'two ticks later', 'ECONNRESET']);
  });

  test('a slow line is not silence: what the peer acknowledges puts a timeout off too', async () => {
    const clock = new VirtualClock();
    let free = 0;
    const fate = (frame: Uint8Array) => {
      free = Math.max(free, clock.now()) + frame.length / 5;
      return [free - clock.now()];
    };
    const slow = twoHosts(clock, undefined, { fate });
    let timeouts = 0;
    let sent: TcpSocket | undefined;
    slow.b.sockets
      .createServer({}, (socket) => {
        sent = socket.setTimeout(60_000, () => timeouts++);
        socket.write(new Uint8Array(1_000_000));
      })
      .listen(7);
    const client = slow.a.sockets.connect({ host: '10.0.0.2', port: 7 });
    client.resume();
    expect(await clock.runUntilAsync(() => client.bytesRead === 1_000_000, 600_000)).toBe(true);
    // It took more than three minutes, in all of which nothing was written.
    expect([clock.now() > 190_000, timeouts]).toEqual([true, 0]);
    await clock.runUntilAsync(() => false, 130_000);
    expect([timeouts, sent?.destroyed]).toEqual([1, false]);
    slow.close();
  });

  test('a server disposes of itself', async () => {
    const listener = hosts.a.sockets.createServer();
    listener.listen(9);
    expect(listener.address()).toEqual({ address: '0.0.0.0', family: 'IPv4', port: 9 });
    await listener[Symbol.asyncDispose]();
    await listener[Symbol.asyncDispose]();
    expect(listener.listening).toBe(false);
  });

  test('an address that is not ours can not be listened on', async () => {
    const [error] = await once(
      hosts.a.sockets.createServer().listen({ port: 80, host: '10.0.0.9' }),
      'error',
    );
    expect(error.message).toBe('listen EADDRNOTAVAIL: address not available 10.0.0.9:80');
  });
});

describe('UDP', () => {
  test('a datagram and its answer', async () => {
    const server = hosts.b.sockets.createUdpSocket().bind({ port: 53 });
    const kept: Uint8Array[] = [];
    server.on('message', (data: Uint8Array, from: DatagramInfo) => {
      kept.push(data);
      server.send(data, from.port, from.address, { source: from.destination });
    });
    const client = hosts.a.sockets.createUdpSocket().connect(53, '10.0.0.2');
    const answers: [string, DatagramInfo][] = [];
    client.on('message', (data: Buffer, from: DatagramInfo) => answers.push([String(data), from]));
    client.send(Buffer.from('one'));
    client.send(Buffer.from('two'));
    await expect.poll(() => answers.length).toBe(2);
    expect(answers[0]).toEqual([
      'one',
      { address: '10.0.0.2', port: 53, size: 3, ttl: 64, destination: '10.0.0.1', interface: 'eth0' },
    ]);
    expect(String(kept[0])).toBe('one');
    const { address, port, family } = client.address();
    expect([address, family, port >= 49_152]).toEqual(['10.0.0.1', 'IPv4', true]);
  });

  test('ICMP-4: a closed port is reported, and to a connected socket an error', async () => {
    const { sockets } = hosts.a;
    const free = sockets.createUdpSocket();
    const report = once(free, 'report');
    free.send(Buffer.from('x'), 9, '10.0.0.2');
    const [told] = (await report) as [SocketErrorReport];
    expect(told).toEqual({
      kind: 'unreachable',
      code: 3,
      mtu: 0,
      from: '10.0.0.2',
      destination: '10.0.0.2',
      port: 9,
    });
    const connected = sockets.createUdpSocket().connect(9, '10.0.0.2');
    const failed = once(connected, 'error');
    connected.send(Buffer.from('x'));
    expect((await failed)[0]).toMatchObject({ code: 'ECONNREFUSED', syscall: 'recvmsg' });
  });

  test('what is wrong at once is thrown', () => {
    const { sockets } = hosts.a;
    const socket = sockets.createUdpSocket();
    expect(() => socket.send(Buffer.from('x'))).toThrow('EDESTADDRREQ');
    expect(() => socket.send(Buffer.from('x'), 9, '99.0.0.1')).toThrow('send ENETUNREACH 99.0.0.1:9');
    expect(() => socket.send(Buffer.from('x'), 9, '255.255.255.255')).toThrow('EACCES');
    expect(() => socket.send(Buffer.alloc(65_508), 9, '10.0.0.2')).toThrow('EMSGSIZE');
    expect(() => sockets.createUdpSocket().bind({ port: socket.address().port })).toThrow(
      /^bind EADDRINUSE 0\.0\.0\.0:/,
    );
    expect(() => sockets.createUdpSocket().bind({ address: '10.0.0.9' })).toThrow(
      'bind EADDRNOTAVAIL 10.0.0.9',
    );
    socket.close();
    expect(() => socket.send(Buffer.from('x'), 9, '10.0.0.2')).toThrow('Not running');
    expect(() => socket.close()).toThrow('Not running');
  });
});

test('ICMP-1: an echo comes back', async () => {
  const socket = hosts.a.sockets.openIcmp();
  const replies: EchoReply[] = [];
  socket.on('reply', (reply: EchoReply) => replies.push(reply));
  socket.sendEcho('10.0.0.2', 1, Buffer.from('hello'));
  await expect.poll(() => replies.length).toBe(1);
  expect(replies[0]).toMatchObject({
    from: '10.0.0.2',
    id: socket.id,
    sequence: 1,
    ttl: 64,
    data: Buffer.from('hello'),
  });
  expect(replies[0]?.time).toBeLessThanOrEqual(systemClock.now());
  expect(() => socket.sendEcho('99.0.0.1', 2, Buffer.alloc(0))).toThrow('send ENETUNREACH 99.0.0.1');
  socket.close();
});

describe('interfaces', () => {
  test('are shown as they are', () => {
    const [lo, eth0] = hosts.a.sockets.interfaces;
    expect([lo?.name, eth0?.name]).toEqual(['lo', 'eth0']);
    expect(eth0).toMatchObject({
      mac: mac('02:00:00:00:00:01'),
      mtu: 1500,
      carrier: true,
      addresses: [{ address: ipv4('10.0.0.1'), prefixLength: 24 }],
    });
  });

  test('carrier is told', () => {
    const changes: boolean[] = [];
    hosts.a.sockets.interfaces[1]?.on('carrier', (up) => changes.push(up));
    hosts.cable.setCarrier(false);
    hosts.cable.setCarrier(true);
    expect(changes).toEqual([false, true]);
  });

  test('a default gateway takes the place of the one before', () => {
    const eth0 = hosts.a.sockets.interfaces[1];
    const gateways = () => hosts.a.stack.routes.list().flatMap(({ via }) => via ?? []);
    eth0?.setDefaultGateway(ipv4('10.0.0.2'));
    eth0?.setDefaultGateway(ipv4('10.0.0.3'));
    expect(gateways()).toEqual([ipv4('10.0.0.3')]);
    eth0?.removeDefaultGateway();
    expect(gateways()).toEqual([]);
  });

  test('ARP-4: a probe finds who holds an address', async () => {
    const eth0 = hosts.a.sockets.interfaces[1];
    expect(await eth0?.probe(ipv4('10.0.0.2'), 'fast')).toBe(mac('02:00:00:00:00:02'));
    expect(await eth0?.probe(ipv4('10.0.0.9'), 'fast')).toBeUndefined();
  });
});
