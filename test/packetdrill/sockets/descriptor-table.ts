// The file descriptors of a script, by the numbers that it gives them.

import type { TcpConnection } from '../../../shared/stack/tcp/connection-api.ts';
import type { Expression } from '../language/expression.ts';
import type { Descriptor } from './descriptor.ts';
import { Epoll } from './epoll.ts';
import { Errno } from './outcome.ts';
import { TcpSocket } from './tcp-socket.ts';
import type { Values } from './values.ts';

export class DescriptorTable {
  readonly #descriptors = new Map<number, Descriptor>();

  /** The connection that code in the script asks about: that of the latest socket which has one. */
  get latestConnection(): TcpConnection | undefined {
    const sockets = [...this.#descriptors.values()].filter((each) => each instanceof TcpSocket);
    return sockets.findLast(({ connection }) => connection !== undefined)?.connection;
  }

  find(number: number): Descriptor | undefined {
    return this.#descriptors.get(number);
  }

  /** Takes in a new descriptor under the number that the script says the call gives. */
  put(descriptor: Descriptor, result: Expression, values: Values): number {
    const number = values.number(result);
    if (this.#descriptors.has(number)) throw values.wrong(`the file descriptor ${number} is in use`);
    this.#descriptors.set(number, descriptor);
    return number;
  }

  socket(argument: Expression | undefined, values: Values): TcpSocket | Errno {
    const descriptor = this.find(values.number(argument));
    if (!descriptor) return new Errno('EBADF');
    return descriptor instanceof TcpSocket ? descriptor : new Errno('ENOTSOCK');
  }

  close(number: number): void {
    const descriptor = this.#descriptors.get(number);
    this.#descriptors.delete(number);
    for (const other of this.#descriptors.values())
      if (descriptor && other instanceof Epoll) other.forget(descriptor);
    descriptor?.close();
  }
}
