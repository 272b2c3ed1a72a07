// The same scenario on node:net over the machine's loopback and on our sockets: what happens, in which
// order, with which codes and properties, is the same.

import { once } from 'node:events';
import net from 'node:net';
import { finished } from 'node:stream/promises';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../shared/core/clock.ts';
import type { TcpServer, TcpSocket } from '../../shared/socket/sockets.ts';
import { fakeSockets } from '../support/fake-sockets.ts';
import { type TwoHosts, twoHosts } from '../support/two-hosts.ts';

interface ConnectOptions {
  port: number;
  host?: string;
  allowHalfOpen?: boolean;
  signal?: AbortSignal;
}

/** What node:net and ours have in common. */
interface Network {
  /** Of the server. */
  readonly address: string;
  connect(options: ConnectOptions): TcpSocket;
  createServer(options: { allowHalfOpen?: boolean }, connection: (socket: TcpSocket) => void): TcpServer;
}

const nodeNet: Network = {
  address: '127.0.0.1',
  connect: (options) => net.connect({ host: '127.0.0.1', ...options }) as unknown as TcpSocket,
  createServer: (options, connection) =>
    net.createServer(options, (socket) => connection(socket as unknown as TcpSocket)) as unknown as TcpServer,
};

const networks: [string, () => Network][] = [
  [
    'sockets over a TCP without a network',
    () => {
      const sockets = fakeSockets();
      return {
        address: '127.0.0.1',
        connect: (options) => sockets.connect({ host: '127.0.0.1', ...options }),
        createServer: (options, connection) => sockets.createServer(options, connection),
      };
    },
  ],
  [
    'sockets of one host, over its loopback',
    () => {
      const { sockets } = makeHosts().a;
      return {
        address: '127.0.0.1',
        connect: (options) => sockets.connect({ host: '127.0.0.1', ...options }),
        createServer: (options, connection) => sockets.createServer(options, connection),
      };
    },
  ],
  [
    'sockets of two hosts, over a cable',
    () => {
      const { a, b } = makeHosts();
      return {
        address: '10.0.0.2',
        connect: (options) => a.sockets.connect({ host: '10.0.0.2', ...options }),
        createServer: (options, connection) => b.sockets.createServer(options, connection),
      };
    },
  ],
];

let hosts: TwoHosts | undefined;

function makeHosts(): TwoHosts {
  hosts = twoHosts(systemClock);
  return hosts;
}

afterEach(() => {
  hosts?.close();
  hosts = undefined;
});

const EVENTS = ['connect', 'ready', 'end', 'finish', 'error', 'close', 'timeout', 'drain', 'lookup'] as const;

/** Writes down every event of a socket, with what it brings. */
function record(socket: TcpSocket, events: string[], who: string, except: readonly string[] = []): void {
  for (const event of EVENTS) {
    if (except.includes(event)) continue;
    socket.on(event, (...values: unknown[]) => {
      const told = values.map((value) =>
        value instanceof Error ? `${codeOf(value)} ${withoutPorts(value.message)}` : String(value),
      );
      events.push([who, event, ...told].join(' '));
    });
  }
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : error.name;
}

function withoutPorts(message: string): string {
  return message.replace(/[\d.]+:\d+/g, 'ADDRESS:PORT');
}

type Scenario = (network: Network, say: (what: string) => void, events: string[]) => Promise<void>;

/** Runs the scenario on node:net and on each of ours, and compares what was said. */
function sameAsNode(name: string, scenario: Scenario): void {
  for (const [label, make] of networks) {
    test(`${name}, as node:net does (${label})`, async () => {
      const expected: string[] = [];
      await scenario(nodeNet, (what) => expected.push(what), expected);
      const events: string[] = [];
      await scenario(make(), (what) => events.push(what), events);
      expect(events).toEqual(expected);
      expect(expected.length).toBeGreaterThan(0);
    });
  }
}

async function listening(
  network: Network,
  connection: (socket: TcpSocket) => void,
  options: { allowHalfOpen?: boolean } = {},
): Promise<{ server: TcpServer; port: number }> {
  const server = network.createServer(options, connection);
  server.listen({ port: 0, host: network.address });
  await once(server, 'listening');
  return { server, port: server.address()?.port ?? 0 };
}

