// The frames of one port as bytes on a stream: what a device writes for `capture` and what reads it.
//
//   u32 length of the frame | u8 direction (0 in, 1 out) | u64 time | the frame
//
// in network byte order. Time is in ns since the Unix epoch, on the clock of the logs. The first record has
// length 0 and no frame: it says that from now on every frame is seen.

import { concatBytes, writeU32 } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import { frameBuffer } from '../core/frame-buffer.ts';

export interface CapturedFrame {
  readonly direction: 'in' | 'out';
  /** ns since the Unix epoch. */
  readonly time: bigint;
  readonly frame: Uint8Array;
}

export const CAPTURE_HEADER_LENGTH = 13;

/** No frame is longer: the largest MTU and an Ethernet header with a VLAN tag. */
const LONGEST_FRAME = 65_535 + 18;

/** A record as it goes on the stream. */
export function encodeCapturedFrame({ direction, time, frame }: CapturedFrame): Uint8Array {
  const record = frameBuffer(CAPTURE_HEADER_LENGTH + frame.length);
  writeU32(record, 0, frame.length);
  record[4] = direction === 'in' ? 0 : 1;
  writeU32(record, 5, Number(time >> 32n));
  writeU32(record, 9, Number(time & 0xffffffffn));
  record.set(frame, CAPTURE_HEADER_LENGTH);
  return record;
}

/** Writes the records of a turn together: one by one each would be a message. */
export class CaptureWriter {
  #records: Uint8Array[] = [];
  #bytes = 0;

  constructor(
    private readonly clock: Clock,
    private readonly write: (bytes: Uint8Array) => void,
  ) {}

  add(captured: CapturedFrame): void {
    const record = encodeCapturedFrame(captured);
    this.#bytes += record.length;
    if (this.#records.push(record) === 1) this.clock.afterTurn(() => this.flush());
  }

  /** Bytes that wait for the end of the turn. */
  get bytes(): number {
    return this.#bytes;
  }

  flush(): void {
    if (this.#records.length === 0) return;
    const records = this.#records;
    this.#records = [];
    this.#bytes = 0;
    this.write(concatBytes(records));
  }
}

/** The first record of a stream. @param time ns since the Unix epoch */
export function encodeArmed(time: bigint): Uint8Array {
  return encodeCapturedFrame({ direction: 'in', time, frame: new Uint8Array(0) });
}

/**
 * Reads the records of a stream. `armed` is called once the tap sees every frame.
 * @throws Error if the bytes are no such stream
 */
export async function* readCapturedFrames(
  stream: AsyncIterable<Uint8Array>,
  armed: () => void,
): AsyncGenerator<CapturedFrame> {
  let rest: Uint8Array = new Uint8Array(0);
  for await (const chunk of stream) {
    const bytes = rest.length === 0 ? chunk : concatBytes([rest, chunk]);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let offset = 0;
    while (bytes.length - offset >= CAPTURE_HEADER_LENGTH) {
      const length = view.getUint32(offset);
      if (length > LONGEST_FRAME) throw new Error(`a captured frame of ${length} bytes: no capture stream`);
      const end = offset + CAPTURE_HEADER_LENGTH + length;
      if (bytes.length < end) break;
      if (length === 0) armed();
      else
        yield {
          direction: view.getUint8(offset + 4) === 0 ? 'in' : 'out',
          time: view.getBigUint64(offset + 5),
          frame: bytes.subarray(offset + CAPTURE_HEADER_LENGTH, end),
        };
      offset = end;
    }
    rest = bytes.subarray(offset);
  }
}
