// Captures for programs: frames as they come, or a pcapng file.

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { blockLength, readPacketBlock } from '../../shared/wire/pcapng.ts';
import { type CaptureEnd, type CaptureSink, captureEnds, captureFrames } from '../capture-frames.ts';
import { CaptureOrder } from '../capture-order.ts';
import type { Packets, Statistics } from '../capture-reader.ts';
import { CaptureRecorder } from '../capture-recorder.ts';
import { Failure, messageOf } from '../failure.ts';
import type { Net as OpenNet } from '../net.ts';

/** Bytes of frames that wait to be iterated over; beyond them frames are left out and counted. */
const BACKLOG = 64 * 1024 * 1024;

/** A frame as one end of a cable saw it. A frame that arrives is seen twice: `out` at one end, `in` at the other. */
export interface CapturedFrame {
  /** Absent while nothing is cabled there. */
  readonly cable?: string | undefined;
  /** `device:interface` */
  readonly end: string;
  readonly direction: 'in' | 'out';
  /** Unix ms with a fraction to the µs, on the clock of the logs. */
  readonly time: number;
  /** An Ethernet II frame without its checksum, whole unless a `snapshotLength` cut it. */
  readonly frame: Uint8Array;
  /** Bytes that the whole frame had. */
  readonly length: number;
}

export interface CaptureOptions {
  /** Bytes of a frame that are captured at most; 0, and unless told: all. */
  readonly snapshotLength?: number | undefined;
}

/** What both kinds of capture have. A device that ends is captured again as soon as it is back. */
interface RunningCapture extends AsyncDisposable {
  /** Frames that were seen and left out, as nobody took them fast enough. */
  readonly dropped: number;
}

/**
 * A capture whose frames are iterated over, in the order of their times, about 0.2 s after they passed. The
 * iteration ends when the capture is stopped, or with the net.
 */
export interface FrameCapture extends RunningCapture, AsyncIterable<CapturedFrame> {
  /** Ends the capture. Resolves with the frames that have not been iterated over. */
  stop(): Promise<CapturedFrame[]>;
}

/** A capture that goes to a pcapng file, as Wireshark reads it. */
export interface FileCapture extends RunningCapture {
  readonly file: string;
  /** Frames that have been seen. */
  readonly frames: number;
  /** Ends the capture. Resolves when the file is whole. */
  stop(): Promise<void>;
}

/** Resolves when every frame is seen. @param what cables, or ends as `device:interface`; all cables if empty */
export async function captureToMemory(
  net: OpenNet,
  what: readonly string[],
  options: CaptureOptions,
): Promise<FrameCapture> {
  const ends = endsOf(net, what);
  const queue = new FrameQueue(ends);
  const capture = await started(net, ends, options, queue);
  const stop = async (): Promise<CapturedFrame[]> => {
    await capture.stop();
    return queue.rest();
  };
  capture.over.finally(() => queue.end()).catch(() => {});
  return {
    get dropped() {
      return queue.droppedFrames;
    },
    stop,
    [Symbol.asyncIterator]: () => queue.frames(),
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}

/** As `captureToMemory`. @throws Failure if the file can't be written */
export async function captureToFile(
  net: OpenNet,
  what: readonly string[],
  path: string,
  options: CaptureOptions,
): Promise<FileCapture> {
  const ends = endsOf(net, what);
  const output = createWriteStream(path);
  await once(output, 'open').catch((error: unknown) => {
    throw new Failure(`can't write ${path}: ${messageOf(error)}`);
  });
  const written = finished(output).catch((error: unknown) => {
    throw new Failure(`can't write the capture: ${messageOf(error)}`);
  });
  written.catch(() => {});
  const recorder = new CaptureRecorder(ends, output, net.record.clockOffset, options.snapshotLength);
  const capture = await started(net, ends, options, recorder);
  const whole = capture.over.finally(() => {
    recorder.finish();
    output.end();
  });
  whole.catch(() => {});
  const stop = async (): Promise<void> => {
    await capture.stop();
    await whole;
    await written;
  };
  return {
    file: path,
    get frames() {
      return recorder.totals.received;
    },
    get dropped() {
      return recorder.totals.dropped;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function endsOf(net: OpenNet, what: readonly string[]): CaptureEnd[] {
  const { record } = net;
  return captureEnds(record, what.length > 0 ? what : record.cables.map(({ name }) => name));
}

/** Resolves when all ends are armed. */
async function started(
  net: OpenNet,
  ends: readonly CaptureEnd[],
  { snapshotLength = 0 }: CaptureOptions,
  sink: CaptureSink,
): Promise<{ over: Promise<void>; stop: () => Promise<void> }> {
  const abort = new AbortController();
  net.ended.then(() => abort.abort()).catch(() => {});
  let arm = (): void => {};
  const armed = new Promise<void>((resolve) => {
    arm = resolve;
  });
  const over = captureFrames(
    ends,
    snapshotLength,
    () => net.record,
    sink,
    () => arm(),
    abort.signal,
  );
  try {
    await Promise.race([armed, over]);
  } catch (error) {
    abort.abort();
    throw error;
  }
  return {
    over,
    async stop() {
      abort.abort();
      await over;
    },
  };
}

/** Frames in order, until somebody takes them. */
class FrameQueue implements CaptureSink {
  droppedFrames = 0;
  readonly #order: CaptureOrder;
  #waiting: CapturedFrame[] = [];
  #bytes = 0;
  #ended = false;
  #wake: () => void = () => {};

  constructor(private readonly ends: readonly CaptureEnd[]) {
    this.#order = new CaptureOrder(ends.length, (runs, done) => {
      for (const blocks of runs) this.#take(blocks);
      done();
    });
  }

  packets(index: number, packets: Packets): void {
    this.#order.add(index, packets);
  }

  ready(): boolean {
    return true;
  }

  #take(blocks: Uint8Array): void {
    const view = new DataView(blocks.buffer, blocks.byteOffset, blocks.length);
    for (let at = 0; at < blocks.length; at += blockLength(view, at)) {
      const { interface: index, direction, timeHigh, timeLow, frame, length } = readPacketBlock(view, at);
      const end = this.ends[index];
      if (!end) throw new Error(`no end ${index}`);
      if (this.#bytes + frame.length > BACKLOG) {
        this.droppedFrames++;
        continue;
      }
      this.#bytes += frame.length;
      this.#waiting.push({
        cable: end.cable,
        end: end.name,
        direction,
        time: (timeHigh * 2 ** 32 + timeLow) / 1e6,
        // The bytes that come in are a view of far more.
        frame: frame.slice(),
        length,
      });
    }
    this.#wake();
  }

  statistics(index: number, statistics: Statistics): void {
    this.droppedFrames += statistics.dropped;
    this.#order.passed(index, statistics);
  }

  end(): void {
    this.#order.finish();
    this.#ended = true;
    this.#wake();
  }

  /** In order, those too that came later than is waited for. */
  rest(): CapturedFrame[] {
    const rest = this.#waiting.sort((a, b) => a.time - b.time);
    this.#waiting = [];
    this.#bytes = 0;
    return rest;
  }

  async *frames(): AsyncGenerator<CapturedFrame> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next) {
        this.#bytes -= next.frame.length;
        yield next;
      } else if (this.#ended) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
