// What every command stands on: output with backpressure, and how failures, signals and closed pipes become
// exit codes.

import type { Writable } from 'node:stream';
import type { Command, CommandContext, CommandIo } from '../command.ts';

/** Ends a command: the message goes to stderr as it is, if there is one. */
export class CommandFailure extends Error {
  constructor(
    readonly exitCode: number,
    message: string,
  ) {
    super(message);
  }
}

/** As the shell counts a program that died of a signal. */
const SIGNAL_EXIT: Readonly<Record<string, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };
const BROKEN_PIPE_EXIT = 141;

/** What may wait for a reader that has stopped reading, where a command can't be made to wait. */
const LARGEST_BACKLOG = 1 << 20;

class BrokenPipe extends CommandFailure {
  constructor() {
    super(BROKEN_PIPE_EXIT, '');
  }
}

export class Console {
  /** Aborts at an interrupt (with its reason), and when stdout closes. */
  readonly signal: AbortSignal;
  readonly #ending = new AbortController();

  constructor(readonly io: CommandIo) {
    this.signal = AbortSignal.any([io.interrupt, this.#ending.signal]);
    io.stdout.on('error', this.#onClose);
    io.stdout.on('close', this.#onClose);
    io.stderr.on('error', ignore);
  }

  /** Writes to stdout and waits until there is room again. @throws CommandFailure when nobody reads any more */
  async print(text: string | Uint8Array): Promise<void> {
    await this.#write(this.io.stdout, text);
  }

  /** Writes to stdout from where nothing can wait. A reader far behind loses lines, not the device its memory. */
  printNow(text: string): void {
    if (this.#broken(this.io.stdout) || this.io.stdout.writableLength > LARGEST_BACKLOG) return;
    this.io.stdout.write(text);
  }

  async complain(text: string): Promise<void> {
    if (this.io.stderr.destroyed || this.io.stderr.writableEnded) return;
    await this.#write(this.io.stderr, text);
  }

  /** Waits until what `printNow` wrote has been taken. @throws CommandFailure when nobody reads any more */
  async drained(): Promise<void> {
    await this.#write(this.io.stdout, '');
  }

  /** The exit code of a command that the signal ended. */
  get signalExit(): number {
    if (!this.io.interrupt.aborted) return BROKEN_PIPE_EXIT;
    return SIGNAL_EXIT[String(this.io.interrupt.reason)] ?? SIGNAL_EXIT.SIGHUP!;
  }

  close(): void {
    this.io.stdout.off('close', this.#onClose);
  }

  readonly #onClose = (): void => this.#ending.abort();

  #broken(stream: Writable): boolean {
    return (
      stream.destroyed || stream.writableEnded || (stream === this.io.stdout && this.#ending.signal.aborted)
    );
  }

  #write(stream: Writable, text: string | Uint8Array): Promise<void> {
    if (this.#broken(stream)) return Promise.reject(new BrokenPipe());
    if (text.length > 0) stream.write(text);
    if (!stream.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        stream.off('drain', settle);
        stream.off('close', settle);
        stream.off('error', settle);
        this.io.interrupt.removeEventListener('abort', settle);
        if (this.#broken(stream)) reject(new BrokenPipe());
        else resolve();
      };
      stream.on('drain', settle);
      stream.on('close', settle);
      stream.on('error', settle);
      this.io.interrupt.addEventListener('abort', settle);
    });
  }
}

function ignore(): void {}

export type CommandBody = (
  args: readonly string[],
  console: Console,
  context: CommandContext,
) => Promise<number>;

/** A command out of its body: what the body throws becomes a message and an exit code. */
export function command(name: string, body: CommandBody): Command {
  return async (args, io, context) => {
    const console = new Console(io);
    try {
      return await body(args, console, context);
    } catch (error) {
      if (console.signal.aborted) return console.signalExit;
      const failure =
        error instanceof CommandFailure
          ? error
          : new CommandFailure(1, `${name}: ${(error as Error).message}`);
      if (failure.message !== '') await console.complain(`${failure.message}\n`).catch(ignore);
      return failure.exitCode;
    } finally {
      console.close();
    }
  };
}
