// A listening TCP socket, as net.Server shows it.

import { EventEmitter } from 'node:events';
import { formatIpv4, parseIpv4 } from '../core/address.ts';
import type { Clock } from '../core/clock.ts';
import type { TcpApi, TcpListener } from '../stack/tcp/connection-api.ts';
import { codedError, listenError, toSystemError } from './errors.ts';
import type { AddressInfo, TcpServer, TcpSocket } from './sockets.ts';
import { TcpStream } from './tcp-socket.ts';

/** As in node:net. */
const DEFAULT_BACKLOG = 511;

type ListenOptions = { port?: number; host?: string; backlog?: number };

export interface TcpStreamServerOptions {
  readonly tcp: TcpApi;
  readonly clock: Clock;
  readonly mayBind: (port: number) => boolean;
  readonly allowHalfOpen?: boolean | undefined;
}

export class TcpStreamServer extends EventEmitter implements TcpServer {
  #listener: TcpListener | undefined;
  #connections = 0;

  constructor(
    private readonly options: TcpStreamServerOptions,
    connection?: (socket: TcpSocket) => void,
  ) {
    super();
    if (connection) this.on('connection', connection);
  }

  get listening(): boolean {
    return this.#listener !== undefined;
  }

  listen(where: ListenOptions | number, listening?: () => void): this {
    if (this.#listener)
      throw codedError(
        'ERR_SERVER_ALREADY_LISTEN',
        'Listen method has been called more than once without closing.',
      );
    if (listening) this.once('listening', listening);
    const {
      port = 0,
      host = '0.0.0.0',
      backlog = DEFAULT_BACKLOG,
    } = typeof where === 'number' ? { port: where } : where;
    try {
      this.#listener = this.#open(port, host, backlog);
      process.nextTick(() => this.#listener && this.emit('listening'));
    } catch (error) {
      const failure = listenError(toSystemError(error, 'listen').code, host, port);
      process.nextTick(() => this.emit('error', failure));
    }
    return this;
  }

  #open(port: number, host: string, backlog: number): TcpListener {
    const address = parseIpv4(host);
    if (address === undefined) throw codedError('EADDRNOTAVAIL', `not an address: ${host}`);
    if (!this.options.mayBind(port)) throw codedError('EACCES', 'a port under 1024');
    return this.options.tcp.listen({
      address,
      port,
      backlog,
      accept: (connection) => {
        this.#connections++;
        const socket = new TcpStream({
          clock: this.options.clock,
          allowHalfOpen: this.options.allowHalfOpen,
          connection,
          released: () => {
            this.#connections--;
            this.#closeIfDone();
          },
        });
        this.emit('connection', socket);
      },
    });
  }

  /** Takes no more connections; 'close' comes when the last of those that there are has ended. */
  close(callback?: (error?: Error) => void): this {
    if (this.#listener) {
      if (callback) this.once('close', () => callback());
      this.#listener.close();
      this.#listener = undefined;
    } else if (callback) {
      this.once('close', () => callback(codedError('ERR_SERVER_NOT_RUNNING', 'Server is not running.')));
    }
    this.#closeIfDone();
    return this;
  }

  #closeIfDone(): void {
    if (!this.#listener && this.#connections === 0) process.nextTick(() => this.emit('close'));
  }

  address(): AddressInfo | null {
    const local = this.#listener?.local;
    return local ? { address: formatIpv4(local.address), family: 'IPv4', port: local.port } : null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#listener) await new Promise<void>((resolve) => this.close(() => resolve()));
  }
}
