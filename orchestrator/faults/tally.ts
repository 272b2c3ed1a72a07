// The frames that a fault met.

import type { Cause } from './receipt.ts';

export class Tally {
  seen = 0;
  readonly #affected = new Map<Cause, number>();

  /** @param causes those that it can have, which show also while they are 0 */
  constructor(causes: Iterable<Cause>) {
    for (const cause of causes) this.#affected.set(cause, 0);
  }

  add(cause: Cause, frames: number): void {
    this.#affected.set(cause, (this.#affected.get(cause) ?? 0) + frames);
  }

  get affected(): Partial<Record<Cause, number>> {
    return Object.fromEntries(this.#affected);
  }
}
