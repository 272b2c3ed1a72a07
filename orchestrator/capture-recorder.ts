// A capture as a pcapng file: what is known of the interfaces first, then frames in order, then the counts.

import type { Writable } from 'node:stream';
import type { CapturedFrame } from '../shared/control/capture-stream.ts';
import {
  encodeInterfaceDescription,
  encodePacket,
  encodeSectionHeader,
  encodeStatistics,
  LINKTYPE_ETHERNET,
} from '../shared/wire/pcapng.ts';
import type { CaptureEnd } from './capture-frames.ts';
import { CaptureOrder } from './capture-order.ts';

export class CaptureRecorder {
  readonly #order: CaptureOrder<Uint8Array>;
  readonly #counts: { received: bigint; dropped: bigint }[];
  #corked = false;

  constructor(
    ends: readonly CaptureEnd[],
    private readonly output: Writable,
    private readonly clockOffset: number,
  ) {
    this.#counts = ends.map(() => ({ received: 0n, dropped: 0n }));
    output.write(encodeSectionHeader('tincan'));
    for (const { name, cable } of ends)
      output.write(
        encodeInterfaceDescription({
          name,
          linkType: LINKTYPE_ETHERNET,
          ...(cable !== undefined && { description: `cable ${cable}` }),
        }),
      );
    this.#order = new CaptureOrder((block) => this.#write(block));
  }

  /** Blocks of a turn go together, as they are many. */
  #write(block: Uint8Array): void {
    if (!this.#corked) {
      this.#corked = true;
      this.output.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.output.uncork();
      });
    }
    this.output.write(block);
  }

  /** @param index of the end among those that are captured */
  add(index: number, { direction, time, frame }: CapturedFrame): void {
    this.#count(index).received++;
    this.#order.add(time, encodePacket({ interface: index, time, frame, direction }));
  }

  /** Frames that an end saw and could not hand over. */
  dropped(index: number, frames: number): void {
    this.#count(index).dropped += BigInt(frames);
  }

  /** Writes what is still held, and the counts; the output stays open. */
  finish(): void {
    this.#order.finish();
    const time = BigInt(Math.round((Number(process.hrtime.bigint()) / 1e6 + this.clockOffset) * 1e6));
    for (const [index, { received, dropped }] of this.#counts.entries())
      this.output.write(encodeStatistics({ interface: index, time, received, dropped }));
  }

  #count(index: number): { received: bigint; dropped: bigint } {
    const count = this.#counts[index];
    if (!count) throw new Error(`no end ${index}`);
    return count;
  }
}
