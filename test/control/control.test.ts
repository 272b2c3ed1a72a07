// Calls over /control, through a real device server.

import { once } from 'node:events';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { Packr } from 'msgpackr/pack';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { WebSocket } from 'ws';
import { connectControl } from '../../shared/control/client.ts';
import { decodeCallerMessage, decodeServerMessage, encodeMessage } from '../../shared/control/messages.ts';
import type { ControlClient, ControlHandler, IncomingCall } from '../../shared/control/peer.ts';
import { serveControl } from '../../shared/control/server.ts';
import { Malformed } from '../../shared/core/errors.ts';
import { Outsider, serve, TOKEN, temporaryFolder } from '../cable/real-cables.ts';
import { RecordedLog } from '../support/recorded-log.ts';

async function device(handlers: Record<string, ControlHandler>) {
  const log = new RecordedLog();
  const table = new Map(Object.entries(handlers));
  const server = await serve({ path: join(temporaryFolder(), 'd.sock') }, {}, (socket) =>
    serveControl(socket, table, log),
  );
  return { url: server.url, server, log };
}

async function connected(handlers: Record<string, ControlHandler>) {
  const { url, server, log } = await device(handlers);
  const client: ControlClient = await connectControl(`${url}/control`, TOKEN);
  onTestFinished(() => client.close());
  return { client, server, log, url };
}

/** A promise to be settled from outside. */
function event<Value>() {
  let happen: (value: Value) => void = () => {};
  const happened = new Promise<Value>((resolve) => {
    happen = resolve;
  });
  return { happen, happened };
}

/** Resolves when the call is interrupted, with the reason. */
function interrupted(call: IncomingCall): Promise<unknown> {
  return new Promise((resolve) => {
    call.interrupt.addEventListener('abort', () => resolve(call.interrupt.reason));
  });
}

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('a request', () => {
  it('carries what msgpack can, leaving out what is undefined', async () => {
    const { client } = await connected({ echo: ({ params }) => params });
    const value = {
      a: [1, 'two', null, true, 1.5],
      data: Buffer.from('x'),
      none: undefined,
      deep: { n: -1 },
    };
    expect(await client.request('echo', value)).toEqual({
      a: [1, 'two', null, true, 1.5],
      data: Buffer.from('x'),
      deep: { n: -1 },
    });
    expect(await client.request('echo')).toBeUndefined();
    expect(await client.request('echo', null)).toBeNull();
  });

  it('fails with the code and message of the error', async () => {
    const { client } = await connected({
      fail: () => {
        throw Object.assign(new Error('no such interface'), { code: 'ENODEV' });
      },
      plain: () => Promise.reject(new Error('plain')),
    });
    await expect(client.request('fail')).rejects.toMatchObject({
      code: 'ENODEV',
      message: 'no such interface',
    });
    await expect(client.request('plain')).rejects.toThrow('plain');
  });

  it('of an unknown method is told what there is', async () => {
    const { client } = await connected({ status: () => 1, exec: () => 2 });
    await expect(client.request('stauts')).rejects.toMatchObject({
      code: 'ENOSYS',
      message: 'no method stauts here; there are exec, status',
    });
  });

  it('does not wait for others', async () => {
    const { happen, happened } = event<string>();
    const { client } = await connected({ slow: () => happened, fast: () => 'fast' });
    const slow = client.request('slow');
    expect(await client.request('fast')).toBe('fast');
    happen('slow');
    expect(await slow).toBe('slow');
  });

  it('may be given up after a time or by a signal, which interrupts it over there', async () => {
    const reasons: unknown[] = [];
    const { happen, happened } = event<void>();
    const { client } = await connected({
      wait: async (call) => {
        reasons.push(await interrupted(call));
        if (reasons.length === 2) happen();
      },
    });
    await expect(client.request('wait', null, { timeout: 20 })).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    const aborter = new AbortController();
    const request = client.request('wait', null, { signal: aborter.signal });
    aborter.abort(new Error('enough'));
    await expect(request).rejects.toThrow('enough');
    await happened;
    expect(reasons).toEqual(['cancel', 'cancel']);
    await expect(client.request('wait', null, { signal: aborter.signal })).rejects.toThrow('enough');
  });

  it('or an answer that is too long, or of a kind that msgpack does not have, is refused on its own side', async () => {
    const { client } = await connected({
      big: () => 'x'.repeat(2 ** 20),
      map: () => new Map(),
      echo: () => 1,
    });
    await expect(client.request('big')).rejects.toMatchObject({ code: 'EMSGSIZE' });
    await expect(client.request('map')).rejects.toThrow("a Map can't be sent");
    await expect(client.request('echo', 'x'.repeat(2 ** 20))).rejects.toMatchObject({ code: 'EMSGSIZE' });
    expect(await client.request('echo')).toBe(1);
  });
});

