// tincan logs: what devices logged, merged in time order.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suggest } from '../../shared/topology/suggest.ts';
import { takesColours } from '../colours.ts';
import { Failure } from '../failure.ts';
import type { LogLine } from '../log-lines.ts';
import { formatLogLine, mergeLogs } from '../log-lines.ts';
import { LogTail } from '../log-tail.ts';
import { connectNet, findNetWithLogs } from '../net-client.ts';
import type { CommonOptions } from '../options.ts';

/** ms between looks at what was added; what came in one look is put in order. */
const FOLLOW_PAUSE = 100;

export async function logs(
  devices: readonly string[],
  options: CommonOptions & { follow?: boolean },
): Promise<void> {
  const net = await findNetWithLogs(options.net);
  const folder = join(net.rundir, 'logs');
  const names = devicesToShow(folder, devices, Object.keys(net.running?.devices ?? {}), net.net);
  const width = Math.max(0, ...names.map((name) => name.length));
  const colours = takesColours(process.stdout);
  const print = (line: LogLine) => {
    const text = options.json ? line.raw : formatLogLine(line, width, colours);
    return process.stdout.write(`${text}\n`);
  };
  const tails = names.map((name) => new LogTail(join(folder, `${name}.jsonl`)));
  for await (const line of mergeLogs(tails.map((tail) => tail.upToNow())))
    if (!print(line)) await new Promise((resolve) => process.stdout.once('drain', resolve));
  if (!options.follow || !net.running) return;
  const control = await connectNet(net.running);
  let over = false;
  control.closed
    .then(() => {
      over = true;
    })
    .catch(() => {});
  // Once more after the end: the last lines were written then.
  for (let last = false; !last; ) {
    await new Promise((resolve) => setTimeout(resolve, FOLLOW_PAUSE));
    last = over;
    const added = await Promise.all(tails.map((tail) => tail.added()));
    for (const line of added.flat().sort((a, b) => a.time - b.time)) print(line);
  }
}

function devicesToShow(
  folder: string,
  wanted: readonly string[],
  inNet: readonly string[],
  net: string,
): readonly string[] {
  const logged = existsSync(folder)
    ? readdirSync(folder).flatMap((file) =>
        file.endsWith('.jsonl') ? [file.slice(0, -'.jsonl'.length)] : [],
      )
    : [];
  const known = [...new Set([...inNet, ...logged])];
  for (const name of wanted)
    if (!known.includes(name)) throw new Failure(`no device "${name}" in ${net}; ${suggest(name, known)}`);
  return wanted.length === 0 ? known : [...new Set(wanted)];
}
