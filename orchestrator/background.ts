// Between `up -d` and the orchestrator that it leaves running: progress, then readiness or what failed,
// over Node's channel to a child process. While the net starts, the end of either is the end of it.

import { spawn } from 'node:child_process';
import { Failure } from './failure.ts';
import type { NetStatus } from './net-status.ts';
import type { UpOptions } from './options.ts';
import { builtProgram } from './package-root.ts';

type Message =
  | { readonly t: 'progress'; readonly missing: readonly string[] }
  | { readonly t: 'ready'; readonly status: NetStatus }
  | { readonly t: 'failed'; readonly message: string };

/** Resolves when the net is ready. @throws Failure with what failed there */
export function startInBackground(
  path: string,
  options: UpOptions,
  progress: (missing: readonly string[]) => void,
): Promise<NetStatus> {
  const argv = [builtProgram, 'up', path, '--background', '--timeout', `${options.timeout}ms`];
  argv.push('--log-level', options.logLevel, ...(options.net === undefined ? [] : ['--net', options.net]));
  const child = spawn(process.execPath, argv, {
    argv0: 'tincan',
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  // A signal here ends the command, and with its channel the net that was to be.
  return new Promise((resolve, reject) => {
    let failure: Failure | undefined;
    child.on('message', (message: Message) => {
      if (message.t === 'progress') progress(message.missing);
      else if (message.t === 'failed') failure = new Failure(message.message);
      else {
        child.disconnect();
        child.stderr?.destroy();
        child.unref();
        resolve(message.status);
      }
    });
    child.on('error', (error) => reject(new Failure(`the orchestrator can't be started: ${error.message}`)));
    child.on('exit', (code, signal) => {
      const why = errors.trim().split('\n').at(-1) || (signal ?? `exit code ${code}`);
      reject(failure ?? new Failure(`the orchestrator ended while the net started: ${why}`));
    });
  });
}

export interface Foreground {
  readonly progress: (missing: readonly string[]) => void;
  ready(status: NetStatus): void;
  failed(message: string): void;
}

/** The other side. @param gone called if the command ends before the net is ready */
export function tellForeground(gone: () => void): Foreground {
  let waited = true;
  const left = () => {
    if (waited) gone();
  };
  process.on('disconnect', left);
  // It may have gone while this process was starting, when nobody listened.
  if (!process.connected) left();
  const tell = (message: Message) => {
    // It may be going at this moment; then `disconnect` says so.
    if (process.connected) process.send?.(message, undefined, undefined, () => {});
  };
  return {
    progress: (missing) => tell({ t: 'progress', missing }),
    ready(status) {
      waited = false;
      tell({ t: 'ready', status });
    },
    failed(message) {
      waited = false;
      tell({ t: 'failed', message });
      if (process.connected) process.disconnect();
    },
  };
}