async function closed(server: TcpServer): Promise<void> {
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

async function text(socket: TcpSocket): Promise<string> {
  let whole = '';
  for await (const chunk of socket) whole += String(chunk);
  return whole;
}

/** The 'close' event, for a socket whose error is expected. */
function ends(socket: TcpSocket): Promise<unknown> {
  return new Promise((resolve) => socket.once('close', resolve));
}

sameAsNode('a connection is made, used and closed', async (network, say, events) => {
  // What happens at one side is in order; which side hears first is nobody's promise.
  const atServer: string[] = [];
  let received = '';
  const { server, port } = await listening(network, (socket) => {
    record(socket, atServer, 'server');
    socket.on('data', (data) => {
      received += String(data);
    });
  });
  const client = network.connect({ port });
  record(client, events, 'client');
  say(`${client.connecting} ${client.pending} ${client.readyState} ${client.bytesWritten}`);
  client.write('before connect');
  say(`written ${client.bytesWritten}`);
  await once(client, 'ready');
  say(
    `${client.connecting} ${client.pending} ${client.readyState} ${client.remoteAddress === network.address} ${client.remoteFamily}`,
  );
  say(`${client.remotePort === port} ${typeof client.localAddress} ${typeof client.localPort}`);
  say(JSON.stringify(Object.keys(client.address()).sort()));
  client.end(' and the end');
  say(client.readyState);
  client.resume();
  await Promise.all([ends(client), closed(server)]);
  say(
    `${client.destroyed} ${client.readyState} ${client.bytesWritten} ${client.bytesRead} ${client.pending}`,
  );
  say(`${JSON.stringify(client.address())} ${client.localAddress}`);
  say(received);
  for (const event of atServer) say(event);
});

sameAsNode('half-close: the server answers after the end of what it was sent', async (network, say) => {
  const { server, port } = await listening(
    network,
    (socket) => {
      void text(socket).then((question) => socket.end(`echo ${question} ${socket.readyState}`));
    },
    { allowHalfOpen: true },
  );
  const client = network.connect({ port, allowHalfOpen: true });
  client.end('question');
  say(await text(client));
  await closed(server);
});

sameAsNode('without half-open the other side ends too', async (network, say, events) => {
  const { server, port } = await listening(network, (socket) => socket.end('bye'));
  const client = network.connect({ port });
  record(client, events, 'client');
  client.resume();
  await ends(client);
  await closed(server);
  say(`${client.writableEnded} ${client.readableEnded}`);
});

sameAsNode('a write after the peer ended is EPIPE', async (network, say, events) => {
  const { server, port } = await listening(network, (socket) => socket.end());
  const client = network.connect({ port });
  record(client, events, 'client', ['finish']);
  client.resume();
  client.once('finish', () => {
    const result = client.write('late', (error) =>
      say(`callback ${error && codeOf(error)} ${error?.message}`),
    );
    say(`write gave ${result}`);
  });
  await ends(client);
  await closed(server);
});

sameAsNode('a write after end', async (network, say, events) => {
  const { server, port } = await listening(network, (socket) => socket.resume());
  const client = network.connect({ port });
  record(client, events, 'client', ['finish', 'end']);
  await once(client, 'connect');
  client.end();
  client.write('late', (error) => say(`callback ${error && codeOf(error)}`));
  await ends(client);
  await closed(server);
});

sameAsNode('a refused connection', async (network, say, events) => {
  const { server, port } = await listening(network, () => {});
  await closed(server);
  const client = network.connect({ port });
  record(client, events, 'client');
  client.on('error', (error: NodeJS.ErrnoException & { address?: string; port?: number }) => {
    say(
      `${error.errno} ${error.syscall} ${error.address === network.address} ${error.port === port} ${error.message.endsWith(`:${port}`)}`,
    );
  });
  client.write('never', (error) => say(`callback ${error && codeOf(error)}`));
  await ends(client);
  say(`${client.destroyed} ${client.connecting} ${client.readyState}`);
});

sameAsNode('a reset by the peer', async (network, say, events) => {
  const { server, port } = await listening(network, (socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.resetAndDestroy());
  });
  const client = network.connect({ port });
  record(client, events, 'client');
  client.on('error', (error: NodeJS.ErrnoException) => say(`${error.errno} ${error.syscall}`));
  client.resume();
  client.write('go on');
  await ends(client);
  await closed(server);
});

sameAsNode('destroy in the middle, with and without an error', async (network, say, events) => {
  const { server, port } = await listening(network, (socket) => {
    socket.on('error', () => {});
    socket.resume();
  });
  for (const error of [undefined, new Error('enough')]) {
    const client = network.connect({ port });
    record(client, events, 'client');
    await once(client, 'ready');
    client.write('x'.repeat(1000));
    client.destroy(error);
    client.write('after', (problem) => say(`callback ${problem && codeOf(problem)}`));
    await ends(client);
    say(`${client.destroyed} ${client.readyState}`);
  }
  await closed(server);
});

