// A cable of which an attacker holds the middle: it sees every frame, may spoil or drop it, and puts its own
// in at either end.

import type { Clock } from '../../shared/core/clock.ts';
import type { FramePort, FrameReceiver } from '../../shared/core/frame-port.ts';

export type End = 'a' | 'b';

export interface HostileCableOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly mtu?: number;
  /** Sees each frame that a device sends, and says what of it arrives. */
  readonly pass: (frame: Uint8Array, from: End) => readonly Uint8Array[];
}

/** ms that a frame is on its way, so that connections have something in flight when they are attacked. */
const DELAY = 1;

export class HostileCable {
  readonly name: string;
  readonly a: HostilePort;
  readonly b: HostilePort;

  constructor({ name, clock, mtu = 1500, pass }: HostileCableOptions) {
    this.name = name;
    const carry = (frame: Uint8Array, from: End, to: () => HostilePort): void => {
      for (const each of pass(frame, from)) clock.after(DELAY, () => to().arrive(each));
    };
    this.a = new HostilePort(clock, mtu, (frame) => carry(frame, 'a', () => this.b));
    this.b = new HostilePort(clock, mtu, (frame) => carry(frame, 'b', () => this.a));
  }

  setCarrier(up: boolean): void {
    this.a.setCarrier(up);
    this.b.setCarrier(up);
  }
}

export class HostilePort implements FramePort {
  carrier = true;
  #receiver: FrameReceiver | undefined;
  #arriving: Uint8Array[] = [];

  constructor(
    private readonly clock: Clock,
    readonly mtu: number,
    private readonly sent: (frame: Uint8Array) => void,
  ) {}

  attach(receiver: FrameReceiver): void {
    this.#receiver = receiver;
    if (this.carrier) receiver.carrier(true);
  }

  send(frame: Uint8Array): void {
    if (this.carrier) this.sent(frame.slice());
  }

  /** A frame comes in here, in one batch with the others of this turn. */
  arrive(frame: Uint8Array): void {
    if (!this.carrier) return;
    this.#arriving.push(frame);
    if (this.#arriving.length > 1) return;
    this.clock.afterTurn(() => {
      const batch = this.#arriving;
      this.#arriving = [];
      this.#receiver?.frames(batch);
    });
  }

  setCarrier(up: boolean): void {
    if (up === this.carrier) return;
    this.carrier = up;
    this.#receiver?.carrier(up);
  }
}
