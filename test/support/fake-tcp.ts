// TCP without a network: connections of one process whose bytes cross in the next turn. For tests of what
// stands on TCP.

import { ipv4 } from '../../shared/core/address.ts';
import { systemError } from '../../shared/core/errors.ts';
import type {
  ConnectOptions,
  ListenOptions,
  TcpApi,
  TcpConnection,
  TcpEndpoint,
  TcpListener,
  TcpState,
  TcpUser,
} from '../../shared/stack/tcp/connection-api.ts';

const BUFFER = 100_000;

class FakeConnection implements TcpConnection {
  state: TcpState = 'SYN-SENT';
  user!: TcpUser;
  peer: FakeConnection | undefined;
  noDelay = false;
  #received: Uint8Array[] = [];
  #finReceived = false;
  #finSent = false;
  #wasFull = false;
  #userGone = false;

  constructor(
    readonly local: TcpEndpoint,
    readonly remote: TcpEndpoint,
  ) {}

  get readableLength(): number {
    return this.#received.reduce((length, chunk) => length + chunk.length, 0);
  }

  get ended(): boolean {
    return this.#finReceived && this.#received.length === 0;
  }

  readonly unacknowledged = 0;

  tell(event: (user: TcpUser) => void): void {
    setImmediate(() => event(this.user));
  }

  read(limit = Number.POSITIVE_INFINITY): Uint8Array | undefined {
    const first = this.#received[0];
    if (!first) return undefined;
    const taken = first.slice(0, limit);
    if (taken.length === first.length) this.#received.shift();
    else this.#received[0] = first.subarray(taken.length);
    this.peer?.roomAgain();
    return taken;
  }

  peek(limit?: number): Uint8Array | undefined {
    return this.#received[0]?.slice(0, limit);
  }

  write(data: Uint8Array): number {
    const { peer } = this;
    if (!peer || this.#finSent || this.state === 'CLOSED') return 0;
    const room = Math.min(BUFFER - peer.readableLength, data.length);
    this.#wasFull = room < data.length;
    if (room > 0) peer.arrive(data.slice(0, room));
    return room;
  }

  arrive(data: Uint8Array): void {
    if (this.#userGone) return this.abort();
    this.#received.push(data);
    this.tell((user) => user.readable());
  }

  roomAgain(): void {
    if (!this.#wasFull) return;
    this.#wasFull = false;
    this.tell((user) => user.writable());
  }

  shutdown(): void {
    if (this.#finSent) return;
    this.#finSent = true;
    this.peer?.finArrived();
    this.#closeIfDone();
  }

  finArrived(): void {
    this.#finReceived = true;
    this.tell((user) => user.readable());
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    if (!this.#finSent || !this.#finReceived || this.state === 'CLOSED') return;
    this.state = 'CLOSED';
    this.tell((user) => user.closed());
  }

  close(): void {
    if (this.readableLength > 0) return this.abort();
    this.#userGone = true;
    this.shutdown();
  }

  abort(): void {
    if (this.state === 'CLOSED') return;
    this.state = 'CLOSED';
    this.peer?.reset();
  }

  reset(): void {
    if (this.state === 'CLOSED') return;
    this.state = 'CLOSED';
    this.tell((user) => user.closed(systemError('ECONNRESET', 'read')));
  }

  setNoDelay(on: boolean): void {
    this.noDelay = on;
  }

  setCork(): void {}

  set(): void {}

  setKeepAlive(): void {}
}

/** @param address what both ends of every connection have */
export function fakeTcp(address = '127.0.0.1'): TcpApi {
  const own = ipv4(address);
  const listeners = new Map<number, ListenOptions>();
  let nextPort = 50_000;

  function listen(options: ListenOptions): TcpListener {
    const port = options.port || nextPort++;
    if (listeners.has(port)) throw systemError('EADDRINUSE', 'listen');
    listeners.set(port, options);
    return { local: { address: options.address ?? 0, port }, set() {}, close: () => listeners.delete(port) };
  }

  function connect(options: ConnectOptions): TcpConnection {
    const local = { address: own, port: options.localPort ?? nextPort++ };
    const remote = { address: options.address, port: options.port };
    const client = new FakeConnection(local, remote);
    client.user = options.user;
    setImmediate(() => {
      const listener = listeners.get(options.port);
      if (!listener) return client.user.closed(systemError('ECONNREFUSED', 'connect'));
      if (client.state === 'CLOSED') return;
      const server = new FakeConnection(remote, local);
      server.peer = client;
      client.peer = server;
      client.state = 'ESTABLISHED';
      server.state = 'ESTABLISHED';
      client.user.connected();
      listener.accept(server);
    });
    return client;
  }

  return { listen, connect, sockets: () => [] };
}
