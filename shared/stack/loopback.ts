// The port under `lo`: what is sent comes back to the same device, once this turn's work is done.

import type { Clock } from '../core/clock.ts';
import type { FramePort, FrameReceiver } from '../core/frame-port.ts';

export const LOOPBACK_NAME = 'lo';

/** As on Linux: a whole IPv4 packet of any length fits. */
const LOOPBACK_MTU = 65_536;

/** After so many turns without a pause, the rest of the device gets its chance. */
const TURNS_AT_ONCE = 64;

/** Programs of one device that talk to each other without end do not starve the others. */
export class LoopbackPort implements FramePort {
  readonly mtu = LOOPBACK_MTU;
  readonly carrier = true;
  readonly #clock: Clock;
  #receiver: FrameReceiver | undefined;
  #waiting: Uint8Array[] = [];
  #turns = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  attach(receiver: FrameReceiver): void {
    this.#receiver = receiver;
    receiver.carrier(true);
  }

  send(frame: Uint8Array): void {
    this.#waiting.push(frame);
    if (this.#waiting.length > 1) return;
    if (++this.#turns % TURNS_AT_ONCE === 0) this.#clock.after(0, this.#deliver);
    else this.#clock.afterTurn(this.#deliver);
  }

  readonly #deliver = (): void => {
    const batch = this.#waiting;
    this.#waiting = [];
    this.#receiver?.frames(batch);
  };
}
