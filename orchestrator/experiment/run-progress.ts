// What a run shows while it goes on: a line for each thing that is done to the net, and on a terminal below them one
// line that is redrawn, with the phase and what the probes say.

import { stripVTControlCharacters, styleText } from 'node:util';
import type { Played } from './experiment-run.ts';
import type { RunProgress } from './runner.ts';
import type { Sample } from './sample.ts';
import { now } from './timing.ts';
import { seconds } from './wording.ts';

/** ms between redraws. */
const REDRAW = 100;

export interface ShownProgress extends RunProgress {
  /** Takes the line away again. */
  done(): void;
}

export function runProgressOn(stream: NodeJS.WriteStream, name: string): ShownProgress {
  return stream.isTTY ? new RedrawnLine(stream, name) : plainLines(stream, name);
}

function plainLines(stream: NodeJS.WritableStream, name: string): ShownProgress {
  return {
    phase: (what) => stream.write(`${name}: ${what}\n`),
    played: (played, at) => stream.write(`${name}: ${playedText(played, at)}\n`),
    sample() {},
    done() {},
  };
}

/** `at 1.00 s: cut uplink (outage)`. */
function playedText({ what, name }: Played, at: number): string {
  return `at ${seconds(at)}: ${what}${name === undefined ? '' : ` (${name})`}`;
}

class RedrawnLine implements ShownProgress {
  readonly #probes = new Map<string, { tries: number; failed: number; last: boolean }>();
  readonly #timer: NodeJS.Timeout;
  #phase = '';
  #began = now();

  constructor(
    private readonly stream: NodeJS.WriteStream,
    private readonly name: string,
  ) {
    this.#timer = setInterval(() => this.#draw(), REDRAW);
  }

  phase(what: string): void {
    this.#phase = what;
    this.#began = now();
    this.#draw();
  }

  sample({ probe, ok }: Sample): void {
    const { tries, failed } = this.#probes.get(probe) ?? { tries: 0, failed: 0 };
    this.#probes.set(probe, { tries: tries + 1, failed: failed + Number(!ok), last: ok });
  }

  played(played: Played, at: number): void {
    this.stream.write(`\r\x1b[K${this.name}: ${playedText(played, at)}\n`);
    this.#draw();
  }

  done(): void {
    clearInterval(this.#timer);
    this.stream.write('\r\x1b[K');
  }

  #draw(): void {
    const time = seconds(now() - this.#began);
    const probes = [...this.#probes].map(([name, { tries, failed, last }]) => {
      const count = failed === 0 ? `${tries}` : `${failed}/${tries} failed`;
      return styleText(last ? 'green' : 'red', `${last ? '✓' : '✗'} ${name} ${count}`);
    });
    const width = (this.stream.columns || 80) - 1;
    this.stream.write(`\r\x1b[K${fitting([`${this.name}: ${this.#phase} ${time}`, ...probes], width)}`);
  }
}

/** As many of the parts as there is room for. */
function fitting(parts: readonly string[], width: number): string {
  let text = '';
  let room = width;
  for (const part of parts) {
    const plain = stripVTControlCharacters(part);
    if (text === '') text = plain.length > room ? plain.slice(0, room) : part;
    else if (plain.length + 3 > room) return room > 1 ? `${text} …` : text;
    else text += `   ${part}`;
    room = width - stripVTControlCharacters(text).length;
  }
  return text;
}
