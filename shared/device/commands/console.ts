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

/** Unwinds a command that is over; there is nothing more to say. */
class Ended extends CommandFailure {
  constructor(exitCode: number) {
    super(exitCode, '');
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
    if (!isOpen(io.stdout)) this.#onClose();
    io.stderr.on('error', ignore);
  }

  /**
   * Writes to stdout and waits until there is room again.
   * @throws CommandFailure when nobody reads any more, or the command has been interrupted
   */
  async print(text: string | Uint8Array): Promise<void> {
    if (this.signal.aborted) throw new Ended(this.signalExit);
    this.io.stdout.write(text);
    await this.drained();
  }

  /** Writes to stdout from where nothing can wait. A reader far behind loses lines, not the device its memory. */
  printNow(text: string): void {
    const { stdout } = this.io;
    if (!isOpen(stdout) || stdout.writableLength > LARGEST_BACKLOG) return;
    stdout.write(text);
  }

  /** Writes to stderr, and waits for its reader as long as the command goes on. */
  async complain(text: string): Promise<void> {
    const { stderr } = this.io;
    if (!isOpen(stderr) || stderr.writableLength > LARGEST_BACKLOG) return;
    if (!stderr.write(text)) await drain(stderr, this.signal);
  }

  /** Waits until stdout has room. @throws CommandFailure when nobody reads any more, or at an interrupt */
  async drained(): Promise<void> {
    if (this.io.stdout.writableNeedDrain) await drain(this.io.stdout, this.signal);
    if (this.signal.aborted) throw new Ended(this.signalExit);
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
}

function isOpen(stream: Writable): boolean {
  return !stream.destroyed && !stream.writableEnded;
}

/** Resolves when the stream takes more, is closed, or `signal` aborts. */
function drain(stream: Writable, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      stream.off('drain', settle);
      stream.off('close', settle);
      signal.removeEventListener('abort', settle);
      resolve();
    };
    stream.on('drain', settle);
    stream.on('close', settle);
    signal.addEventListener('abort', settle);
    if (signal.aborted || stream.destroyed) settle();
  });
}

function ignore(): void {}

export type CommandBody<Context> = (
  args: readonly string[],
  console: Console,
  context: Context,
) => Promise<number>;

/** A command out of its body: what the body throws becomes a message and an exit code. */
export function command<Context = CommandContext>(
  name: string,
  body: CommandBody<Context>,
): Command<Context> {
  return async (args, io, context) => {
    const console = new Console(io);
    try {
      return await body(args, console, context);
    } catch (error) {
      const said = error instanceof CommandFailure && error.message !== '';
      if (console.signal.aborted && !said) return console.signalExit;
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
