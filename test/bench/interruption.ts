// Ctrl-C, or SIGTERM, while something is measured.

import { constants } from 'node:os';

type Signal = 'SIGINT' | 'SIGTERM';

export class Interruption {
  /** Rejects at the first signal, so that nothing is left of what is measured; a second ends the process at once. */
  readonly promise: Promise<never>;
  #signal: Signal | undefined;

  constructor() {
    this.promise = new Promise((_, reject) => {
      // Not `once`: execa ends a process that has no listener left.
      for (const signal of ['SIGINT', 'SIGTERM'] as const)
        process.on(signal, () => {
          if (this.#signal) process.exit(this.exitCode);
          this.#signal = signal;
          reject(new Error(`interrupted by ${signal}`));
        });
    });
    this.promise.catch(() => {});
  }

  get signal(): Signal | undefined {
    return this.#signal;
  }

  /** That of a shell for a program that the signal has ended. */
  get exitCode(): number {
    return 128 + constants.signals[this.#signal ?? 'SIGINT'];
  }
}
