// Who wants the net to end: signals, mostly. They may come before there is anything to end.

import type { Failure } from './failure.ts';

export class StopRequests {
  /** Of the first request. */
  reason: Failure | undefined;
  #count = 0;
  #listener: () => void = () => {};

  request(reason: Failure): void {
    this.reason ??= reason;
    this.#count++;
    this.#listener();
  }

  /** Names the one who is told of each request, those that came before included. */
  listen(listener: () => void): void {
    this.#listener = listener;
    for (let before = 0; before < this.#count; before++) listener();
  }
}
