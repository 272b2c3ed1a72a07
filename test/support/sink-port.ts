// A port that notes what leaves by it, and when; frames are told apart by a number in their first bytes.

import type { FramePort, FrameReceiver } from '../../shared/core/frame-port.ts';
import type { VirtualClock } from './virtual-clock.ts';

export class SinkPort implements FramePort {
  readonly mtu = 1500;
  carrier = true;
  /** Frames that found no carrier. */
  dropped = 0;
  readonly sent: { readonly at: number; readonly frame: Uint8Array }[] = [];
  receiver: FrameReceiver | undefined;

  constructor(private readonly clock: VirtualClock) {}

  send(frame: Uint8Array): void {
    if (this.carrier) this.sent.push({ at: this.clock.now(), frame });
    else this.dropped++;
  }

  attach(receiver: FrameReceiver): void {
    this.receiver = receiver;
  }

  /** The numbers of the frames that left, in that order. */
  get numbers(): number[] {
    return this.sent.map(({ frame }) => numberOf(frame));
  }

  get times(): number[] {
    return this.sent.map(({ at }) => at);
  }
}

/** @param type EtherType: IPv4 unless told */
export function numbered(number: number, length = 125, type = 0x0800): Uint8Array {
  const frame = new Uint8Array(length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, number);
  view.setUint16(12, type);
  return frame;
}

export function numberOf(frame: Uint8Array): number {
  return new DataView(frame.buffer, frame.byteOffset).getUint32(0);
}

/** 0 to `count` - 1. */
export const range = (count: number) => Array.from({ length: count }, (_, index) => index);

/** Whether `share` of `count` throws is within five standard deviations of what `probability` gives. */
export function isLikely(share: number, count: number, probability: number): boolean {
  return Math.abs(share - probability) < 5 * Math.sqrt((probability * (1 - probability)) / count);
}
