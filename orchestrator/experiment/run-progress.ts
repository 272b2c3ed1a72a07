// What a run shows while it goes on: one line that is redrawn on a terminal, else a line for each news.

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

function plainLines(stream: NodeJS.WriteStream, name: string): ShownProgress {
  return {
    phase: (what) => stream.write(`${name}: ${what}\n`),
    played: ({ what, name: label }) =>
      stream.write(`${name}: ${what}${label === undefined ? '' : ` (${label})`}\n`),
    sample() {},
    done() {},
  };
}

class RedrawnLine implements ShownProgress {
  readonly #probes = new Map<string, { ok: number; failed: number; last: boolean }>();
  readonly #timer: NodeJS.Timeout;
  #phase = '';
  #last = '';
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
    const { ok: good, failed } = this.#probes.get(probe) ?? { ok: 0, failed: 0 };
    this.#probes.set(probe, { ok: good + Number(ok), failed: failed + Number(!ok), last: ok });
  }

  played({ what }: Played): void {
    this.#last = what;
    this.#draw();
  }

  done(): void {
    clearInterval(this.#timer);
    this.stream.write('\r\x1b[K');
  }

  #draw(): void {
    const probes = [...this.#probes].map(
      ([name, { ok, failed, last }]) =>
        `${last ? '✓' : '✗'} ${name} ${ok}${failed === 0 ? '' : `, ${failed} failed`}`,
    );
    const parts = [`${this.name}: ${this.#phase} ${seconds(now() - this.#began)}`, this.#last, ...probes];
    const text = parts.filter((part) => part !== '').join('   ');
    this.stream.write(`\r\x1b[K${text.slice(0, (this.stream.columns || 80) - 1)}`);
  }
}
