// What must hold of receipts: while faults come and go, and when everything is healed.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Net, Receipt } from '../../orchestrator/api.ts';

/** ms between two looks. */
const PAUSE = 300;

/** Looks at all receipts again and again, as somebody with `tincan faults` would. */
export class ReceiptWatch {
  readonly #problems = new Set<string>();
  readonly #watching: Promise<void>;
  #over = false;
  #before: readonly Receipt[] = [];

  constructor(private readonly net: Pick<Net, 'faults'>) {
    this.#watching = this.#watch();
  }

  /** Ends it, after a last look. @returns what was wrong */
  async stop(): Promise<string[]> {
    this.#over = true;
    await this.#watching;
    await this.#look();
    return [...this.#problems];
  }

  async #watch(): Promise<void> {
    while (!this.#over) {
      await this.#look();
      await sleep(PAUSE);
    }
  }

  async #look(): Promise<void> {
    const now = await this.net.faults();
    for (const problem of receiptsChanged(this.#before, now)) this.#problems.add(problem);
    this.#before = now;
  }
}

/** Counts only grow, and not after the end; no receipt is lost, but that of a fault that was rolled back. */
export function receiptsChanged(before: readonly Receipt[], now: readonly Receipt[]): string[] {
  const byId = new Map(now.map((receipt) => [receipt.id, receipt]));
  return before.flatMap((was) => {
    const is = byId.get(was.id);
    const name = `the receipt ${was.id} of ${was.fault}`;
    if (!is) return [`${name} is gone`];
    if (was.until !== null)
      return JSON.stringify(was) === JSON.stringify(is)
        ? []
        : [`${name} was over and has changed from ${JSON.stringify(was)} to ${JSON.stringify(is)}`];
    const shrunk = Object.entries({ ...was.affected, seen: was.seen }).filter(
      ([cause, count]) => ({ ...is.affected, seen: is.seen })[cause as 'seen'] < count,
    );
    return shrunk.map(([cause, count]) => `${name} has counted ${count} of ${cause}, and fewer since`);
  });
}

/** @param receipts when all is healed */
export function receiptProblems(receipts: readonly Receipt[]): string[] {
  return receipts.flatMap((receipt) => {
    const { id, fault, from, until, seen, affected } = receipt;
    const name = `the receipt ${id} of ${fault}`;
    const counts = Object.values(affected);
    return [
      ...(until === null ? [`${name} is still active`] : []),
      ...(until !== null && until < from ? [`${name} is over at ${until}, before ${from}`] : []),
      ...([seen, ...counts].every((count) => Number.isSafeInteger(count) && count >= 0)
        ? []
        : [`${name} counts ${seen} seen and ${JSON.stringify(affected)} affected`]),
    ];
  });
}
