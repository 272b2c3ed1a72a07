// A virtual clock that counts what a frame sets off: work, where a test must not measure time.

import { VirtualClock } from '../support/virtual-clock.ts';

export class CountingClock extends VirtualClock {
  /** Calls that were asked for at the end of a turn, and timers that were set, so far. */
  work = 0;

  override after(delay: number, callback: () => void) {
    this.work++;
    return super.after(delay, callback);
  }

  override afterTurn(callback: () => void): void {
    this.work++;
    super.afterTurn(callback);
  }
}