sameAsNode('destroy before the connection is there', async (network, say, events) => {
  const { server, port } = await listening(network, (socket) => {
    socket.on('error', () => {});
    socket.resume();
  });
  const client = network.connect({ port });
  record(client, events, 'client');
  client.write('never', (error) => say(`callback ${error && codeOf(error)}`));
  client.destroy();
  await ends(client);
  say(`${client.connecting} ${client.pending}`);
  await closed(server);
});

sameAsNode('an abort signal', async (network, say, events) => {
  const { server, port } = await listening(network, (socket) => {
    socket.on('error', () => {});
    socket.resume();
  });
  const control = new AbortController();
  const client = network.connect({ port, signal: control.signal });
  record(client, events, 'client');
  await once(client, 'ready');
  control.abort();
  await ends(client);
  const late = network.connect({ port, signal: control.signal });
  record(late, events, 'late', ['close']);
  await ends(late);
  await closed(server);
  say('closed');
});

sameAsNode('a paused reader holds the writer back, and nothing is lost', async (network, say) => {
  const whole = 24 * 1024 * 1024;
  let finishedWriting = false;
  const { server, port } = await listening(network, (socket) => {
    const chunk = Buffer.alloc(65_536, 'tincan');
    let left = whole;
    const more = (): void => {
      while (left > 0) {
        left -= chunk.length;
        if (!socket.write(chunk)) {
          socket.once('drain', more);
          return;
        }
      }
      socket.end(() => {
        finishedWriting = true;
      });
    };
    more();
  });
  const client = network.connect({ port });
  client.pause();
  await once(client, 'connect');
  // As long as nobody reads, what is under way is bounded.
  for (let turn = 0; turn < 200; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
  say(`held back ${!finishedWriting && client.bytesRead < whole / 2}`);
  let bytes = 0;
  client.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  client.resume();
  await once(client, 'end');
  await closed(server);
  say(`${bytes} ${client.bytesRead}`);
});

sameAsNode('a listening address that is taken, and a server listened to twice', async (network, say) => {
  const { server, port } = await listening(network, () => {});
  const second = network.createServer({}, () => {});
  const failed = once(second, 'error');
  second.listen({ port, host: network.address });
  const [error] = (await failed) as [NodeJS.ErrnoException & { address: string; port: number }];
  say(
    `${error.code} ${error.errno} ${error.syscall} ${error.address === network.address} ${error.port === port}`,
  );
  say(withoutPorts(error.message));
  say(`${second.listening} ${second.address()} ${server.listening}`);
  try {
    server.listen(0);
  } catch (thrown) {
    say(codeOf(thrown as Error));
  }
  await closed(server);
  say(`${server.listening} ${server.address()}`);
  await new Promise<void>((resolve) =>
    server.close((problem) => {
      say(`${problem && codeOf(problem)}`);
      resolve();
    }),
  );
});

sameAsNode('server.close waits for its connections', async (network, say) => {
  let accepted: TcpSocket | undefined;
  const { server, port } = await listening(network, (socket) => {
    accepted = socket;
    socket.resume();
  });
  server.on('close', () => say('server close'));
  const client = network.connect({ port });
  client.resume();
  await once(server, 'connection');
  server.close();
  say(`${server.listening}`);
  await new Promise<void>((resolve) => setImmediate(resolve));
  say('still open');
  client.end();
  await once(server, 'close');
  say(`${accepted?.destroyed}`);
});

sameAsNode('destroySoon sends what is left first', async (network, say) => {
  const { server, port } = await listening(network, (socket) => {
    socket.write('x'.repeat(300_000));
    socket.destroySoon();
    say(`${socket.destroyed}`);
  });
  const client = network.connect({ port });
  say(`${(await text(client)).length}`);
  await closed(server);
});

sameAsNode('an idle socket times out and stays open', async (network, say, events) => {
  const { server, port } = await listening(network, (socket) => socket.resume());
  const client = network.connect({ port });
  await once(client, 'ready');
  record(client, events, 'client');
  client.setTimeout(20, () => say('callback'));
  await once(client, 'timeout');
  say(`${client.destroyed} ${client.readyState}`);
  client.setTimeout(0);
  client.end();
  client.resume();
  await ends(client);
  await closed(server);
});

sameAsNode('async iteration and finished() end', async (network, say) => {
  const { server, port } = await listening(network, (socket) => {
    socket.end('one');
  });
  const client = network.connect({ port });
  say(await text(client));
  await finished(client);
  say(`${client.destroyed}`);
  await closed(server);
});

sameAsNode('ports out of range are refused by throwing', async (network, say) => {
  for (const port of [-1, 65_536, 1.5]) {
    try {
      network.connect({ port });
    } catch (error) {
      say(`${codeOf(error as Error)} ${(error as Error).name}`);
    }
  }
});
