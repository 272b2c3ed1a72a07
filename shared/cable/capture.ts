// Lets others look at what crosses a port: a decorator that costs nothing while nobody looks.

import type { Clock } from '../core/clock.ts';
import type { FramePort, FrameReceiver } from '../core/frame-port.ts';
import { sendTrain } from '../core/frame-train.ts';
import type { Train } from '../core/train.ts';

/**
 * Is shown a frame as it passes, which goes on at once: who keeps it copies it.
 * @param direction as seen from the device
 * @param time of the port's clock, in ms
 */
export type CaptureSubscriber = (frame: Uint8Array, direction: 'in' | 'out', time: number) => void;

export class CapturePort implements FramePort {
  /** Replaced, never changed: whoever is being told may leave. */
  #subscribers: readonly CaptureSubscriber[] = [];

  constructor(
    private readonly inner: FramePort,
    private readonly clock: Clock,
  ) {}

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
        if (this.#subscribers.length > 0) {
          const time = this.clock.now();
          for (const frame of batch) this.#show(frame, 'in', time);
        }
        receiver.frames(batch);
      },
      carrier: (up) => receiver.carrier(up),
    });
  }

  send(frame: Uint8Array, forwarded = false): void {
    if (this.#seesLeaving) this.#show(frame, 'out', this.clock.now());
    this.inner.send(frame, forwarded);
  }

  sendTrain(frames: Train): void {
    if (this.#seesLeaving) this.#showTrain(frames);
    else sendTrain(this.inner, frames);
  }

  /** Without carrier a frame is dropped before it leaves. */
  get #seesLeaving(): boolean {
    return this.#subscribers.length > 0 && this.inner.carrier;
  }

  /** Each frame is shown where it is written to, and those for which there was no room are as well. */
  #showTrain(frames: Train): void {
    const { count, length } = frames;
    const time = this.clock.now();
    let shown = 0;
    const write = (index: number, target: Uint8Array, at: number): void => {
      frames.write(index, target, at);
      this.#show(target.subarray(at, at + length), 'out', time);
      shown++;
    };
    sendTrain(this.inner, { count, length, write });
    while (shown < count) write(shown, new Uint8Array(length), 0);
  }

  #show(frame: Uint8Array, direction: 'in' | 'out', time: number): void {
    for (const subscriber of this.#subscribers) subscriber(frame, direction, time);
  }
}
