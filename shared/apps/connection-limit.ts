// How many connections a server keeps. Who opens many and does nothing with them keeps nobody out: a new one
// takes the place of the one that got nothing done for longest.

import type { Counters } from '../core/counters.ts';
import type { TcpSocket } from '../socket/sockets.ts';

export class ConnectionLimit {
  /** Who got nothing done for longest is first. */
  readonly #connections = new Set<TcpSocket>();

  /** @param counter what each connection that had to go is counted as */
  constructor(
    private readonly most: number,
    private readonly counters: Counters,
    private readonly counter: string,
  ) {}

  add(socket: TcpSocket): void {
    if (this.#connections.size >= this.most) this.#makeRoom();
    this.#connections.add(socket);
    socket.on('close', () => this.#connections.delete(socket));
  }

  /** Something was done on a connection that its peer wanted done: a request is whole, bytes of an answer went out. */
  used(socket: TcpSocket): void {
    if (this.#connections.delete(socket)) this.#connections.add(socket);
  }

  destroyAll(): void {
    for (const socket of this.#connections) socket.destroy();
  }

  /** With a RST: an end in order would wait for a peer who may never answer. */
  #makeRoom(): void {
    for (const idlest of this.#connections) {
      this.#connections.delete(idlest);
      this.counters.add(this.counter);
      idlest.resetAndDestroy();
      return;
    }
  }
}
