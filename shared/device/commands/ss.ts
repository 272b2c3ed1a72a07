// ss: the sockets of the device, in iproute2's columns.

import type { SocketRow } from '../command.ts';
import { CommandFailure, command } from './console.ts';
import { OptionError, parseOptions } from './options.ts';

const USAGE = `Usage: ss [ OPTIONS ]
   -h, --help          this message
   -n, --numeric       don't resolve service names
   -a, --all           display all sockets
   -l, --listening     display listening sockets
   -o, --options       show timer information
   -i, --info          show internal TCP information
   -4, --ipv4          display only IP version 4 sockets
   -t, --tcp           display only TCP sockets
   -u, --udp           display only UDP sockets
   -H, --no-header     Suppress header line`;

const SPECS = {
  help: { short: 'h', long: 'help' },
  numeric: { short: 'n', long: 'numeric' },
  all: { short: 'a', long: 'all' },
  listening: { short: 'l', long: 'listening' },
  options: { short: 'o', long: 'options' },
  info: { short: 'i', long: 'info' },
  ipv4: { short: '4', long: 'ipv4' },
  tcp: { short: 't', long: 'tcp' },
  udp: { short: 'u', long: 'udp' },
  noHeader: { short: 'H', long: 'no-header' },
};

/** RFC 9293's names, and how ss shortens them. */
const STATES: Readonly<Record<string, string>> = {
  ESTABLISHED: 'ESTAB',
  'SYN-RECEIVED': 'SYN-RECV',
  CLOSED: 'UNCONN',
};

/** What ss shows without -a and -l: neither listeners nor, for TCP, what is no longer open. */
const LISTENING = new Set(['LISTEN', 'UNCONN']);
const CLOSED = new Set(['TIME-WAIT', 'SYN-RECV']);

interface Line {
  readonly netid: 'tcp' | 'udp';
  readonly state: string;
  readonly row: SocketRow;
}

function linesOf(netid: 'tcp' | 'udp', rows: readonly SocketRow[]): Line[] {
  return rows.map((row) => ({ netid, row, state: STATES[row.state] ?? row.state }));
}

/** `10.0.0.1:80` to its parts; what is not there, or port 0, is `*`. */
function splitEndpoint(endpoint: string): [address: string, port: string] {
  const colon = endpoint.lastIndexOf(':');
  if (colon < 0) return ['0.0.0.0', '*'];
  const port = endpoint.slice(colon + 1);
  return [endpoint.slice(0, colon), port === '0' ? '*' : port];
}

function detailsText(details: SocketRow['details']): string {
  const parts = Object.entries(details).map(([name, value]) => `${name}:${value}`);
  return parts.length > 0 ? `\t ${parts.join(' ')}\n` : '';
}

/** ` timer:(on,2.420ms,3)`: name, time until it goes off, how often it did in vain. */
function timerText({ timer }: SocketRow): string {
  if (!timer) return '';
  return ` timer:(${timer.name},${timerDuration(Math.round(timer.expiresIn))},${timer.tries})`;
}

/** As iproute2 writes them: `59sec`, `1min3sec`, `200ms`, and `2.420ms` for 2.42 s. */
function timerDuration(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  const seconds = minutes > 9 ? 0 : Math.floor(ms / 1000) % 60;
  const rest = minutes > 0 || seconds > 9 ? 0 : ms % 1000;
  const parts = [
    minutes > 0 ? `${minutes}min` : '',
    seconds > 0 ? `${seconds}${rest > 0 ? '.' : 'sec'}` : '',
    rest > 0 ? `${String(rest).padStart(3, '0')}ms` : '',
  ];
  return parts.join('');
}

interface Shown {
  readonly netid: boolean;
  readonly header: boolean;
  readonly info: boolean;
  readonly timers: boolean;
}

/** Columns that end in an address and a port meet at the colon. */
function formatLines(lines: readonly Line[], shown: Shown): string {
  const cells = lines.map(({ netid, state, row }) => [
    netid,
    state,
    String(row.receiveQueue),
    String(row.sendQueue),
    ...splitEndpoint(row.local),
    ...splitEndpoint(row.remote),
  ]);
  const heading = ['Netid', 'State', 'Recv-Q', 'Send-Q', 'Local Address', 'Port', 'Peer Address', 'Port'];
  const measured = shown.header ? [heading, ...cells] : cells;
  const widths = heading.map((_, column) =>
    Math.max(0, ...measured.map((line) => line[column]?.length ?? 0)),
  );
  const format = (line: readonly string[]): string => {
    const at = (column: number): string => (line[column] ?? '').padEnd(widths[column] ?? 0);
    const endpoint = (column: number): string =>
      `${(line[column] ?? '').padStart(widths[column] ?? 0)}:${at(column + 1)}`;
    const first = shown.netid ? [at(0)] : [];
    return `${[...first, at(1), at(2), at(3), endpoint(4), endpoint(6)].join(' ').trimEnd()}`;
  };
  const body = cells.map((line, index) => {
    const { row } = lines[index]!;
    const timer = shown.timers ? timerText(row) : '';
    return `${format(line)}${timer}\n${shown.info ? detailsText(row.details) : ''}`;
  });
  return `${shown.header ? `${format(heading)}\n` : ''}${body.join('')}`;
}

export const ss = command('ss', async (args, console, { tables }) => {
  const { options, operands } = readOptions(args);
  const given = new Set(options.map(({ name }) => name));
  if (given.has('help')) {
    await console.print(`${USAGE}\n`);
    return 0;
  }
  if (operands.length > 0)
    throw new CommandFailure(255, `ss: filters are not supported: '${operands.join(' ')}'\n${USAGE}`);
  const both = given.has('tcp') === given.has('udp');
  const lines = [
    ...(both || given.has('udp') ? linesOf('udp', tables.udp()) : []),
    ...(both || given.has('tcp') ? linesOf('tcp', tables.tcp()) : []),
  ].filter(({ state }) => {
    if (given.has('all')) return true;
    return given.has('listening') ? LISTENING.has(state) : !LISTENING.has(state) && !CLOSED.has(state);
  });
  await console.print(
    formatLines(lines, {
      netid: both,
      header: !given.has('noHeader'),
      info: given.has('info'),
      timers: given.has('options'),
    }),
  );
  return 0;
});

/** iproute2 leaves with -1. */
function readOptions(args: readonly string[]): ReturnType<typeof parseOptions<keyof typeof SPECS>> {
  try {
    return parseOptions(args, SPECS);
  } catch (error) {
    if (error instanceof OptionError) throw new CommandFailure(255, `ss: ${error.text}\n${USAGE}`);
    throw error;
  }
}
