// How commands meet slow and closed readers, and signals.

import { once } from 'node:events';
import { PassThrough, Readable, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { HttpCache } from '../../../shared/apps/http/cache.ts';
import type { CommandContext, CommandIo } from '../../../shared/device/command.ts';
import { Console, command } from '../../../shared/device/commands/console.ts';
import { NO_TABLES, stuckStream } from '../../support/command-bench.ts';
import { fakeSockets } from '../../support/fake-sockets.ts';

const sockets = fakeSockets();
const CONTEXT: CommandContext = {
  device: 'laptop',
  sockets,
  tables: NO_TABLES,
  nameServers: () => [],
  httpCache: new HttpCache(sockets.clock),
};

function ioOn(stdout: Writable, interrupt = new AbortController().signal): CommandIo {
  return { stdin: Readable.from([]), stdout, stderr: new PassThrough(), cwd: '/', interrupt };
}

const chatter = command('chatter', async (_args, console) => {
  for (;;) await console.print('x'.repeat(512));
});

test('a reader that stops stops the writer', async () => {
  const { stream, open, taken } = stuckStream(10_000);
  const interrupt = new AbortController();
  const done = chatter([], ioOn(stream, interrupt.signal), CONTEXT);
  await new Promise((resolve) => setImmediate(resolve));
  expect(taken()).toBeLessThan(12_000);
  expect(stream.writableLength).toBeLessThan(4096);
  interrupt.abort('SIGINT');
  expect(await done).toBe(130);
  open();
});

test('a closed stdout ends the command as SIGPIPE does', async () => {
  const stdout = new PassThrough();
  const done = chatter([], ioOn(stdout), CONTEXT);
  await once(stdout, 'readable');
  stdout.destroy();
  expect(await done).toBe(141);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
])('%s leaves with %i', async (name, code) => {
  const interrupt = new AbortController();
  const stdout = new PassThrough();
  const done = chatter([], ioOn(stdout, interrupt.signal), CONTEXT);
  await once(stdout, 'readable');
  interrupt.abort(name);
  expect(await done).toBe(code);
});

test('printNow gives up lines rather than memory', () => {
  const stdout = new Writable({ write: () => {} });
  const console = new Console(ioOn(stdout));
  for (let line = 0; line < 10_000; line++) console.printNow('x'.repeat(1000));
  expect(stdout.writableLength).toBeLessThan((1 << 20) + 2000);
});

test('a fault of a command is a line on stderr', async () => {
  const failing = command('failing', async () => {
    throw new Error('no luck');
  });
  const io = ioOn(new PassThrough());
  expect(await failing([], io, CONTEXT)).toBe(1);
  expect(String((io.stderr as PassThrough).read())).toBe('failing: no luck\n');
});
