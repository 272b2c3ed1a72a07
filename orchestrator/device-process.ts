// One run of one device: its process, its control channel, and what it last said of itself.

import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { execa, type ResultPromise } from 'execa';
import { connectControl } from '../shared/control/client.ts';
import type { DeviceStatus } from '../shared/control/device-status.ts';
import type { ControlClient } from '../shared/control/peer.ts';
import type { DeviceConfig, DeviceReady } from '../shared/topology/device-config.ts';
import { codeOf, messageOf } from './failure.ts';
import { linesOf } from './lines.ts';
import { deviceLauncher } from './package-root.ts';
import { processState } from './process-state.ts';

/** Lines of standard error that are kept, to tell why a device ended. */
const LAST_WORDS = 10;

/** ms between tries to reach a device that lives but has dropped the control channel. */
const RECONNECT_PAUSE = 100;

/** ms between looks whether a device that is starting, or has dropped the channel, can be asked. */
const ASK_PAUSE = 10;

const PIPES = {
  buffer: false,
  reject: false,
  stdin: 'pipe',
  stdout: 'pipe',
  stderr: 'pipe',
  // A process group of its own: Ctrl-C on the terminal is for the orchestrator alone.
  detached: true,
  cleanup: false,
} as const;

export interface DeviceProcessOptions {
  readonly config: DeviceConfig;
  /** The program of its kind. */
  readonly program: string;
  /** The device said something new of itself. */
  readonly changed: () => void;
}

export class DeviceProcess {
  readonly pid: number;
  readonly started = performance.now();
  /** Why it ended, for people: `exit code 1`, `SIGKILL`. */
  readonly exited: Promise<string>;
  /** Base URL of its socket, once it serves. */
  url: string | undefined;
  control: ControlClient | undefined;
  /** What it said last; undefined until the first time. */
  status: DeviceStatus | undefined;
  ended = false;
  #silentSince: number | undefined;
  readonly #process: ResultPromise<typeof PIPES>;
  readonly #firstLine: Promise<string | undefined>;
  readonly #heard: Promise<void>;
  readonly #lastWords: string[] = [];

