// A network namespace that a test makes and removes: a Linux kernel's own stack, which a tap joins to a net.
// Needs root.

import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { execa, type Options, type ResultPromise } from 'execa';
import type { Outcome } from './lab.ts';

/** ms after which a program that should have ended is ended. */
const PATIENCE = 60_000;

export class Namespace {
  readonly #running = new Set<ResultPromise>();

  private constructor(readonly name: string) {}

  /**
   * @param nameServer for its programs, at once; none: the machine's, which nothing there can reach
   * @param prefix of its name, to tell whose it is
   */
  static async create(nameServer?: string, prefix = 'tincan'): Promise<Namespace> {
    const made = new Namespace(`${prefix}-${randomBytes(5).toString('hex')}`);
    await execa('ip', ['netns', 'add', made.name]);
    try {
      await made.#prepare(nameServer);
      return made;
    } catch (error) {
      await made.close();
      throw error;
    }
  }

  async #prepare(nameServer: string | undefined): Promise<void> {
    if (nameServer !== undefined) {
      // `ip netns exec` lays it over /etc/resolv.conf.
      await mkdir(this.#files, { recursive: true });
      await writeFile(`${this.#files}/resolv.conf`, `nameserver ${nameServer}\n`);
    }
    // Nothing of IPv6 on the cables: the captures are to show the test's own packets.
    await this.ok(
      'sysctl',
      '-qw',
      'net.ipv6.conf.all.disable_ipv6=1',
      'net.ipv6.conf.default.disable_ipv6=1',
    );
    await this.ok('ip', 'link', 'set', 'lo', 'up');
  }

  get #files(): string {
    return `/etc/netns/${this.name}`;
  }

  /** Gives an interface its address, and the default route if there is a gateway. */
  async address(device: string, cidr: string, gateway?: string): Promise<void> {
    await this.ok('ip', 'address', 'add', cidr, 'dev', device);
    if (gateway !== undefined) await this.ok('ip', 'route', 'add', 'default', 'via', gateway);
  }

  /** Runs a program in the namespace to its end. */
  async run(program: string, ...args: string[]): Promise<Outcome> {
    const { stdout, stderr, exitCode } = await this.start(program, args, { timeout: PATIENCE });
    return { stdout: String(stdout), stderr: String(stderr), exitCode };
  }

  /** As `run`, for a program that must succeed; gives what it printed. */
  async ok(program: string, ...args: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await this.run(program, ...args);
    if (exitCode !== 0)
      throw new Error(`${program} ${args.join(' ')} ended with ${exitCode}: ${stderr}${stdout}`);
    return stdout;
  }

  /** Starts a program in the namespace, which ends with it at the latest. */
  start(program: string, args: readonly string[] = [], options: Options = {}): ResultPromise {
    const child = execa('ip', ['netns', 'exec', this.name, program, ...args], {
      reject: false,
      stdin: 'ignore',
      ...options,
    });
    this.#running.add(child);
    void child.finally(() => this.#running.delete(child));
    return child;
  }

  /** Ends what still runs in the namespace, and removes it. */
  async close(): Promise<void> {
    const { stdout } = await execa('ip', ['netns', 'pids', this.name], { reject: false });
    // Daemons of ours among them.
    for (const pid of stdout.split('\n').filter(Boolean)) end(Number(pid));
    await Promise.all(this.#running);
    await execa('ip', ['netns', 'del', this.name], { reject: false });
    await rm(this.#files, { recursive: true, force: true });
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
