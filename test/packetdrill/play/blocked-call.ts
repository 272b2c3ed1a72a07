// A system call that blocks, while the script goes on.

import { timeText } from '../compare/timing.ts';
import { Mismatch } from '../language/errors.ts';
import type { CallAction } from '../language/script.ts';
import type { PendingCall } from '../sockets/call.ts';
import type { CallContext } from '../sockets/values.ts';
import { callMismatch } from './call-result.ts';

export class BlockedCall {
  /** @param end when it is to return, in µs since the script began */
  constructor(
    private readonly action: CallAction,
    private readonly context: CallContext,
    private readonly pending: PendingCall,
    private readonly end: number,
    private readonly tolerance: number,
  ) {}

  /** µs after which it is late. */
  get latest(): number {
    return this.end + this.tolerance;
  }

  /**
   * Whether it has returned, and rightly.
   * @throws Mismatch if it has not when it should have, or has otherwise
   */
  ask(now: number): boolean {
    const { name } = this.action;
    const { line } = this.context;
    const done = this.pending();
    if (!done) {
      if (now >= this.latest)
        throw new Mismatch(line, `${name} is to return at ${timeText(this.end)}, and still blocks`);
      return false;
    }
    const why = callMismatch(this.action, done, this.context);
    if (why !== undefined) throw new Mismatch(line, why);
    if (now < this.end - this.tolerance)
      throw new Mismatch(line, `${name} is to return at ${timeText(this.end)}, and did at ${timeText(now)}`);
    return true;
  }
}
