// Work inside another network namespace of the machine (network_namespaces(7)). What is opened there stays
// there; the process itself does not move.

import { closeSync, openSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { Libc } from './libc.ts';

/** Where `ip netns` keeps its names. */
const NAMED = '/run/netns';
const OWN = '/proc/thread-self/ns/net';
const CLONE_NEWNET = 0x40000000;

/**
 * Does `work` with this thread in a network namespace, and comes back.
 * @param netns a name as of `ip netns`, or an absolute path
 * @throws Error in one line if there is no such namespace, or no right to enter it
 */
export function inNetworkNamespace<T>(libc: Libc, netns: string, work: () => T): T {
  const home = openSync(OWN, 'r');
  try {
    enter(libc, netns);
    try {
      return work();
    } finally {
      comeBack(libc, home, netns);
    }
  } finally {
    closeSync(home);
  }
}

function enter(libc: Libc, netns: string): void {
  const path = isAbsolute(netns) ? netns : join(NAMED, netns);
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    throw new Error(whyNotOpened(netns, path, (error as NodeJS.ErrnoException).code), { cause: error });
  }
  try {
    if (libc.setns(fd, CLONE_NEWNET) < 0) throw new Error(whyNotEntered(netns, path, libc.errno()));
  } finally {
    closeSync(fd);
  }
}

/** A device that stayed there would lose its cables. */
function comeBack(libc: Libc, home: number, netns: string): void {
  if (libc.setns(home, CLONE_NEWNET) < 0)
    throw new Error(`no way back from network namespace ${netns} to that of tincan: run as root of this one`);
}

function whyNotOpened(netns: string, path: string, code: string | undefined): string {
  if (code === 'EACCES') return notAllowed(netns);
  if (code !== 'ENOENT' && code !== 'ENOTDIR')
    return `network namespace ${netns} (${path}) can't be opened: ${code}`;
  return isAbsolute(netns)
    ? `there is no network namespace ${netns}: give the path of one, such as /proc/PID/ns/net`
    : `there is no network namespace ${netns} (${path}): make it with \`ip netns add ${netns}\``;
}

function whyNotEntered(netns: string, path: string, code: string): string {
  if (code === 'EPERM') return notAllowed(netns);
  if (code === 'EINVAL') return `${path} is no network namespace`;
  return `network namespace ${netns} can't be entered: ${code}`;
}

function notAllowed(netns: string): string {
  return `network namespace ${netns} may not be entered: run as root, or with CAP_SYS_ADMIN and CAP_NET_ADMIN`;
}
