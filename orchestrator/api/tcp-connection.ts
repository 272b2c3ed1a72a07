// A TCP connection that a device holds, as a stream of the caller's.

import { Duplex } from 'node:stream';
import type { ConnectHead } from '../../shared/control/device-calls.ts';
import type { DeviceCall } from './device-link.ts';

/**
 * A TCP connection from a device, as a Duplex with backpressure and half-close: `end()` sends a FIN and leaves
 * the reading side open; the `end` event says that the peer has sent its own. A broken connection is an
 * `error` event whose `code` is ECONNRESET, ETIMEDOUT, …, or EHOSTDOWN if the device itself lost power.
 * `destroy()` closes the connection at once.
 */
export class TcpConnection extends Duplex {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #call: DeviceCall;
  #over = false;

  /** @internal */
  constructor(call: DeviceCall, head: ConnectHead) {
    super({ allowHalfOpen: true });
    this.#call = call;
    this.localAddress = head.localAddress;
    this.localPort = head.localPort;
    this.remoteAddress = head.remoteAddress;
    this.remotePort = head.remotePort;
    call.stdout.on('data', (chunk: Uint8Array) => {
      if (!this.push(chunk)) call.stdout.pause();
    });
    call.stdout.once('end', () => this.push(null));
    call.value().then(
      () => this.#ended(),
      (error: Error) => this.#ended(error),
    );
  }

  override _read(): void {
    this.#call.stdout.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#call.stdin.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#call.stdin.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#over) this.#call.cancel();
    done(error);
  }

  /** What came before a failure is read first, as far as somebody reads. */
  #ended(error?: Error): void {
    this.#over = true;
    if (error === undefined || this.destroyed) return;
    const { stdout } = this.#call;
    if (stdout.readableEnded || stdout.destroyed) this.destroy(error);
    else stdout.once('end', () => this.destroy(error));
  }
}
