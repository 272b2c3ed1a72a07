// tincan capture: the frames at both ends of cables as pcapng, in the order in which they passed.

import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { readCapturedFrames } from '../../shared/control/capture-stream.ts';
import type { ControlClient } from '../../shared/control/peer.ts';
import { suggest } from '../../shared/topology/suggest.ts';
import {
  encodeInterfaceDescription,
  encodePacket,
  encodeSectionHeader,
  encodeStatistics,
  LINKTYPE_ETHERNET,
} from '../../shared/wire/pcapng.ts';
import { CaptureOrder } from '../capture-order.ts';
import { codeOf, Failure, messageOf, WrongUsage } from '../failure.ts';
import { connectDevice, connectNet, deviceNamed, findNet } from '../net-client.ts';
import type { CommonOptions } from '../options.ts';
import { processState } from '../process-state.ts';
import type { RunRecord } from '../run-record.ts';
import { readRecord } from '../run-record.ts';

/** ms between looks at whether a device that ended has come back. */
const REARM_PAUSE = 100;

/** ms in which devices send what they have seen when the capture ends. */
const LAST_FRAMES = 1000;

interface End {
  /** `device:interface` */
  readonly name: string;
  readonly device: string;
  readonly interface: string;
  readonly cable: string | undefined;
}

export async function capture(
  what: readonly string[],
  options: CommonOptions & { write: string },
): Promise<void> {
  const record = await findNet(options.net);
  const ends = endsOf(record, what);
  if (options.write === '-' && process.stdout.isTTY)
    throw new WrongUsage('a capture is no text: name a file with -w, or pipe it, as in: | wireshark -k -i -');
  const net = await connectNet(record);
  const output = await openOutput(options.write);
  const recorder = new Recorder(ends, output, record.clockOffset);
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop.abort());
  output.on('error', () => stop.abort());
  net.closed.then(() => stop.abort()).catch(() => {});
  await armAll(record, recorder, stop.signal);
  recorder.finish();
  output.end();
  await finished(output).catch((error: unknown) => {
    // Wireshark quit, or `head` had enough: that is how such a capture ends.
    if (codeOf(error) !== 'EPIPE') throw new Failure(`can't write the capture: ${messageOf(error)}`);
  });
  net.close();
  process.exit();
}

/** Both ends of each cable, and single ends, each once. @throws Failure */
function endsOf(record: RunRecord, what: readonly string[]): End[] {
  const names = what.flatMap((word) => {
    if (word.includes(':')) return [word];
    const cable = record.cables.find((candidate) => candidate.name === word);
    if (cable) return cable.ends;
    throw new Failure(
      `no cable "${word}" in ${record.net}; ${suggest(
        word,
        record.cables.map((candidate) => candidate.name),
      )}`,
    );
  });
  return [...new Set(names)].map((name) => {
    const [device = '', port = ''] = name.split(':');
    const ports = deviceNamed(record, device).ports;
    const found = ports.find((candidate) => candidate.name === port);
    if (found) return { name, device, interface: port, cable: found.cable };
    throw new Failure(
      `no interface "${port}" on ${device}; ${suggest(
        port,
        ports.map((candidate) => candidate.name),
      )}`,
    );
  });
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

/** Writes the file: what is known of the interfaces first, then frames in order, then the counts. */
class Recorder {
  readonly #order: CaptureOrder<Uint8Array>;
  readonly #counts: { received: bigint; dropped: bigint }[];

  constructor(
    readonly ends: readonly End[],
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
    this.#order = new CaptureOrder((block) => output.write(block));
  }

  /** Takes the frames of an end until the device or the capture ends. */
  async record(index: number, control: ControlClient, armed: () => void, stop: AbortSignal): Promise<void> {
    const [end, count] = [this.ends[index], this.#counts[index]];
    if (!end || !count) throw new Error(`no end ${index}`);
    const call = control.open('capture', { interface: end.interface });
    const leave = () => {
      // What it has seen so far comes before its end does.
      call.signal('SIGINT');
      setTimeout(() => control.close(), LAST_FRAMES).unref();
    };
    stop.addEventListener('abort', leave, { once: true });
    if (stop.aborted) leave();
    try {
      for await (const { direction, time, frame } of readCapturedFrames(call.stdout, armed)) {
        count.received++;
        this.#order.add(time, encodePacket({ interface: index, time, frame, direction }));
      }
      const { dropped } = (await call.result) as { dropped: number };
      count.dropped += BigInt(dropped);
    } finally {
      stop.removeEventListener('abort', leave);
      control.close();
    }
  }

  finish(): void {
    this.#order.finish();
    const time = BigInt(Math.round((Number(process.hrtime.bigint()) / 1e6 + this.clockOffset) * 1e6));
    for (const [index, { received, dropped }] of this.#counts.entries())
      this.output.write(encodeStatistics({ interface: index, time, received, dropped }));
  }
}

/** Captures at all ends until the signal; says when all see every frame. @throws Failure if one can't be had at first */
async function armAll(record: RunRecord, recorder: Recorder, stop: AbortSignal): Promise<void> {
  let missing = recorder.ends.length;
  const running = recorder.ends.map(async (end, index) => {
    let armed = false;
    const arm = () => {
      if (armed) return;
      armed = true;
      if (--missing === 0) process.stderr.write('capturing\n');
    };
    for (let again = false; !stop.aborted; again = true) {
      if (again && !(await isBack(record, end.device, stop))) return;
      const control = await connectDevice(readRecord(record.rundir) ?? record, end.device);
      await recorder.record(index, control, arm, stop).catch((error: unknown) => {
        // A device that ends takes its capture along; that of the others goes on.
        if (!armed && !stop.aborted) throw new Failure(`${end.name}: ${messageOf(error)}`);
      });
    }
  });
  await Promise.all(running);
}

/** Waits until a device that has ended runs again; false if the capture ends before. */
async function isBack(record: RunRecord, device: string, stop: AbortSignal): Promise<boolean> {
  while (!stop.aborted) {
    await new Promise((resolve) => setTimeout(resolve, REARM_PAUSE));
    const { pid, url } = readRecord(record.rundir)?.devices[device] ?? {};
    if (pid !== undefined && url !== undefined && processState(pid) === 'running') return true;
  }
  return false;
}
