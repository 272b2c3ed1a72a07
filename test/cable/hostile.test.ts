// Whoever connects is not trusted: refusals, wrong messages, and peers that do not read.

import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { Packr } from 'msgpackr/pack';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { QUEUE_BYTES, QUEUE_FRAMES } from '../../shared/cable/egress-queue.ts';
import { encodeHello } from '../../shared/cable/hello.ts';
import { fromHex } from '../../shared/core/bytes.ts';
import { Outsider, serve, TOKEN, temporaryFolder, testFrame, testPort } from './real-cables.ts';

const TCP = { host: '127.0.0.1', port: 0 };
const cable = { name: 'c', peer: { device: 'laptop', interface: 'eth0' }, dials: false };
const hello = encodeHello({ device: 'tap', interface: 'tap0', mac: '02:00:00:00:00:99', mtu: 1500 });

function plainRequest(url: string, path: string, token: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    request(url.replace('ws:', 'http:') + path, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

describe('a device server refuses', () => {
  it('a wrong token with 401, before it says what there is', async () => {
    const server = await serve(TCP, { lan1: testPort('router', 'lan1').port });
    for (const path of ['/cable/lan1', '/cable/none', '/control', '/'])
      for (const token of ['wrong', '', `${TOKEN}x`])
        await expect(new Outsider(server.url, path, token).opened).rejects.toThrow('401');
    const bare = new WebSocket(`${server.url}/cable/lan1`);
    await expect(new Outsider('', '', '', bare).opened).rejects.toThrow('401');
    expect(server.log.named('cable.refused')[0]).toMatchObject({ level: 'warn', fields: { status: 401 } });
  });

  it('an unknown interface or path with 404', async () => {
    const server = await serve(TCP, { lan1: testPort('router', 'lan1').port });
    for (const path of ['/cable/none', '/cable/', '/cable/lan1/x', '/', '/cable/%6can1'])
      await expect(new Outsider(server.url, path).opened).rejects.toThrow('404');
  });

  it('an occupied interface with 409, and one whose cable is cut with 503', async () => {
    const { port, recorder } = testPort('router', 'lan1');
    const server = await serve(TCP, { lan1: port });
    const first = new Outsider(server.url, '/cable/lan1');
    await first.opened;
    await expect(new Outsider(server.url, '/cable/lan1').opened).rejects.toThrow('409');
    first.hello('tap', 'tap0');
    await recorder.until(() => recorder.up);
    await expect(new Outsider(server.url, '/cable/lan1').opened).rejects.toThrow('409');
    port.cut();
    expect((await first.closed)[0]).toBe(1001);
    await expect(new Outsider(server.url, '/cable/lan1').opened).rejects.toThrow('503');
  });

  it('what is no WebSocket with 426, 404 or 401', async () => {
    const server = await serve(TCP, { lan1: testPort('router', 'lan1').port });
    expect(await plainRequest(server.url, '/cable/lan1', TOKEN)).toBe(426);
    expect(await plainRequest(server.url, '/control', TOKEN)).toBe(426);
    expect(await plainRequest(server.url, '/index.html', TOKEN)).toBe(404);
    expect(await plainRequest(server.url, '/control', 'wrong')).toBe(401);
  });

  it('another subprotocol with 400', async () => {
    const server = await serve(TCP, { lan1: testPort('router', 'lan1').port });
    const headers = { authorization: `Bearer ${TOKEN}` };
    const socket = new WebSocket(`${server.url}/cable/lan1`, 'tincan.cable.v2', { headers });
    await expect(new Outsider('', '', '', socket).opened).rejects.toThrow('400');
  });
});

describe('a device server starts', () => {
  it('on a path that a killed device has left its socket at', async () => {
    const path = join(temporaryFolder(), 'r.sock');
    writeFileSync(path, '');
    const server = await serve({ path }, {});
    expect(server.url).toBe(`ws+unix:${path}:`);
  });

  it('not where somebody else listens, nor where nobody can', async () => {
    const path = join(temporaryFolder(), 'r.sock');
    const first = await serve({ path }, {});
    await expect(serve({ path }, {})).rejects.toThrow(
      `cannot listen on ${path}: another process listens there`,
    );
    const tcp = await serve(TCP, {});
    const port = Number(tcp.url.split(':').at(-1));
    await expect(serve({ host: '127.0.0.1', port }, {})).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await expect(serve({ path: `/tmp/${'x'.repeat(120)}` }, {})).rejects.toThrow('longer than 103 bytes');
    await expect(serve({ path: join(temporaryFolder(), 'none', 'r.sock') }, {})).rejects.toThrow('folder');
    await first.close();
    await serve({ path }, {});
  });
});

describe('a cabled interface', () => {
  it('takes only its other end, else 1008, even while that end is dead', async () => {
    const { port, recorder, log } = testPort('router', 'lan1', cable);
    const server = await serve(TCP, { lan1: port });
    const outsider = new Outsider(server.url, '/cable/lan1');
    await outsider.opened;
    outsider.hello('laptop', 'eth1');
    expect(await outsider.closed).toEqual([1008, 'router:lan1 is cabled to laptop:eth0']);
    expect(recorder.carriers).toEqual([]);
    expect(log.named('cable.closed')[0]).toMatchObject({ level: 'warn', fields: { code: 1008 } });
  });

  it('is not kept from its other end by somebody who says nothing', async () => {
    const { port, recorder } = testPort('router', 'lan1', cable);
    const server = await serve(TCP, { lan1: port });
    const silent = new Outsider(server.url, '/cable/lan1');
    await silent.opened;
    const right = new Outsider(server.url, '/cable/lan1');
    await right.opened;
    right.hello('laptop', 'eth0');
    await recorder.until(() => recorder.up);
  });

  it('takes so many silent ones and no more', async () => {
    const server = await serve(TCP, { lan1: testPort('router', 'lan1', cable).port });
    for (let count = 0; count < 8; count++) await new Outsider(server.url, '/cable/lan1').opened;
    await expect(new Outsider(server.url, '/cable/lan1').opened).rejects.toThrow('409');
  });
});

/** Opens a free interface, sends `messages` and gives how the connection ended. */
async function afterSending(...messages: (Uint8Array | string)[]) {
  const { port, recorder, log } = testPort('router', 'lan3');
  const server = await serve(TCP, { lan3: port });
  const outsider = new Outsider(server.url, '/cable/lan3');
  await outsider.opened;
  for (const message of messages) outsider.socket.send(message);
  const [code, reason] = await outsider.closed;
  return { code, reason, recorder, log: log.named('cable.closed')[0] };
}

describe('a connection is closed with 1002', () => {
  const record = new Packr({ useRecords: true, sequential: true }).pack([{ a: 1 }]);
  it.each([
    ['frames before the hello', [fromHex('91 c4 01 00')], 'frames-before-hello'],
    ['no hello', [fromHex('c0')], 'not-a-hello'],
    ['an empty message', [fromHex('')], 'not-a-hello'],
    ['text', ['hello'], 'text-message'],
    ['a second hello', [hello, hello], 'not-an-array'],
    ['an array of others than bin', [hello, fromHex('91 a1 61')], 'not-a-bin'],
    ['a record', [hello, record], 'not-a-bin'],
    ['a timestamp', [hello, new Packr().pack([new Date(0)])], 'not-a-bin'],
    ['a message that is cut', [hello, fromHex('91 c4 20 00')], 'truncated'],
  ] as const)('for %s', async (_name, messages, reason) => {
    const { code, reason: told, log } = await afterSending(...messages);
    expect([code, told]).toEqual([1002, reason]);
    expect(log).toMatchObject({ level: 'warn', fields: { interface: 'lan3', code: 1002, reason } });
  });
});

describe('a peer', () => {
  it('that sends more than 1 MiB in one message is closed with 1009', async () => {
    const { code, log, recorder } = await afterSending(hello, new Uint8Array(1024 * 1024 + 1));
    expect(code).toBe(1009);
    expect(log).toMatchObject({ level: 'warn', fields: { code: 1009 } });
    expect(recorder.carriers).toEqual([true, false]);
  });

  it('may send whatever bytes it likes: nothing breaks, and the next one is served', async () => {
    const { port, recorder } = testPort('router', 'lan3');
    const server = await serve(TCP, { lan3: port });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 4 }),
        fc.boolean(),
        async (messages, polite) => {
          const outsider = new Outsider(server.url, '/cable/lan3');
          await outsider.opened;
          if (polite) outsider.socket.send(hello);
          for (const message of messages) outsider.socket.send(message);
          outsider.socket.close(1000);
          await outsider.closed;
        },
      ),
      { numRuns: 60 },
    );
    const outsider = new Outsider(server.url, '/cable/lan3');
    await outsider.opened;
    outsider.socket.send(hello);
    outsider.send([Buffer.from(testFrame(1))]);
    await recorder.until(() => recorder.received.length === 1);
  });

  it('that does not read fills the queue, and what is beyond is dropped and counted', async () => {
    const { port, recorder, log } = testPort('router', 'lan3');
    const server = await serve({ path: join(temporaryFolder(), 'r.sock') }, { lan3: port });
    const outsider = new Outsider(server.url, '/cable/lan3');
    await outsider.opened;
    outsider.hello('tap', 'tap0');
    await recorder.until(() => recorder.up);
    outsider.socket.pause();
    const sent = 40_000;
    for (let turn = 0; turn < 400; turn++) {
      for (let count = 0; count < 100; count++) port.send(testFrame(count, 1514));
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    const dropped = port.counters.get('cable.egress-overflow');
    // 60 MB were sent; the socket's own buffers, 8 messages and the queue are all that was kept.
    expect(sent - dropped).toBeLessThan(QUEUE_FRAMES + 3000);
    expect(dropped).toBeGreaterThan(sent - (QUEUE_FRAMES + 3000));
    expect(port.traffic.framesOut).toBeLessThanOrEqual(sent - dropped);
    expect(sent - dropped - port.traffic.framesOut).toBeLessThanOrEqual(QUEUE_FRAMES);
    expect(QUEUE_BYTES).toBeLessThan(32_000_000);
    expect(log.named('cable.overflow')).toHaveLength(1);
    expect(port.carrier).toBe(true);

    let arrived = 0;
    outsider.socket.on('message', () => {
      arrived = outsider.messages
        .slice(1)
        .reduce<number>((sum, batch) => sum + (batch as unknown[]).length, 0);
    });
    outsider.socket.resume();
    await outsider.until(() => arrived === sent - dropped);
    port.send(testFrame(1));
    await outsider.until(() => arrived === sent - dropped + 1);
  });
});

