// A program of the bench as its own process, which is asked, and answers, in lines of JSON.

import { createInterface, type Interface } from 'node:readline';
import { execa, type ResultPromise } from 'execa';

export class Program {
  readonly #process: ResultPromise;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  /** @param argv of Node: a file and its arguments */
  constructor(argv: readonly string[]) {
    this.#process = execa(process.execPath, argv, {
      stdin: 'pipe',
      stderr: 'inherit',
      // Ctrl-C is for the bench alone, which ends it by the end of its input.
      detached: true,
      buffer: false,
      reject: false,
    });
    this.#reader = createInterface({ input: this.#process.stdout! });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** What it says next. */
  async next<T>(): Promise<T> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('a program of the bench has ended');
    return JSON.parse(value as string) as T;
  }

  ask<T>(question: { readonly do: string; readonly [name: string]: unknown }): Promise<T> {
    this.#process.stdin?.write(`${JSON.stringify(question)}\n`);
    return this.next();
  }

  async end(): Promise<void> {
    this.#process.stdin?.end();
    await this.#process;
    this.#reader.close();
  }
}
