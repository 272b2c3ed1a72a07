// visit: fetches a page as a browser does, with all that it is made of, and tells what came from where.

import { type VisitedResource, visit as visitPage } from '../../apps/http/visit.ts';
import { formatTable } from './columns.ts';
import { CommandFailure, command } from './console.ts';
import { OptionError, parseOptions } from './options.ts';

const USAGE = `Usage: visit [-j | --json] [--no-cache] URL

Fetches a page and its style sheets, scripts and images over connections that stay open, and keeps what the
server allows in the device's cache.
  -j, --json         print the visit as JSON
      --no-cache     neither use nor fill the cache`;

const SPECS = { json: { short: 'j', long: 'json' }, noCache: { long: 'no-cache' } };

function readOptions(args: readonly string[]): ReturnType<typeof parseOptions<keyof typeof SPECS>> {
  try {
    return parseOptions(args, SPECS);
  } catch (error) {
    if (error instanceof OptionError) throw new CommandFailure(2, `visit: ${error.text}\n${USAGE}`);
    throw error;
  }
}

function howItCame({ source, reused, error }: VisitedResource): string {
  if (error !== undefined) return error;
  if (source === 'cache') return 'from the cache';
  const how = source === 'revalidated' ? 'unchanged, from the cache' : 'from the network';
  return reused ? `${how}, on an open connection` : how;
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

export const visit = command('visit', async (args, console, { sockets, httpCache }) => {
  const { options, operands } = readOptions(args);
  const given = new Set(options.map(({ name }) => name));
  const [url, extra] = operands;
  if (url === undefined || extra !== undefined) throw new CommandFailure(2, USAGE);
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `http://${url}`;
  const cache = given.has('noCache') ? undefined : httpCache;
  const seen = await visitPage(sockets, address, { ...(cache && { cache }), signal: console.signal });
  if (given.has('json')) await console.print(`${JSON.stringify(seen)}\n`);
  else {
    const rows = seen.resources.map((resource) => [
      String(resource.status || '-'),
      resource.url,
      String(resource.bytes),
      `${resource.duration.toFixed(1)} ms`,
      howItCame(resource),
    ]);
    const { resources, connections, bytes, duration } = seen;
    await console.print(
      formatTable(['STATUS', 'URL', 'BYTES', 'TIME', 'SOURCE'], rows) +
        `${plural(resources.length, 'resource')}, ${plural(connections, 'connection')}, ` +
        `${bytes} bytes over the network in ${duration.toFixed(1)} ms\n`,
    );
  }
  return seen.resources.every(({ error }) => error === undefined) ? 0 : 1;
});
