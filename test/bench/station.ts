// A program of programs/station.js as its own process.

import { join } from 'node:path';
import { Program } from './program.ts';

export interface StationOptions {
  readonly role: 'relay' | 'source' | 'sink';
  /** URL of a cable's end; a sink without one listens. */
  readonly to?: string;
  readonly token?: string;
  /** What a source sends: an Ethernet frame in hex. */
  readonly frame?: string;
  /** How many flows its frames are of, if they are UDP; one unless told. */
  readonly flows?: number;
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
  readonly #program: Program;

  private constructor(options: StationOptions) {
    this.#program = new Program([PROGRAM, JSON.stringify(options)]);
  }

  /** Resolves when it listens, or has reached what it dials. */
  static async start(options: StationOptions): Promise<Station> {
    const station = new Station(options);
    const listens = options.role === 'relay' || options.to === undefined;
    if (listens) station.url = (await station.#program.next<{ url: string }>()).url;
    else await station.#program.next();
    return station;
  }

  /** Resolves when a station that listens has been called. */
  async called(): Promise<void> {
    await this.#program.next();
  }

  ask<T>(question: { readonly do: string; readonly [name: string]: unknown }): Promise<T> {
    return this.#program.ask(question);
  }

  end(): Promise<void> {
    return this.#program.end();
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
