// curl's connections: made by curl itself, so that it can tell of each step, then kept open by node:http's
// agent for the next request to the same place.

import type { Socket } from 'node:net';
import { HttpAgent } from '../../apps/http/client.ts';
import type { SystemError } from '../../core/errors.ts';
import type { Sockets, TcpSocket } from '../../socket/sockets.ts';
import { CURLE, CurlError } from './curl-error.ts';
import { unlessAborted } from './host.ts';
import { errorCode, strerror } from './strerror.ts';

export interface CurlConnection {
  readonly socket: TcpSocket;
  /** As -v counts them. */
  readonly number: number;
  readonly remote: string;
  /** What broke it, if something did. */
  broken?: SystemError;
}

export interface ConnectRequest {
  readonly host: string;
  readonly port: number;
  /** ms. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  /** Lines of -v. */
  note(line: string): void;
  lookedUp(): void;
}

/** Hands out the socket that was made for the next request. */
class PreparedAgent extends HttpAgent {
  prepared: TcpSocket | undefined;

  override createConnection(): Socket {
    const socket = this.prepared;
    this.prepared = undefined;
    if (!socket) throw new Error('a connection is made before the request');
    // node:http uses of a net.Socket what a TcpSocket has.
    return socket as unknown as Socket;
  }

  /** An open connection that waits for a request to this place. */
  idle(host: string, port: number): TcpSocket | undefined {
    const [socket] = this.freeSockets[this.getName({ host, port })] ?? [];
    return socket && !socket.destroyed ? (socket as unknown as TcpSocket) : undefined;
  }
}

export class CurlConnections {
  readonly agent: PreparedAgent;
  #made = 0;
  readonly #bySocket = new WeakMap<TcpSocket, CurlConnection>();

  constructor(
    private readonly sockets: Sockets,
    private readonly resolve: ReadonlyMap<string, readonly string[]>,
  ) {
    this.agent = new PreparedAgent(sockets);
  }

  /** The open connection that a request to this place will go over. */
  idle(host: string, port: number): CurlConnection | undefined {
    const socket = this.agent.idle(host, port);
    return socket && this.#bySocket.get(socket);
  }

  /** Makes the connection that the next request will go over. @throws CurlError */
  async connect(request: ConnectRequest): Promise<CurlConnection> {
    const { host, port, note } = request;
    const { clock } = this.sockets;
    const addresses = await this.#lookup(request);
    request.lookedUp();
    const begun = clock.now();
    const number = this.#made++;
    let failure: unknown;
    for (const address of addresses) {
      note(`  Trying ${address}:${port}...`);
      const left = request.timeout - (clock.now() - begun);
      try {
        const socket = await this.#open(address, port, left, request.signal);
        note(`Connected to ${host} (${address}) port ${port} (#${number})`);
        return this.#adopt(socket, number, address);
      } catch (error) {
        request.signal.throwIfAborted();
        failure = error;
        note(
          error instanceof ConnectTimeout
            ? `ipv4 connect timeout after ${Math.round(request.timeout)}ms, move on!`
            : `connect to ${address} port ${port} failed: ${strerror(error)}`,
        );
        if (error instanceof ConnectTimeout) break;
      }
    }
    const timedOut = failure instanceof ConnectTimeout;
    throw new CurlError(
      timedOut || errorCode(failure) === 'ETIMEDOUT' ? CURLE.OPERATION_TIMEDOUT : CURLE.COULDNT_CONNECT,
      `Failed to connect to ${host} port ${port} after ${Math.round(clock.now() - begun)} ms: ` +
        (timedOut ? 'Timeout was reached' : "Couldn't connect to server"),
    );
  }

  close(): void {
    this.agent.destroy();
  }

  async #lookup({ host, port, signal, note }: ConnectRequest): Promise<readonly string[]> {
    const given = this.resolve.get(`${host}:${port}`);
    if (given) {
      note(`Hostname ${host} was found in DNS cache`);
      return given;
    }
    if (/^[\d.]+$/.test(host)) return [host];
    try {
      const addresses = await unlessAborted(this.sockets.lookup?.(host) ?? Promise.resolve([]), signal);
      if (addresses.length > 0) return addresses;
    } catch {
      signal.throwIfAborted();
    }
    throw new CurlError(CURLE.COULDNT_RESOLVE_HOST, `Could not resolve host: ${host}`);
  }

  #open(host: string, port: number, timeout: number, signal: AbortSignal): Promise<TcpSocket> {
    return new Promise((resolve, reject) => {
      const socket = this.sockets.connect({ host, port });
      const settle = (error?: unknown): void => {
        timer.cancel();
        signal.removeEventListener('abort', abort);
        socket.off('error', settle);
        socket.off('connect', connected);
        if (error === undefined) return resolve(socket);
        socket.on('error', () => {});
        socket.destroy();
        reject(error);
      };
      const connected = (): void => settle();
      const abort = (): void => settle(signal.reason);
      const timer = this.sockets.clock.after(Math.max(timeout, 0), () => settle(new ConnectTimeout()));
      signal.addEventListener('abort', abort);
      socket.on('error', settle);
      socket.on('connect', connected);
    });
  }

  #adopt(socket: TcpSocket, number: number, address: string): CurlConnection {
    const connection: CurlConnection = { socket, number, remote: socket.remoteAddress ?? address };
    socket.on('error', (error: SystemError) => {
      connection.broken = error;
    });
    socket.setNoDelay(true);
    this.#bySocket.set(socket, connection);
    this.agent.prepared = socket;
    return connection;
  }
}

class ConnectTimeout extends Error {}
