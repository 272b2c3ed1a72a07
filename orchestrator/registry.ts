// The user's running nets: one run directory each, under a folder that only the user may enter. A name is
// held by whoever's control socket answers; a directory that nobody answers for is taken over.
//
//   <base>/<net>/            run directory: net.json, logs/, sockets of devices
//   <base>/<net>/run-<id>    says which run owns the directory; holds the pid of its orchestrator
//   <base>/.<id>.sock        control socket of that run: the run lives as long as it answers

import { randomBytes } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { codeOf, Failure } from './failure.ts';
import type { RunRecord } from './run-record.ts';
import { readRecord } from './run-record.ts';

/** Bytes of `sun_path` less its closing zero, on the system that has the fewest. */
const LONGEST_SOCKET_PATH = 103;

/** ms after which what a dead run left half made is swept. */
const LITTER_AGE = 10_000;

/** The folder of all run directories, made if need be. */
export function registryFolder(): string {
  const runtime = process.env.XDG_RUNTIME_DIR;
  const uid = process.geteuid?.() ?? 0;
  // A relative path counts as none (XDG Base Directory Specification).
  const base =
    runtime && isAbsolute(runtime) && statSync(runtime, { throwIfNoEntry: false })?.isDirectory()
      ? join(runtime, 'tincan')
      : resolve(tmpdir(), `tincan-${uid}`);
  try {
    mkdirSync(base, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST')
      throw new Failure(`can't make ${base} (${codeOf(error)}); set XDG_RUNTIME_DIR to a folder of yours`);
  }
  const stat = lstatSync(base);
  if (!stat.isDirectory()) throw new Failure(`${base} is no folder; remove it, or set XDG_RUNTIME_DIR`);
  if (stat.uid !== uid)
    throw new Failure(`${base} belongs to someone else; set XDG_RUNTIME_DIR to a folder of yours`);
  if ((stat.mode & 0o077) !== 0)
    throw new Failure(`${base} is open to others; close it with: chmod 700 ${base}`);
  return base;
}

export function newRunId(): string {
  return randomBytes(5).toString('hex');
}

/** Where a run's orchestrator serves its control socket. */
export function controlSocket(base: string, id: string): string {
  return checkedSocketPath(join(base, `.${id}.sock`));
}

/** @throws Failure if the system could not take it as the path of a Unix socket, or `ws` not as part of a URL */
export function checkedSocketPath(path: string): string {
  const mend = 'set XDG_RUNTIME_DIR to a short folder, such as /tmp/run';
  if (Buffer.byteLength(path) > LONGEST_SOCKET_PATH)
    throw new Failure(`the socket path ${path} has more than ${LONGEST_SOCKET_PATH} bytes; ${mend}`);
  if (!/^[A-Za-z0-9._/-]+$/.test(path))
    throw new Failure(`the socket path ${path} has other characters than A-Z a-z 0-9 . _ / -; ${mend}`);
  return path;
}

/** Whether the orchestrator of a run lives, frozen ones included. */
export function runLives(base: string, id: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(join(base, `.${id}.sock`));
    socket.once('connect', () => resolve(true));
    // Only these say that nobody listens; with a full backlog (EAGAIN) somebody does.
    socket.once('error', (error) => resolve(codeOf(error) !== 'ECONNREFUSED' && codeOf(error) !== 'ENOENT'));
    socket.once('connect', () => socket.destroy());
  });
}

/** Makes the run directory under a name that nobody looks for; it becomes the net's own by `claimRun`. */
export function prepareRun(base: string, id: string): string {
  const fresh = freshFolder(base, id);
  mkdirSync(join(fresh, 'logs'), { recursive: true, mode: 0o700 });
  writeFileSync(join(fresh, `run-${id}`), String(process.pid), { mode: 0o600 });
  return fresh;
}

function freshFolder(base: string, id: string): string {
  return join(base, `.new-${id}`);
}

/**
 * Takes the name of a net for the run `id`, which is prepared and whose control socket answers. Safe against any
 * number of others that try the same at once: the directory comes into place whole, and a dead one is
 * taken by renaming the file that names its owner, which only one can do.
 * @returns the run directory
 * @throws Failure if a net of that name is running
 */
export async function claimRun(base: string, net: string, id: string): Promise<string> {
  sweep(base).catch(() => {});
  const target = join(base, net);
  const fresh = freshFolder(base, id);
  try {
    for (let lost = 0; lost < 100; lost++) {
      if (renamed(fresh, target)) return target;
      const owner = ownerOf(target);
      if (owner !== undefined && (await runLives(base, owner)))
        throw new Failure(`a net ${net} is running already; end it with: tincan down --net ${net}`);
      if (owner !== undefined && renamed(join(target, `run-${owner}`), join(target, `run-${id}`))) {
        const old = join(base, `.old-${id}`);
        renameSync(target, old);
        rmSync(old, { recursive: true, force: true });
      } else await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Failure(`${target} is no run directory of tincan; remove it`);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** Renames; false if the source is gone or the target is in the way. */
function renamed(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(codeOf(error) ?? '')) return false;
    throw error;
  }
}

/** The run that a directory belongs to; undefined in the moment in which it changes hands. */
function ownerOf(rundir: string): string | undefined {
  return list(rundir)
    .find((name) => /^run-[0-9a-f]+$/.test(name))
    ?.slice('run-'.length);
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Removes what runs left behind that were killed in the middle of starting. */
async function sweep(base: string): Promise<void> {
  for (const name of list(base)) {
    const id = /^\.(?:new-|old-)?([0-9a-f]+)(?:\.sock)?$/.exec(name)?.[1];
    if (id === undefined) continue;
    const stat = lstatSync(join(base, name), { throwIfNoEntry: false });
    if (!stat || Date.now() - stat.mtimeMs < LITTER_AGE || (await runLives(base, id))) continue;
    rmSync(join(base, name), { recursive: true, force: true });
  }
}

export interface KnownNet {
  readonly net: string;
  readonly rundir: string;
  /** Absent for a net that has ended, of which only the logs are left. */
  readonly running?: RunRecord;
  /** Set for one that lives, but whose net.json is damaged or gone: what to do about it. */
  readonly unreachable?: string | undefined;
}

/** All nets that run or have left logs, by name. */
export async function knownNets(base: string): Promise<KnownNet[]> {
  const names = list(base).filter((name) => !name.startsWith('.'));
  return Promise.all(
    names.sort().map(async (net) => {
      const rundir = join(base, net);
      const owner = ownerOf(rundir);
      if (owner === undefined || !(await runLives(base, owner))) return { net, rundir };
      const record = readRecord(rundir);
      if (record?.id === owner) return { net, rundir, running: record };
      return { net, rundir, unreachable: howToEnd(net, rundir, owner) };
    }),
  );
}

/** Undefined if it is gone at this moment. */
function howToEnd(net: string, rundir: string, owner: string): string | undefined {
  try {
    const pid = readFileSync(join(rundir, `run-${owner}`), 'utf8');
    return `${net} is running, but ${join(rundir, 'net.json')} is damaged; end it with: kill ${pid}`;
  } catch {
    return undefined;
  }
}
