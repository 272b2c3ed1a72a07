// A real net of real processes, in a registry of its own, for one test file.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa, type Options, type ResultPromise } from 'execa';
import { complaints, whyNoJudges } from './capture-judges.ts';

const ROOT = join(import.meta.dirname, '../..');
const TINCAN = join(ROOT, 'dist/tincan.cjs');

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | undefined;
}

export interface PsReport {
  readonly net: string;
  readonly rundir: string;
  readonly devices: readonly {
    readonly device: string;
    readonly kind: string;
    readonly state: 'starting' | 'ready' | 'frozen' | 'stopped' | 'crashed';
    readonly pid: number | null;
    readonly rss: number;
    readonly loopLag: number;
    readonly interfaces: readonly {
      readonly name: string;
      readonly mac: string;
      readonly ipv4: string | null;
      readonly carrier: boolean;
      readonly mtu: number;
    }[];
  }[];
  readonly cables: readonly {
    readonly cable: string;
    readonly ends: readonly string[];
    readonly carrier: boolean;
  }[];
}

/** Of each net that is watched. */
const EVERYTHING = 'everything.pcapng';

/** A folder for nets' run directories that no other test sees. */
export class Lab {
  #watch: ResultPromise | undefined;

  private constructor(
    readonly folder: string,
    private readonly net: string,
  ) {}

  static async create(net: string): Promise<Lab> {
    return new Lab(await mkdtemp(join(tmpdir(), 'lab-')), net);
  }

  /**
   * Starts the default net, changed as given, in the background. All its cables are captured, and `close`
   * judges what crossed them, unless `unwatched` says why not: too much crosses, or is wrong on purpose.
   */
  async up(
    change: (topology: Record<string, unknown>) => void = () => {},
    unwatched?: string,
  ): Promise<void> {
    const topology = JSON.parse(await readFile(join(ROOT, 'topology.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    topology.name = this.net;
    delete topology.$schema;
    change(topology);
    const file = join(this.folder, 'topology.json');
    const rooted = JSON.stringify(topology).replaceAll('"devices/sites/', `"${ROOT}/devices/sites/`);
    await writeFile(file, rooted);
    await this.ok('up', file, '-d');
    const unjudged = unwatched ?? (await whyNoJudges());
    if (unjudged === undefined) await this.#watchCables();
    else console.info(`What crosses the cables of ${this.net} is not judged: ${unjudged}`);
  }

  async #watchCables(): Promise<void> {
    // One end of each cable sees what both send.
    const ends = (await this.ps()).cables.map((cable) => cable.ends[0]!);
    const watch = this.spawn(['capture', '--net', this.net, ...ends, '-w', EVERYTHING], { buffer: false });
    this.#watch = watch;
    await new Promise<void>((armed) => {
      watch.stderr?.on('data', (text: Buffer) => text.includes('capturing') && armed());
    });
  }

  /** Runs a command line of tincan's to its end. */
  async run(...args: string[]): Promise<Outcome> {
    const { stdout, stderr, exitCode } = await this.spawn(args);
    return { stdout: String(stdout), stderr: String(stderr), exitCode };
  }

  /** As `run`, for a command that must succeed; gives what it printed. */
  async ok(...args: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await this.run(...args);
    if (exitCode !== 0)
      throw new Error(`tincan ${args.join(' ')} ended with ${exitCode}: ${stderr}${stdout}`);
    return stdout;
  }

  spawn(args: readonly string[], options: Options = {}): ResultPromise {
    return execa(process.execPath, [TINCAN, ...args], {
      reject: false,
      cwd: this.folder,
      ...options,
      env: { XDG_RUNTIME_DIR: this.folder, ...options.env },
    });
  }

  /** What a command on a device does. */
  exec(device: string, ...command: string[]): Promise<Outcome> {
    return this.run('exec', '--net', this.net, device, ...command);
  }

  async ps(): Promise<PsReport> {
    return JSON.parse(await this.ok('ps', '--net', this.net, '--json')) as PsReport;
  }

  async pid(device: string): Promise<number> {
    const row = (await this.ps()).devices.find((candidate) => candidate.device === device);
    if (!row?.pid) throw new Error(`${device} has no process`);
    return row.pid;
  }

  /** Takes the net down, if it is up, and its folder away. @throws Error with the frames that were wrong */
  async close(): Promise<void> {
    this.#watch?.kill('SIGINT');
    await this.#watch;
    await this.run('down', '--net', this.net);
    const wrong = this.#watch ? await complaints(join(this.folder, EVERYTHING)) : [];
    await rm(this.folder, { recursive: true, force: true });
    if (wrong.length > 0) throw new Error(`Wrong frames on the cables of ${this.net}:\n${wrong.join('\n')}`);
  }
}

/** Whether a process exists (a zombie does not count). */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return !/\) [ZX]/.test(stat);
  } catch {
    return false;
  }
}
