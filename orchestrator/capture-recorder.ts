// A capture as a pcapng file: what is known of the interfaces first, then frames in order, then the counts.

import type { Writable } from 'node:stream';
import {
  encodeInterfaceDescription,
  encodeSectionHeader,
  encodeStatistics,
  LINKTYPE_ETHERNET,
} from '../shared/wire/pcapng.ts';
import type { CaptureEnd, CaptureSink } from './capture-frames.ts';
import { CaptureOrder } from './capture-order.ts';
import type { Packets, Statistics } from './capture-reader.ts';

/** Bytes that the output may be behind; then ends are not read, so that devices leave frames out, and count them. */
const MOST_UNWRITTEN = 16 * 1024 * 1024;

export class CaptureRecorder implements CaptureSink {
  readonly #order: CaptureOrder;
  readonly #counts: { received: number; dropped: number }[];

  /** @param snapshotLength bytes of a frame that are captured at most; 0, and unless told: all */
  constructor(
    ends: readonly CaptureEnd[],
    private readonly output: Writable,
    private readonly clockOffset: number,
    snapshotLength = 0,
  ) {
    this.#counts = ends.map(() => ({ received: 0, dropped: 0 }));
    output.setMaxListeners(output.getMaxListeners() + ends.length);
    output.write(encodeSectionHeader('tincan'));
    for (const { name, cable } of ends)
      output.write(
        encodeInterfaceDescription({
          name,
          linkType: LINKTYPE_ETHERNET,
          snapshotLength,
          ...(cable !== undefined && { description: `cable ${cable}` }),
        }),
      );
    this.#order = new CaptureOrder(ends.length, (runs, done) => this.#write(runs, done));
  }

  packets(index: number, packets: Packets): void {
    this.#count(index).received += packets.count;
    this.#order.add(index, packets);
  }

  ready(callback: () => void): boolean {
    if (this.output.writableLength <= MOST_UNWRITTEN) return true;
    this.output.once('drain', callback);
    return false;
  }

  statistics(index: number, statistics: Statistics): void {
    this.#count(index).dropped += statistics.dropped;
    this.#order.passed(index, statistics);
  }

  /** Frames that have been seen, and those that could not be handed over. */
  get totals(): { readonly received: number; readonly dropped: number } {
    return this.#counts.reduce((sum, { received, dropped }) => ({
      received: sum.received + received,
      dropped: sum.dropped + dropped,
    }));
  }

  /** Writes what is still held, and the counts; the output stays open. */
  finish(): void {
    this.#order.finish();
    const time = BigInt(Math.round((Number(process.hrtime.bigint()) / 1e6 + this.clockOffset) * 1e6));
    for (const [index, { received, dropped }] of this.#counts.entries())
      this.output.write(
        encodeStatistics({ interface: index, time, received: BigInt(received), dropped: BigInt(dropped) }),
      );
  }

  /** All together, as the system is asked once then. */
  #write(runs: readonly Uint8Array[], done: () => void): void {
    const last = runs.length - 1;
    this.output.cork();
    for (const [index, run] of runs.entries()) this.output.write(run, index === last ? done : undefined);
    this.output.uncork();
  }

  #count(index: number): { received: number; dropped: number } {
    const count = this.#counts[index];
    if (!count) throw new Error(`no end ${index}`);
    return count;
  }
}
