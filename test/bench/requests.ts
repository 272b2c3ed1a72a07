// HTTP requests a second: the curl and the web server of devices, with the net between them and with the
// kernel's loopback. The code of both is the same, each has a process of its own, and each request is
// logged: what differs is the TCP under them, and the router, the provider and the cables.

import type { ExecResult } from '../../orchestrator/api.ts';
import type { Figure, Size, Trial } from './figure.ts';
import { home, WEB } from './nets.ts';
import { Program } from './program.ts';

const NAME = 'www.example.com';
const FOLDER = 'devices/sites/www.example.com';

/** Each is of a curl of its own, and kept for all its requests. */
const CONNECTIONS = 50;

/** Arguments of a curl that asks for a page so many times, one after another. */
function repeatedly(requests: number, address: string, port: number): string[] {
  const one = ['-o', '/dev/null', `http://${NAME}:${port}/`];
  return ['-sSf', '--resolve', `${NAME}:${port}:${address}`, ...Array<string[]>(requests).fill(one).flat()];
}

/** Requests a second of curls that `run` runs at once. */
async function rate(requests: number, run: () => Promise<readonly ExecResult[]>): Promise<number> {
  const begun = performance.now();
  const outcomes = await run();
  const seconds = (performance.now() - begun) / 1000;
  const failed = outcomes.find(({ stderr, exitCode }) => stderr !== '' || exitCode !== 0);
  if (failed) throw new Error(`a request failed: ${failed.stderr}`);
  return requests / seconds;
}

async function open({ requests }: Size): Promise<Trial> {
  const net = await home();
  const program = (name: string, ...args: string[]) =>
    new Program(['test/support/run.js', `test/bench/programs/${name}.ts`, ...args]);
  const web = program('kernel-web', NAME, FOLDER);
  const client = program('kernel-curl');
  const each = requests / CONNECTIONS;
  const { port } = await web.next<{ port: number }>();
  const onNet = ['curl', ...repeatedly(each, WEB, 80)];
  const onKernel = repeatedly(each, '127.0.0.1', port);
  return {
    ours: () =>
      rate(requests, () =>
        Promise.all(Array.from({ length: CONNECTIONS }, () => net.device('laptop').exec(onNet))),
      ),
    against: () => rate(requests, () => client.ask({ do: 'curl', args: onKernel, times: CONNECTIONS })),
    close: async () => {
      await client.end();
      await web.end();
      await net.close();
    },
  };
}

export const requests: Figure = {
  name: 'requests',
  title: 'HTTP requests on 50 connections through NAT',
  against: 'on loopback',
  unit: 'requests/s',
  open,
};
