// tincan capture: the frames at both ends of cables as pcapng, in the order in which they passed.

import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { captureEnds, captureFrames } from '../capture-frames.ts';
import { CaptureRecorder } from '../capture-recorder.ts';
import { codeOf, Failure, messageOf, WrongUsage } from '../failure.ts';
import { connectNet, findNet } from '../net-client.ts';
import type { CaptureCommandOptions } from '../options.ts';
import { readRecord } from '../run-record.ts';

export async function capture(what: readonly string[], options: CaptureCommandOptions): Promise<void> {
  const { snapshotLength } = options;
  const record = await findNet(options.net);
  const ends = captureEnds(record, what);
  if (options.write === '-' && process.stdout.isTTY)
    throw new WrongUsage('a capture is no text: name a file with -w, or pipe it, as in: | wireshark -k -i -');
  const net = await connectNet(record);
  const output = await openOutput(options.write);
  const file = new CaptureRecorder(ends, output, record.clockOffset, snapshotLength);
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop.abort());
  output.on('error', () => stop.abort());
  net.closed.then(() => stop.abort()).catch(() => {});
  const armed = () => void process.stderr.write('capturing\n');
  try {
    await captureFrames(ends, snapshotLength, () => readRecord(record.rundir), file, armed, stop.signal);
  } finally {
    file.finish();
    output.end();
    net.close();
  }
  const { dropped } = file.totals;
  if (dropped > 0)
    process.stderr.write(`${dropped} frames were left out, as they were not taken fast enough\n`);
  await finished(output).catch((error: unknown) => {
    // Wireshark quit, or `head` had enough: that is how such a capture ends.
    if (codeOf(error) !== 'EPIPE') throw new Failure(`can't write the capture: ${messageOf(error)}`);
  });
  process.exit();
}

async function openOutput(file: string): Promise<Writable> {
  if (file === '-') return process.stdout;
  const stream = createWriteStream(file);
  await new Promise<void>((resolve, reject) => {
    stream.once('open', () => resolve());
    stream.once('error', (error) => reject(new Failure(`can't write ${file}: ${messageOf(error)}`)));
  });
  return stream;
}
