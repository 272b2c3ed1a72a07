// Lets others look at what crosses a port: a decorator that costs nothing while nobody looks.

import type { Clock } from '../core/clock.ts';
import { frameBuffer } from '../core/frame-buffer.ts';
import type { FramePort, FrameReceiver } from '../core/frame-port.ts';
import { sendEach, sendTrain } from '../core/frame-train.ts';
import type { Train } from '../core/train.ts';

export interface CapturedFrame {
  /** A copy that the subscriber owns, shared with other subscribers of the port. */
  readonly frame: Uint8Array;
  /** As seen from the device. */
  readonly direction: 'in' | 'out';
  /** Unix time in ns, on the clock that all devices of the net share. */
  readonly time: bigint;
}

export type CaptureSubscriber = (frames: readonly CapturedFrame[]) => void;

export class CapturePort implements FramePort {
  /** Replaced, never changed: whoever is being told may leave. */
  #subscribers: readonly CaptureSubscriber[] = [];
  readonly #offset: bigint;

  /** @param clockOffset ms that make Unix time of the clock's */
  constructor(
    private readonly inner: FramePort,
    private readonly clock: Clock,
    clockOffset: number,
  ) {
    this.#offset = nanoseconds(clockOffset);
  }

  get mtu(): number {
    return this.inner.mtu;
  }

  get carrier(): boolean {
    return this.inner.carrier;
  }

  /** Calls back with frames as they pass, from now until the returned function is called. */
  subscribe(subscriber: CaptureSubscriber): () => void {
    this.#subscribers = [...this.#subscribers, subscriber];
    return () => {
      this.#subscribers = this.#subscribers.filter((other) => other !== subscriber);
    };
  }

  attach(receiver: FrameReceiver): void {
    this.inner.attach({
      frames: (batch) => {
        if (this.#subscribers.length > 0) this.#record(batch, 'in');
        receiver.frames(batch);
      },
      carrier: (up) => receiver.carrier(up),
    });
  }

  send(frame: Uint8Array, forwarded = false): void {
    // Without carrier a frame is dropped before it leaves.
    if (this.#subscribers.length > 0 && this.inner.carrier) this.#record([frame], 'out');
    this.inner.send(frame, forwarded);
  }

  sendTrain(frames: Train): void {
    if (this.#subscribers.length > 0 && this.inner.carrier) sendEach(this, frames);
    else sendTrain(this.inner, frames);
  }

  #record(batch: readonly Uint8Array[], direction: 'in' | 'out'): void {
    const time = nanoseconds(this.clock.now()) + this.#offset;
    const frames = batch.map((frame) => ({ frame: copyOf(frame), direction, time }));
    for (const subscriber of this.#subscribers) subscriber(frames);
  }
}

function copyOf(frame: Uint8Array): Uint8Array {
  const copy = frameBuffer(frame.length);
  copy.set(frame);
  return copy;
}

/** Unix time in ns is beyond a number's whole range: the fraction of a ms is added apart. */
function nanoseconds(ms: number): bigint {
  const whole = Math.floor(ms);
  return BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6));
}
