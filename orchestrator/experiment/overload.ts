// Who got to its work too late: devices by what they report, this process by its own timer. What a freeze
// makes late is not overload.

import type { NetStatus } from '../net-status.ts';
import type { Lag } from './experiment-run.ts';
import { now } from './timing.ts';

/** ms between looks. */
export const LOOK_EVERY = 500;

/** ms for which a device goes on reporting a lag. */
const REMEMBERED = 5500;

const TICK = 100;

/** Name under which this process is told of. */
export const OURSELVES = 'tincan itself';

export class Overload {
  readonly lags: Lag[] = [];
  /** When each device was last seen frozen. */
  readonly #frozen = new Map<string, number>();

  /** @param bound ms */
  constructor(private readonly bound: number) {}

  frozen(device: string): void {
    this.#frozen.set(device, now());
  }

  look({ devices }: Pick<NetStatus, 'devices'>): void {
    for (const { device, state, loopLag } of devices) {
      if (state === 'frozen') this.frozen(device);
      if (state !== 'ready' || now() - (this.#frozen.get(device) ?? -REMEMBERED) < REMEMBERED) continue;
      this.note(device, loopLag);
    }
  }

  note(device: string, lag: number): void {
    if (lag > this.bound) this.lags.push({ device, at: now(), lag });
  }

  /** Looks after this process until the returned call is made. */
  watchOurselves(): () => void {
    let expected = now() + TICK;
    const timer = setInterval(() => {
      this.note(OURSELVES, now() - expected);
      expected = now() + TICK;
    }, TICK);
    return () => clearInterval(timer);
  }
}
