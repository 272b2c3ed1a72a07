// The watches of all connections.

import type { Flow } from '../packets/flow.ts';
import type { OwedAck } from './acknowledgments.ts';
import { Watch } from './watch.ts';

export class Watches {
  readonly #byFlow = new Map<Flow, Watch>();

  of(flow: Flow): Watch {
    const known = this.#byFlow.get(flow);
    if (known) return known;
    const watch = new Watch();
    this.#byFlow.set(flow, watch);
    return watch;
  }

  /** The script read what came, of whichever connection. */
  read(): void {
    for (const { acknowledgments } of this.#byFlow.values()) acknowledgments.read();
  }

  /** The acknowledgments that have not come yet. */
  get owed(): (OwedAck & { readonly flow: Flow })[] {
    return [...this.#byFlow].flatMap(([flow, { acknowledgments }]) =>
      acknowledgments.owed.map((owed) => ({ ...owed, flow })),
    );
  }

  /** µs; until when all of them must have come. */
  get lastDeadline(): number {
    return Math.max(...this.owed.map(({ deadline }) => deadline));
  }
}
