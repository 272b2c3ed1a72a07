// Calls of one device. Each has a control connection of its own, so that it neither waits for another nor
// outlives its end.

import type { Readable, Writable } from 'node:stream';
import { connectControl } from '../../shared/control/client.ts';
import type { ErrorFields, Outcome } from '../../shared/control/device-calls.ts';
import type { ControlClient, OutgoingCall } from '../../shared/control/peer.ts';
import { messageOf } from '../failure.ts';
import { linesOf } from '../lines.ts';
import type { Machine } from '../machine.ts';

export class DeviceLink {
  constructor(
    private readonly machine: Machine,
    private readonly token: string,
  ) {}

  get name(): string {
    return this.machine.name;
  }

  /**
   * @param signal ends the call; whoever waits for it is told the signal's reason
   * @throws Error EHOSTDOWN (as a rejection) if the device does not run, or is frozen
   */
  async open(method: string, params: unknown, signal?: AbortSignal | null): Promise<DeviceCall> {
    signal?.throwIfAborted();
    const control = await this.#connect(method);
    return new DeviceCall(control, control.open(method, params), signal ?? undefined, (error) =>
      this.#gone(method, error),
    );
  }

  async #connect(method: string): Promise<ControlClient> {
    const { running } = this.machine;
    if (!running) throw hostDown(`${this.name} can't ${method}: it is not running`);
    if (running.frozen) throw hostDown(`${this.name} can't ${method}: it is frozen`);
    if (running.url === undefined) throw hostDown(`${this.name} can't ${method}: it is still starting`);
    try {
      return await connectControl(`${running.url}/control`, this.token);
    } catch (error) {
      throw this.#gone(method, error);
    }
  }

  /** The control connection failed: that is the end of the device, or something is wrong with the call itself. */
  #gone(method: string, error: unknown): Error {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOSYS' || code === 'EINVAL' || code === undefined)
      return error instanceof Error ? error : new Error(messageOf(error));
    return hostDown(`${this.name} went away in the middle of ${method}`, error);
  }
}

/** A call that runs. */
export class DeviceCall {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** The answer as it came. Rejects if the device goes away, or with the reason of the signal. */
  readonly answer: Promise<unknown>;

  constructor(
    control: ControlClient,
    private readonly call: OutgoingCall,
    signal: AbortSignal | undefined,
    gone: (error: unknown) => Error,
  ) {
    this.stdin = call.stdin;
    this.stdout = call.stdout;
    this.stderr = call.stderr;
    // Who looks at the answer hears of what fails; the streams end with it.
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream.on('error', () => {});
    const abort = (): void => call.cancel();
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
    this.answer = call.result
      .catch((error: unknown) => {
        throw signal?.aborted ? signal.reason : gone(error);
      })
      .finally(() => {
        signal?.removeEventListener('abort', abort);
        control.close();
      });
    this.answer.catch(() => {});
  }

  /** The answer of a typed method. @throws Error with the code of what failed on the device */
  async value<T>(): Promise<T> {
    const outcome = (await this.answer) as Outcome<T>;
    if ('failure' in outcome) throw errorOf(outcome.failure);
    return outcome.value;
  }

  /** What comes before the answer, as one line of JSON. @throws Error if the call ends without it */
  async head<T>(): Promise<T> {
    const line = firstOf(linesOf(this.stderr)).catch(() => undefined);
    const text = await Promise.race([line, this.value().then(() => line)]);
    if (text !== undefined) return JSON.parse(text) as T;
    await this.value();
    throw new Error('the call ended without an answer');
  }

  cancel(): void {
    this.call.cancel();
  }
}

async function firstOf(lines: AsyncGenerator<string>): Promise<string | undefined> {
  for await (const line of lines) return line;
  return undefined;
}

function hostDown(message: string, cause?: unknown): Error {
  const error = cause === undefined ? new Error(message) : new Error(message, { cause });
  return Object.assign(error, { code: 'EHOSTDOWN' });
}

/** An error as it was on the device, with the stack of here. */
function errorOf({ message, ...fields }: ErrorFields): Error {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  return Object.assign(new Error(message), Object.fromEntries(given));
}