it('a port in use by another program is told as such', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  await expect(serve({ host: '127.0.0.1', port }, {})).rejects.toThrow(`cannot listen on 127.0.0.1:${port}`);
  other.close();
});

describe('a device server under many connections', () => {
  it('cuts the oldest of those that do not say what they want, and takes who does', async () => {
    const { port, recorder } = testPort('router', 'lan3');
    const server = await serve(TCP, { lan3: port });
    const address = { host: '127.0.0.1', port: Number(server.url.split(':').at(-1)) };
    const silent = Array.from({ length: 100 }, () => connect(address).on('error', () => {}));
    const ended = silent.map((socket) => new Promise((resolve) => socket.on('close', resolve)));
    await Promise.all(ended.slice(0, 36));
    const right = new Outsider(server.url, '/cable/lan3');
    await right.opened;
    right.hello('tap', 'tap0');
    await recorder.until(() => recorder.up);
    expect(silent.filter(({ destroyed }) => destroyed).length).toBeLessThanOrEqual(37);
    for (const socket of silent) socket.destroy();
  });

  it('cuts who sends half a request after five seconds', async () => {
    const server = await serve(TCP, {});
    const slow = connect({ host: '127.0.0.1', port: Number(server.url.split(':').at(-1)) });
    slow.on('error', () => {});
    slow.write('GET /control HTTP/1.1\r\nhost:');
    await new Promise((resolve) => slow.resume().on('close', resolve));
  });

  it('takes 256 control connections and refuses more with 503, until one ends', async () => {
    const server = await serve(TCP, {}, () => {});
    const open = async () => {
      const outsider = new Outsider(server.url, '/control');
      await outsider.opened;
      return outsider;
    };
    const all = [];
    for (let count = 0; count < 256; count++) all.push(await open());
    await expect(new Outsider(server.url, '/control').opened).rejects.toThrow('503');
    all[0]!.socket.close();
    await all[0]!.closed;
    await open();
  });

  it('answers pings, but not without end those of who does not read', async () => {
    let there: WebSocket | undefined;
    const server = await serve(TCP, {}, (socket) => {
      there = socket;
    });
    const outsider = new Outsider(server.url, '/control');
    await outsider.opened;
    const pong = new Promise((resolve) => outsider.socket.once('pong', resolve));
    outsider.socket.ping('x');
    expect(String(await pong)).toBe('x');
    outsider.socket.pause();
    let heard = 0;
    there?.on('ping', () => heard++);
    const many = 100_000;
    for (let count = 0; count < many; count++) outsider.socket.ping('y'.repeat(125));
    while (heard < many) await new Promise<void>((resolve) => setImmediate(resolve));
    // More than ten megabytes of answers would be owed.
    expect(there?.bufferedAmount).toBeLessThan(128 * 1024);
    outsider.socket.terminate();
  });
});
