// A cable inside one process: two ports whose frames cross after the turn, or `delay` ms later, and meet
// what `fate` decides.

import type { Clock } from '../../shared/core/clock.ts';
import type { FramePort, FrameReceiver } from '../../shared/core/frame-port.ts';

/** The delays in ms after which copies of a frame arrive: none is loss, two are a duplicate. */
export type Fate = (frame: Uint8Array, from: 'a' | 'b') => readonly number[];

export interface MemoryCableOptions {
  readonly mtu?: number;
  readonly fate?: Fate;
  /** Sees every frame as it is sent. */
  readonly tap?: (frame: Uint8Array, from: 'a' | 'b') => void;
}

class MemoryPort implements FramePort {
  carrier = true;
  #receiver: FrameReceiver | undefined;
  #arriving: Uint8Array[] = [];
  peer!: MemoryPort;

  constructor(
    private readonly clock: Clock,
    private readonly side: 'a' | 'b',
    readonly mtu: number,
    private readonly options: MemoryCableOptions,
  ) {}

  attach(receiver: FrameReceiver): void {
    this.#receiver = receiver;
    if (this.carrier) receiver.carrier(true);
  }

  send(frame: Uint8Array): void {
    if (!this.carrier) return;
    this.options.tap?.(frame, this.side);
    for (const delay of this.options.fate?.(frame, this.side) ?? [0]) {
      const copy = frame.slice();
      if (delay === 0) this.peer.arrive(copy);
      else this.clock.after(delay, () => this.peer.arrive(copy));
    }
  }

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
    this.carrier = up;
    this.#receiver?.carrier(up);
  }
}

export interface MemoryCable {
  readonly a: FramePort;
  readonly b: FramePort;
  setCarrier(up: boolean): void;
}

export function memoryCable(clock: Clock, options: MemoryCableOptions = {}): MemoryCable {
  const mtu = options.mtu ?? 1500;
  const a = new MemoryPort(clock, 'a', mtu, options);
  const b = new MemoryPort(clock, 'b', mtu, options);
  a.peer = b;
  b.peer = a;
  return {
    a,
    b,
    setCarrier(up) {
      a.setCarrier(up);
      b.setCarrier(up);
    },
  };
}
