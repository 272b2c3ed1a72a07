// Clients that wait while others are asked for them: how many at once, and fairly, so that one that floods
// the server does not keep the others out.

/** In all; one client alone gets half of it. */
const MOST_WAITING = 1000;

export class WaitingClients {
  readonly #held = new Map<string, number>();
  #count = 0;

  /** Whether another question of this client may wait: it gets as many as are left for the others. */
  enter(client: string): boolean {
    const held = this.#held.get(client) ?? 0;
    if (held >= MOST_WAITING - this.#count) return false;
    this.#held.set(client, held + 1);
    this.#count++;
    return true;
  }

  leave(client: string): void {
    const held = (this.#held.get(client) ?? 0) - 1;
    if (held > 0) this.#held.set(client, held);
    else this.#held.delete(client);
    this.#count--;
  }
}