describe('a call with streams', () => {
  it('passes stdin on, and stdout and stderr back, before its result', async () => {
    const { client } = await connected({
      upper: async ({ stdin, stdout, stderr }) => {
        for await (const chunk of stdin) stdout.write(String(chunk).toUpperCase());
        stderr.write('done\n');
        return 3;
      },
    });
    const call = client.open('upper');
    call.stdin.write('hello ');
    call.stdin.end('world');
    expect(await Promise.all([textOf(call.stdout), textOf(call.stderr), call.result])).toEqual([
      'HELLO WORLD',
      'done\n',
      3,
    ]);
  });

  it('carries any number of bytes unharmed', async () => {
    const { client } = await connected({
      cat: ({ stdin, stdout }) => once(stdin.pipe(stdout), 'finish').then(() => 0),
    });
    const call = client.open('cat');
    const pieces = Array.from({ length: 300 }, (_, index) => Buffer.alloc(index * 50 + 1, index));
    void (async () => {
      for (const piece of pieces) if (!call.stdin.write(piece)) await once(call.stdin, 'drain');
      call.stdin.end();
    })();
    const chunks: Buffer[] = [];
    for await (const chunk of call.stdout) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).equals(Buffer.concat(pieces))).toBe(true);
    expect(await call.result).toBe(0);
  });

  it('slows the writer when nobody reads, and goes on when somebody does', async () => {
    let written = 0;
    const { client } = await connected({
      flood: async ({ stdout }) => {
        for (let count = 0; count < 1000; count++) {
          written += 10_000;
          if (!stdout.write(Buffer.alloc(10_000))) await once(stdout, 'drain');
        }
      },
      ping: () => 'pong',
    });
    const call = client.open('flood');
    // The connection stays usable meanwhile, and the writer stands still.
    let before = -1;
    while (before !== written) {
      before = written;
      for (let count = 0; count < 20; count++) await client.request('ping');
    }
    expect(written).toBeLessThan(400_000);
    expect(call.stdout.readableLength).toBeLessThanOrEqual(256 * 1024);
    let read = 0;
    for await (const chunk of call.stdout) read += (chunk as Buffer).length;
    expect(read).toBe(10_000_000);
    await call.result;
  });

  it('goes on for a reader that has destroyed its end', async () => {
    const { client } = await connected({
      flood: async ({ stdout }) => {
        for (let count = 0; count < 100; count++)
          if (!stdout.write(Buffer.alloc(10_000))) await once(stdout, 'drain');
        return 'all written';
      },
    });
    const call = client.open('flood');
    call.stdout.destroy();
    expect(await call.result).toBe('all written');
  });

  it('is passed signals, and ends by itself', async () => {
    const { client } = await connected({
      run: async (call) => {
        call.stdout.write('running');
        const reason = await interrupted(call);
        call.stdout.write(` ${reason}`);
        return 130;
      },
    });
    const call = client.open('run');
    await once(call.stdout, 'readable');
    call.signal('SIGINT');
    expect(await textOf(call.stdout)).toBe('running SIGINT');
    expect(await call.result).toBe(130);
  });

  it('is interrupted when it is cancelled, and what it writes then goes nowhere', async () => {
    const { happen, happened } = event<unknown>();
    const { client } = await connected({
      run: async (call) => {
        call.stdout.write('running');
        const reason = await interrupted(call);
        for (let count = 0; count < 100; count++)
          if (!call.stdout.write(Buffer.alloc(10_000))) await once(call.stdout, 'drain');
        happen(reason);
      },
    });
    const call = client.open('run');
    await once(call.stdout, 'readable');
    call.cancel();
    await expect(call.result).rejects.toMatchObject({ code: 'ECANCELED' });
    expect(await happened).toBe('cancel');
    expect(call.stdout.destroyed).toBe(true);
  });
});

describe('a caller that does not read', () => {
  it('is not read either, so that answers do not pile up', async () => {
    const handlers = new Map<string, ControlHandler>([['ping', () => 'pong']]);
    const sockets: WebSocket[] = [];
    const { url } = await serve({ path: join(temporaryFolder(), 'd.sock') }, {}, (socket) => {
      sockets.push(socket);
      serveControl(socket, handlers, new RecordedLog());
    });
    const caller = new Outsider(url, '/control');
    await caller.opened;
    caller.socket.pause();
    const calls = 40_000;
    for (let id = 0; id < calls; id++) caller.send({ t: 'call', id, method: 'x'.repeat(100), params: null });
    // Others are served meanwhile.
    const other = await connectControl(`${url}/control`, TOKEN);
    onTestFinished(() => other.close());
    const waiting = () => sockets[0]?.bufferedAmount ?? 0;
    for (let before = -1; before !== waiting(); ) {
      before = waiting();
      for (let count = 0; count < 20; count++) await other.request('ping');
    }
    expect(waiting()).toBeGreaterThan(1024 * 1024);
    expect(waiting()).toBeLessThan(1.1 * 1024 * 1024);
    caller.socket.resume();
    await caller.until(() => caller.messages.length === calls);
  });
});

