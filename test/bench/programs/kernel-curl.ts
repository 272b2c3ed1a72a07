// The curl of a device on the kernel's TCP. {"do":"curl","args":[…],"times":N} runs it so many times at once,
// and answers with the outcomes.

import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { HttpCache } from '../../../shared/apps/http/cache.ts';
import type { CommandContext } from '../../../shared/device/command.ts';
import { curl } from '../../../shared/device/commands/curl.ts';
import { kernelSockets, serve } from './kernel-sockets.ts';

const sockets = kernelSockets('laptop');
const none = () => [];
const context: CommandContext = {
  device: 'laptop',
  sockets,
  tables: { arp: none, routes: none, pathMtu: () => undefined, links: none, tcp: none, udp: none },
  nameServers: none,
  httpCache: new HttpCache(sockets.clock),
};

async function run(args: readonly string[]): Promise<object> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const printed = Promise.all([text(stdout), text(stderr)]);
  const interrupt = new AbortController().signal;
  const io = { stdin: Readable.from([]), stdout, stderr, cwd: process.cwd(), interrupt };
  const exitCode = await curl(args, io, context);
  stdout.end();
  stderr.end();
  const [out, err] = await printed;
  return { stdout: out, stderr: err, exitCode };
}

serve(({ args, times }: { args: readonly string[]; times: number }) =>
  Promise.all(Array.from({ length: times }, () => run(args))),
);