  /** @throws Error if there is no such program or no process to be had */
  constructor(private readonly options: DeviceProcessOptions) {
    const { net, spec } = options.config;
    this.#process = execa(process.execPath, ['--preserve-symlinks-main', deviceLauncher, options.program], {
      ...PIPES,
      argv0: `tincan ${net}/${spec.name}`,
    });
    // That there is no process is told here; why comes later, with an event that must not end this one.
    this.#process.on('error', () => {});
    if (this.#process.pid === undefined)
      throw new Error(`no process could be started for ${spec.name}: are there too many, or open files?`);
    this.pid = this.#process.pid;
    this.exited = this.#wait();
    this.#process.stdin.on('error', () => {});
    this.#process.stdout.on('error', () => {});
    this.#process.stdin.write(`${JSON.stringify(options.config)}\n`);
    this.#firstLine = firstLine(this.#process.stdout);
    this.#heard = this.#listen().catch(() => {});
  }

  get logFile(): string {
    return this.options.config.logFile;
  }

  /** The last lines of its standard error, once it has ended. */
  async lastWords(): Promise<readonly string[]> {
    await this.exited;
    await this.#heard;
    return this.#lastWords;
  }

  get frozen(): boolean {
    return !this.ended && processState(this.pid) === 'frozen';
  }

  /** Resolves when it serves its socket and is being watched; rejects if it never will. */
  async boot(): Promise<void> {
    const line = await this.#firstLine;
    if (line === undefined) throw new Error(`ended while it started: ${await this.exited}`);
    this.url = readyUrl(line);
    await this.#connect(this.url);
    this.options.changed();
  }

  /** Asks for a fresh status; what it said last if it does not answer within `timeout` ms. */
  async refresh(timeout: number): Promise<DeviceStatus | undefined> {
    const asked = performance.now();
    try {
      const status = await this.control?.request('status', {}, { timeout });
      if (status !== undefined) this.status = status as DeviceStatus;
    } catch (error) {
      // Frozen, overloaded or gone: what it said last is the best there is.
      if (codeOf(error) === 'ETIMEDOUT') this.#noteSilence(asked, timeout);
    }
    return this.status;
  }

  /** ms for which it has answered nothing, and is not frozen: so late at least it gets to its work. */
  get silence(): number {
    return this.#silentSince === undefined || this.frozen ? 0 : performance.now() - this.#silentSince;
  }

  /** From when it was asked until it answers again. */
  #noteSilence(asked: number, timeout: number): void {
    // A timer that is as late as that tells of this process and not of the device.
    if (this.#silentSince !== undefined || performance.now() - asked >= 2 * timeout) return;
    this.#silentSince = asked;
    const over = () => {
      this.#silentSince = undefined;
    };
    this.control?.request('status').then(over, over);
  }

  /** Orderly end; by force if it has not ended after `grace` ms, or can't hear. */
  async stop(grace: number): Promise<void> {
    if (this.ended) return;
    if (this.control === undefined || this.frozen) return this.kill();
    const force = setTimeout(() => this.#signal('SIGKILL'), grace);
    this.control.request('stop').catch(() => {});
    await this.exited;
    clearTimeout(force);
  }

  /** Power cut. Resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#signal('SIGKILL');
    await this.exited;
  }

  /** Stops the process as a machine hangs. Resolves when it does nothing any more. */
  async freeze(): Promise<void> {
    this.#signal('SIGSTOP');
    while (!this.ended && !this.frozen) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  /** Lets a frozen process go on. Resolves when it answers. @throws Error ETIMEDOUT */
  async thaw(timeout: number): Promise<void> {
    this.#signal('SIGCONT');
    await this.ask('status', {}, timeout);
  }

  /**
   * A call over /control, as soon as there is that channel.
   * @throws Error ECONNRESET if it ends meanwhile, ETIMEDOUT after `timeout` ms
   */
  async ask(method: string, params: unknown, timeout: number): Promise<unknown> {
    const end = performance.now() + timeout;
    for (;;) {
      const left = Math.max(1, end - performance.now());
      try {
        if (this.control) return await this.control.request(method, params, { timeout: left });
      } catch (error) {
        // The channel breaks before its process is seen to end, and is made anew if that lives.
        if (codeOf(error) !== 'ECONNRESET') throw error;
      }
      if (this.ended) throw Object.assign(new Error('it ended'), { code: 'ECONNRESET' });
      if (performance.now() >= end)
        throw Object.assign(new Error(`no answer within ${timeout} ms`), { code: 'ETIMEDOUT' });
      await new Promise((resolve) => setTimeout(resolve, ASK_PAUSE));
    }
  }

  #signal(name: NodeJS.Signals): void {
    if (!this.ended) this.#process.kill(name);
  }

  async #wait(): Promise<string> {
    const [code, signal] = (await once(this.#process, 'exit')) as [number | null, string | null];
    this.ended = true;
    this.control?.close();
    return signal ?? `exit code ${code}`;
  }

  async #listen(): Promise<void> {
    for await (const line of linesOf(this.#process.stderr)) {
      this.#lastWords.push(line);
      if (this.#lastWords.length > LAST_WORDS) this.#lastWords.shift();
    }
  }

  async #connect(url: string): Promise<void> {
    const control = await connectControl(`${url}/control`, this.options.config.token);
    this.control = control;
    const watch = control.open('watch');
    watch.result.catch(() => {});
    watch.stdout.on('error', () => {});
    const first = new Promise<void>((resolve) => {
      this.#watch(watch.stdout, resolve)
        .catch(() => {})
        .finally(resolve);
    });
    control.closed.then(() => this.#reconnect(url)).catch(() => {});
    await first;
  }

  async #watch(stream: AsyncIterable<Uint8Array>, first: () => void): Promise<void> {
    for await (const line of linesOf(stream)) {
      this.status = JSON.parse(line) as DeviceStatus;
      first();
      this.options.changed();
    }
  }

  /** The channel broke: either the process is ending, or it can be had again. */
  async #reconnect(url: string): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, RECONNECT_PAUSE).unref());
    if (this.ended) return;
    await this.#connect(url).catch(() => this.#reconnect(url));
  }
}

/** The first line of a stream, which is read on and thrown away after it; undefined if it ends before. */
function firstLine(stream: Readable): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      if (text.includes('\n')) return;
      text += chunk;
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
    stream.on('close', () => resolve(undefined));
  });
}

function readyUrl(line: string): string {
  try {
    const { url } = JSON.parse(line) as Partial<DeviceReady>;
    if (typeof url === 'string') return url;
  } catch (error) {
    throw new Error(`said no address on its first line but ${JSON.stringify(line)} (${messageOf(error)})`);
  }
  throw new Error(`said no address on its first line but ${JSON.stringify(line)}`);
}
