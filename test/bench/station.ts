// A program of programs/station.js as its own process.

import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { execa, type ResultPromise } from 'execa';

export interface StationOptions {
  readonly role: 'relay' | 'source' | 'sink';
  /** URL of a cable's end; a sink without one listens. */
  readonly to?: string;
  readonly token?: string;
  /** What a source sends: an Ethernet frame in hex. */
  readonly frame?: string;
  /** Whether a sink sends back what comes. */
  readonly echo?: boolean;
  readonly mac?: string;
}

export interface Count {
  readonly frames: number;
  readonly bytes: number;
  /** ms */
  readonly at: number;
}

const PROGRAM = join('test', 'bench', 'programs', 'station.js');

export class Station {
  /** Where it listens, if it does. */
  url = '';
  readonly #process: ResultPromise;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  private constructor(options: StationOptions) {
    this.#process = execa(process.execPath, [PROGRAM, JSON.stringify(options)], {
      stdin: 'pipe',
      stderr: 'inherit',
      buffer: false,
      reject: false,
    });
    this.#reader = createInterface({ input: this.#process.stdout! });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** Resolves when it listens, or has reached what it dials. */
  static async start(options: StationOptions): Promise<Station> {
    const station = new Station(options);
    const listens = options.role === 'relay' || options.to === undefined;
    if (listens) station.url = ((await station.#next()) as { url: string }).url;
    else await station.#next();
    return station;
  }

  /** Resolves when a station that listens has been called. */
  async called(): Promise<void> {
    await this.#next();
  }

  async ask<T>(question: { readonly do: string; readonly [name: string]: unknown }): Promise<T> {
    this.#process.stdin?.write(`${JSON.stringify(question)}\n`);
    return (await this.#next()) as T;
  }

  async end(): Promise<void> {
    this.#process.stdin?.end();
    await this.#process;
    this.#reader.close();
  }

  async #next(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('a program of the bench has ended');
    return JSON.parse(value as string);
  }
}

/** Stations joined in a row, from the sink's side to the source's. */
export async function chain(relays: number, source: Omit<StationOptions, 'role' | 'to'>): Promise<Chain> {
  const sink = await Station.start({ role: 'sink', echo: source.echo });
  const listening = [sink];
  for (let index = 0; index < relays; index++)
    listening.push(await Station.start({ role: 'relay', to: listening.at(-1)!.url }));
  const talker = await Station.start({ ...source, role: 'source', to: listening.at(-1)!.url });
  for (const station of listening) await station.called();
  const stations = [talker, ...listening.toReversed()];
  return {
    source: talker,
    sink,
    close: async () => {
      for (const station of stations) await station.end();
    },
  };
}

export interface Chain {
  readonly source: Station;
  readonly sink: Station;
  close(): Promise<void>;
}

/** ms of a flood that are not counted: queues fill, code gets hot. */
const SETTLE = 500;

/** Frames and bytes a second that get through to the sink within `duration` ms of a flood. */
export async function flood(
  { source, sink }: Pick<Chain, 'source' | 'sink'>,
  duration: number,
): Promise<{ frames: number; bytes: number }> {
  await source.ask({ do: 'flood' });
  await pause(SETTLE);
  const before = await sink.ask<Count>({ do: 'count' });
  await pause(duration);
  const after = await sink.ask<Count>({ do: 'count' });
  await source.ask({ do: 'stop' });
  const seconds = (after.at - before.at) / 1000;
  return { frames: (after.frames - before.frames) / seconds, bytes: (after.bytes - before.bytes) / seconds };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
