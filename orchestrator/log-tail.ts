// A log file that grows: the lines that were added since it was last looked at.

import { existsSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { LogLine } from './log-lines.ts';
import { readLogLine } from './log-lines.ts';

/** Bytes of a file that are read at once. */
const PIECE = 1024 * 1024;

export class LogTail {
  #offset = 0;

  constructor(private readonly file: string) {}

  /** Passes over what is there already. */
  skip(): void {
    this.#offset = this.#size();
  }

  /** The lines that are there now. */
  async *upToNow(): AsyncGenerator<LogLine> {
    const size = this.#size();
    while (this.#offset < size) {
      const lines = await this.added();
      yield* lines;
      if (lines.length === 0) return;
    }
  }

  /** The next whole lines that have not been read yet, a piece of the file at most. */
  async added(): Promise<LogLine[]> {
    if (!existsSync(this.file)) return [];
    const handle = await open(this.file);
    try {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(PIECE), 0, PIECE, this.#offset);
      const piece = buffer.subarray(0, bytesRead);
      // What is longer than a piece is no line of ours: passed over.
      const whole =
        bytesRead === PIECE && !piece.includes('\n') ? piece : piece.subarray(0, piece.lastIndexOf('\n') + 1);
      this.#offset += whole.length;
      return whole
        .toString('utf8')
        .split('\n')
        .flatMap((raw) => readLogLine(raw) ?? []);
    } finally {
      await handle.close();
    }
  }

  #size(): number {
    return statSync(this.file, { throwIfNoEntry: false })?.size ?? 0;
  }
}
