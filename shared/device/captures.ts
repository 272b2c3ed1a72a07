// The captures of a device's ports: each goes out on a connection of its own, until the other side ends that.

import type { Duplex } from 'node:stream';
import type { OpenCapture } from '../cable/device-server.ts';
import type { Refusal } from '../cable/websocket-port.ts';
import type { Clock } from '../core/clock.ts';
import { CaptureWriter } from './capture-writer.ts';
import type { Port } from './ports.ts';

/** Captures that a device runs at a time: each copies every frame of its port. */
const MOST_CAPTURES = 32;

/** Bytes of captured frames that wait for slow readers, of all captures together; beyond them frames are left out and counted. */
const CAPTURE_BACKLOG = 16 * 1024 * 1024;

export class Captures {
  /** What ends each. */
  readonly #running = new Set<() => void>();

  /** @param clockOffset ms that make Unix time of the clock's */
  constructor(
    private readonly ports: ReadonlyMap<string, Pick<Port, 'capture'>>,
    private readonly clock: Clock,
    private readonly clockOffset: number,
  ) {}

  /** @param query `index` and `snapshotLength` as in CaptureOptions, 0 where left out */
  open(name: string, query: URLSearchParams): OpenCapture | Refusal {
    const port = this.ports.get(name);
    if (!port)
      return {
        status: 404,
        why: `no interface ${name} here; there are ${[...this.ports.keys()].join(', ')}`,
      };
    if (this.#running.size >= MOST_CAPTURES)
      return { status: 503, why: `${this.#running.size} captures run here: end one first` };
    const [index, snapshotLength] = [countIn(query, 'index'), countIn(query, 'snapshotLength')];
    if (index === undefined || snapshotLength === undefined)
      return { status: 400, why: 'index and snapshotLength are to be whole numbers from 0' };
    return (socket) => this.#run(port, index, snapshotLength, socket);
  }

  /** Ends all, with what they have seen. */
  end(): void {
    for (const end of this.#running) end();
  }

  #run({ capture }: Pick<Port, 'capture'>, index: number, snapshotLength: number, socket: Duplex): void {
    const options = {
      interface: index,
      snapshotLength,
      clockOffset: this.clockOffset,
      backlog: () => CAPTURE_BACKLOG / this.#running.size,
    };
    const writer = new CaptureWriter(options, this.clock, (bytes, done) => socket.write(bytes, done));
    const leave = capture.subscribe((frame, direction, time) => writer.add(frame, direction, time));
    const end = (): void => {
      if (!this.#running.delete(end)) return;
      leave();
      writer.end();
      socket.end();
    };
    this.#running.add(end);
    socket.on('end', end);
    socket.on('close', end);
    socket.on('error', end);
    socket.resume();
  }
}

/** A whole number that fits 32 bits; undefined if it is something else. */
function countIn(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name) ?? '0';
  return /^\d+$/.test(text) && Number(text) < 2 ** 32 ? Number(text) : undefined;
}
