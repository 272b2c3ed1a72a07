// tincan logs: what devices logged, merged in time order.

import { existsSync, readdirSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { suggest } from '../../shared/topology/suggest.ts';
import { Failure } from '../failure.ts';
import type { LogLine } from '../log-lines.ts';
import { formatLogLine, mergeLogs, readLogLine } from '../log-lines.ts';
import { connectNet, findNetWithLogs } from '../net-client.ts';
import type { CommonOptions } from '../options.ts';

/** ms between looks at what was added; what came in one look is put in order. */
const FOLLOW_PAUSE = 100;

/** Bytes of a file that are read at once. */
const PIECE = 1024 * 1024;

export async function logs(
  devices: readonly string[],
  options: CommonOptions & { follow?: boolean },
): Promise<void> {
  const net = await findNetWithLogs(options.net);
  const folder = join(net.rundir, 'logs');
  const names = devicesToShow(folder, devices, Object.keys(net.running?.devices ?? {}), net.net);
  const width = Math.max(0, ...names.map((name) => name.length));
  const print = (line: LogLine) => {
    const text = options.json ? line.raw : formatLogLine(line, width, process.stdout.isTTY);
    return process.stdout.write(`${text}\n`);
  };
  const tails = names.map((name) => new LogTail(join(folder, `${name}.jsonl`)));
  for await (const line of mergeLogs(tails.map((tail) => tail.upToNow())))
    if (!print(line)) await new Promise((resolve) => process.stdout.once('drain', resolve));
  if (!options.follow || !net.running) return;
  const control = await connectNet(net.running);
  let over = false;
  control.closed
    .then(() => {
      over = true;
    })
    .catch(() => {});
  // Once more after the end: the last lines were written then.
  for (let last = false; !last; ) {
    await new Promise((resolve) => setTimeout(resolve, FOLLOW_PAUSE));
    last = over;
    const added = await Promise.all(tails.map((tail) => tail.added()));
    for (const line of added.flat().sort((a, b) => a.time - b.time)) print(line);
  }
}

function devicesToShow(
  folder: string,
  wanted: readonly string[],
  inNet: readonly string[],
  net: string,
): readonly string[] {
  const logged = existsSync(folder)
    ? readdirSync(folder).flatMap((file) =>
        file.endsWith('.jsonl') ? [file.slice(0, -'.jsonl'.length)] : [],
      )
    : [];
  const known = [...new Set([...inNet, ...logged])];
  for (const name of wanted)
    if (!known.includes(name)) throw new Failure(`no device "${name}" in ${net}; ${suggest(name, known)}`);
  return wanted.length === 0 ? known : [...new Set(wanted)];
}

/** A log file that grows. */
class LogTail {
  #offset = 0;

  constructor(private readonly file: string) {}

  /** The lines that are there now. */
  async *upToNow(): AsyncGenerator<LogLine> {
    const size = statSync(this.file, { throwIfNoEntry: false })?.size ?? 0;
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
}