describe('when the connection ends', () => {
  it('every call is interrupted over there, and fails here', async () => {
    const { happen, happened } = event<unknown>();
    const begun = event<void>();
    const { client, server } = await connected({
      run: async (call) => {
        begun.happen();
        happen(await interrupted(call));
        call.stdout.write('too late');
      },
    });
    const call = client.open('run');
    await begun.happened;
    await server.close();
    expect(await happened).toBe('gone');
    await expect(call.result).rejects.toMatchObject({ code: 'ECONNRESET' });
    await client.closed;
    await expect(client.request('run')).rejects.toMatchObject({ code: 'ECONNRESET' });
    call.stdin.write('nobody hears');
    call.signal('SIGINT');
    call.cancel();
    await turn();
  });
});

describe('connecting', () => {
  it('fails with a code that tells why', async () => {
    const { url } = await device({});
    await expect(connectControl(`${url}/control`, 'wrong')).rejects.toMatchObject({ code: 'EACCES' });
    await expect(connectControl('ws://127.0.0.1:1/control', TOKEN)).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
    await expect(connectControl('ws+unix:/nowhere.sock:/control', TOKEN)).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });
});

const packr = new Packr({ useRecords: false });

describe('a device closes with 1002 and logs it', () => {
  it.each([
    ['an unknown type', [{ t: 'shout', id: 1 }], 'unknown-message'],
    ['a call without a method', [{ t: 'call', id: 1 }], 'bad-method'],
    ['an id that is no count', [{ t: 'call', id: -1, method: 'wait' }], 'bad-id'],
    [
      'an id in use',
      [
        { t: 'call', id: 1, method: 'wait' },
        { t: 'call', id: 1, method: 'wait' },
      ],
      'id-in-use',
    ],
    ['a signal that is none', [{ t: 'signal', id: 1, name: 'INT' }], 'bad-signal'],
    [
      'a stream of the other side',
      [{ t: 'data', id: 1, stream: 'stdout', data: Buffer.alloc(1) }],
      'bad-stream',
    ],
    ['text for bytes', [{ t: 'data', id: 1, stream: 'stdin', data: 'x' }], 'bad-data'],
    [
      'more than there is credit for',
      [
        { t: 'call', id: 1, method: 'wait' },
        { t: 'data', id: 1, stream: 'stdin', data: Buffer.alloc(256 * 1024) },
        { t: 'data', id: 1, stream: 'stdin', data: Buffer.alloc(1) },
      ],
      'stream-overrun',
    ],
    [
      'credit that nobody used',
      [
        { t: 'call', id: 1, method: 'wait' },
        { t: 'credit', id: 1, stream: 'stdout', bytes: 1 },
      ],
      'stream-overrun',
    ],
    ['what is no map', [[1, 2]], 'not-a-map'],
    ['an extension', [{ t: 'call', id: 1, method: 'wait', params: new Date(0) }], 'not-plain-msgpack'],
  ])('%s', async (_name, messages, reason) => {
    const { url, log } = await device({ wait: (call) => interrupted(call) });
    const outsider = new Outsider(url, '/control');
    await outsider.opened;
    for (const message of messages) outsider.socket.send(packr.pack(message));
    expect(await outsider.closed).toEqual([1002, reason]);
    expect(log.named('control.closed')).toMatchObject([{ level: 'warn', fields: { code: 1002, reason } }]);
  });

  it('text, and with 1009 a message that is too long', async () => {
    const { url } = await device({});
    const [text, long] = [new Outsider(url, '/control'), new Outsider(url, '/control')];
    await Promise.all([text.opened, long.opened]);
    text.socket.send('hello');
    long.socket.send(Buffer.alloc(2 ** 20 + 1));
    expect((await text.closed)[0]).toBe(1002);
    expect((await long.closed)[0]).toBe(1009);
  });
});

describe('messages', () => {
  it('that are only bytes never make the decoders throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.jsonValue(), (bytes, value) => {
        decodeCallerMessage(bytes);
        decodeServerMessage(bytes);
        decodeCallerMessage(packr.pack(value));
        decodeServerMessage(packr.pack(value));
      }),
    );
  });

  it('come back as they were sent', () => {
    for (const message of [
      { t: 'call', id: 1, method: 'exec', params: { argv: ['ping'] } },
      { t: 'data', id: 2, stream: 'stdin', data: Buffer.from('x') },
      { t: 'end', id: 2, stream: 'stdin' },
      { t: 'credit', id: 2, stream: 'stderr', bytes: 7 },
      { t: 'signal', id: 2, name: 'SIGTERM' },
      { t: 'cancel', id: 2 },
    ] as const)
      expect(decodeCallerMessage(encodeMessage(message))).toEqual(message);
    for (const message of [
      { t: 'result', id: 1, value: [1] },
      { t: 'error', id: 1, code: 'ENOENT', message: 'no' },
      { t: 'data', id: 2, stream: 'stdout', data: Buffer.from('x') },
    ] as const)
      expect(decodeServerMessage(encodeMessage(message))).toEqual(message);
    expect(decodeServerMessage(encodeMessage({ t: 'error', id: 1, message: 'no' }))).toEqual({
      t: 'error',
      id: 1,
      code: undefined,
      message: 'no',
    });
    expect(decodeServerMessage(packr.pack({ t: 'error', id: 1, message: 7 }))).toEqual(
      new Malformed('bad-error'),
    );
  });
});
