// Captures at the ends of cables until it is stopped. A device that ends takes its part along, and is
// captured again as soon as it is back.

import { once, setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import { suggest } from '../shared/topology/suggest.ts';
import { type CaptureRequest, openCapture } from './capture-connection.ts';
import { type CaptureBuffer, CaptureReader, type Packets, type Statistics } from './capture-reader.ts';
import { Failure, messageOf } from './failure.ts';
import { deviceNamed, urlOfDevice } from './net-client.ts';
import { processState } from './process-state.ts';
import type { RunRecord } from './run-record.ts';

/** ms between looks at whether a device that ended has come back. */
const REARM_PAUSE = 100;

/** ms in which devices send what they have seen when the capture ends. */
const LAST_FRAMES = 1000;

export interface CaptureEnd {
  /** `device:interface` */
  readonly name: string;
  readonly device: string;
  readonly interface: string;
  /** Absent while nothing is cabled there. */
  readonly cable: string | undefined;
}

/** What becomes of the frames; an index is that of the end. */
export interface CaptureSink {
  packets(index: number, packets: Packets): void;
  /** Whether more may come of an end; if not, calls back when it may. */
  ready(callback: () => void): boolean;
  /** No packet comes any more that an end saw before; tells as well how many more it could not hand over. */
  statistics(index: number, statistics: Statistics): void;
}

/** Both ends of each cable, and single ends, each once. @throws Failure */
export function captureEnds(record: RunRecord, what: readonly string[]): CaptureEnd[] {
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

/**
 * Resolves when `stop` aborts and all that was seen until then has been handed over. An end whose device is not
 * running holds nobody up: it is captured as soon as that is back.
 * @param snapshotLength bytes of a frame that are captured at most; 0: all
 * @param record of the net as it is now; undefined while it can't be had
 * @param onArmed called once every frame is seen, at all ends
 * @throws Failure if one of the ends can't be captured at first; the others are ended then
 */
export async function captureFrames(
  ends: readonly CaptureEnd[],
  snapshotLength: number,
  record: () => RunRecord | undefined,
  sink: CaptureSink,
  onArmed: () => void,
  stop: AbortSignal,
): Promise<void> {
  const failed = new AbortController();
  const over = AbortSignal.any([stop, failed.signal]);
  setMaxListeners(ends.length, over);
  let missing = ends.length;
  const buffers: CaptureBuffer[] = [];
  const running = ends.map(async (end, index) => {
    let armed = false;
    const arm = () => {
      if (armed) return;
      armed = true;
      if (--missing === 0) onArmed();
    };
    for (let again = false; !over.aborted; again = true) {
      if (again || !isUp(record(), end.device)) {
        // There is nothing to be seen at what is dead.
        arm();
        if (!(await isBack(record, end.device, over))) return;
      }
      const net = record();
      if (!net) continue;
      try {
        const asked = { interface: end.interface, index, snapshotLength };
        await captureEnd(net, end.device, asked, buffers, sink, arm, over);
      } catch (error) {
        // A device that ends takes its capture along; that of the others goes on.
        if (armed || over.aborted) continue;
        failed.abort();
        throw new Failure(`${end.name}: ${messageOf(error)}`);
      }
    }
  });
  await Promise.all(running);
}

/** Takes the frames of an end until the device or the capture ends. */
async function captureEnd(
  net: RunRecord,
  device: string,
  asked: CaptureRequest,
  buffers: CaptureBuffer[],
  sink: CaptureSink,
  armed: () => void,
  stop: AbortSignal,
): Promise<void> {
  const { index } = asked;
  const reader = new CaptureReader(
    buffers,
    (packets) => sink.packets(index, packets),
    (statistics) => {
      armed();
      sink.statistics(index, statistics);
    },
  );
  let socket: Socket | undefined;
  const received = (bytes: number): boolean => {
    try {
      reader.received(bytes);
    } catch (error) {
      socket?.destroy(error as Error);
    }
    return sink.ready(() => socket?.resume());
  };
  const leave = () => {
    // What it has seen so far comes before its end does.
    socket?.end();
    setTimeout(() => socket?.destroy(), LAST_FRAMES).unref();
  };
  try {
    socket = await openCapture(urlOfDevice(net, device), net.token, asked, {
      space: () => reader.space(),
      received,
    });
    stop.addEventListener('abort', leave, { once: true });
    if (stop.aborted) leave();
    if (!socket.closed) await once(socket, 'close');
  } finally {
    stop.removeEventListener('abort', leave);
    reader.close();
  }
}

/** Whether a device has a process, be it frozen. */
function isUp(record: RunRecord | undefined, device: string): boolean {
  const { pid } = record?.devices[device] ?? {};
  return pid !== undefined && processState(pid) !== 'gone';
}

/** Waits until a device that has ended runs again; false if the capture ends before. */
async function isBack(
  record: () => RunRecord | undefined,
  device: string,
  stop: AbortSignal,
): Promise<boolean> {
  while (!stop.aborted) {
    await new Promise((resolve) => setTimeout(resolve, REARM_PAUSE));
    const { pid, url } = record()?.devices[device] ?? {};
    if (pid !== undefined && url !== undefined && processState(pid) === 'running') return true;
  }
  return false;
}
