// One side of a TCP connection as a test drives it: says what it has to say, ends its direction, and hears
// the other out.

import type { Clock } from '../../shared/core/clock.ts';
import type { SystemError } from '../../shared/core/errors.ts';
import type { TcpConnection, TcpUser } from '../../shared/stack/tcp/connection-api.ts';

export interface TalkerOptions {
  readonly clock: Clock;
  readonly outgoing: Uint8Array;
  /** Says nothing until the other side has ended its direction. */
  readonly listensFirst?: boolean;
  /** Reads so many bytes every 20 ms, rather than all at once: the window fills and closes. */
  readonly readsSlowly?: number;
}

export class Talker implements TcpUser {
  connection: TcpConnection | undefined;
  /** What the connection was closed with; undefined as long as it was not. */
  outcome: 'closed' | SystemError | undefined;
  /** Whether everything was heard, end included. */
  heardAll = false;
  /** Whether everything that was said has been acknowledged, FIN included. */
  saidAll = false;
  readonly #options: TalkerOptions;
  readonly #heard: Uint8Array[] = [];
  #said = 0;
  #ended = false;
  #reading = false;

  constructor(options: TalkerOptions) {
    this.#options = options;
  }

  get heard(): Buffer {
    return Buffer.concat(this.#heard);
  }

  get finished(): boolean {
    return this.outcome !== undefined || (this.heardAll && this.saidAll);
  }

  get failure(): SystemError | undefined {
    return typeof this.outcome === 'object' ? this.outcome : undefined;
  }

  connected(): void {
    this.#say();
  }

  writable(): void {
    this.#say();
  }

  drained(): void {
    if (this.#ended) this.saidAll = true;
    this.#closeIfDone();
  }

  readable(): void {
    if (this.#options.readsSlowly === undefined) this.#hear();
    else if (!this.#reading) this.#hearSlowly();
  }

  closed(error?: SystemError): void {
    this.outcome = error ?? 'closed';
  }

  #say(): void {
    const { outgoing, listensFirst } = this.#options;
    if (!this.connection || this.#ended || this.outcome || (listensFirst && !this.heardAll)) return;
    while (this.#said < outgoing.length) {
      const taken = this.connection.write(outgoing.subarray(this.#said));
      if (taken === 0) return;
      this.#said += taken;
    }
    this.#ended = true;
    this.connection.shutdown();
  }

  #hear(limit?: number): void {
    for (let data = this.connection?.read(limit); data; data = limit ? undefined : this.connection?.read())
      this.#heard.push(data);
    if (!this.connection?.ended || this.heardAll) return;
    this.heardAll = true;
    this.#say();
    this.#closeIfDone();
  }

  #hearSlowly(): void {
    this.#reading = true;
    this.#hear(this.#options.readsSlowly);
    if (this.heardAll || this.outcome) return;
    this.#options.clock.after(20, () => this.#hearSlowly());
  }

  #closeIfDone(): void {
    if (this.heardAll && this.saidAll && !this.outcome) this.connection?.close();
  }
}
