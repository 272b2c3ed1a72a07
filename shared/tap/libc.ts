// The calls of Linux's C library that a tap needs and Node does not have. They come by way of koffi, which
// is loaded when a tap starts and by nothing else.

import { createRequire } from 'node:module';
import { getSystemErrorMap } from 'node:util';
import type Koffi from 'koffi';

/** As the calls of the same name; -1 is a failure, whose code `errno` then tells. */
export interface Libc {
  setns(fd: number, type: number): number;
  socket(domain: number, type: number, protocol: number): number;
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  read(fd: number, buffer: Uint8Array, length: number): number;
  write(fd: number, buffer: Uint8Array, length: number): number;
  eventfd(value: number, flags: number): number;
  /** Waits in a thread of its own, and calls back. `pollfds` is in use until then. */
  poll(pollfds: Uint8Array, count: number, timeout: number, done: () => void): void;
  /** The code of the call that failed last, such as `EAGAIN`. */
  errno(): string;
}

/**
 * @param load by `require`: a program that is run from compiled code (core/compiled.ts) can import nothing
 * @throws Error that says what is missing
 */
export function loadLibc(load: (name: string) => unknown = createRequire(import.meta.url)): Libc {
  const koffi = loadKoffi(load);
  const library = koffi.load(null);
  const poll = library.func('int poll(void *pollfds, unsigned long count, int timeout)');
  return {
    setns: library.func('int setns(int fd, int type)'),
    socket: library.func('int socket(int domain, int type, int protocol)'),
    ioctl: library.func('int ioctl(int fd, unsigned long request, void *argument)'),
    // A frame's length fits an int, and koffi hands that over faster than a long.
    read: library.func('int read(int fd, void *buffer, size_t length)'),
    write: library.func('int write(int fd, void *buffer, size_t length)'),
    eventfd: library.func('int eventfd(unsigned int value, int flags)'),
    poll: (pollfds, count, timeout, done) => poll.async(pollfds, count, timeout, done),
    errno: () => getSystemErrorMap().get(-koffi.errno())?.[0] ?? `error ${koffi.errno()}`,
  };
}

function loadKoffi(load: (name: string) => unknown): typeof Koffi {
  try {
    return load('koffi') as typeof Koffi;
  } catch (error) {
    throw new Error(
      'a tap needs the optional package koffi, which is not installed for this machine: npm install --include=optional',
      { cause: error },
    );
  }
}
