// ping, with the command line, the output and the exit codes of iputils.

import { type PingReply, type PingSummary, ping as sendPings } from '../../apps/ping/ping.ts';
import { formatIpv4, parseIpv4 } from '../../core/address.ts';
import type { SocketErrorReport, Sockets } from '../../socket/sockets.ts';
import type { CommandContext } from '../command.ts';
import { CommandFailure, type Console, command } from './console.ts';
import { resolveHost } from './host.ts';
import { OptionError, parseNumber, parseOptions } from './options.ts';
import { errorCode, strerror } from './strerror.ts';

const USAGE = `
Usage
  ping [options] <destination>

Options:
  <destination>      dns name or ip address
  -4                 use IPv4
  -c <count>         stop after <count> replies
  -D                 print timestamps
  -f                 flood ping
  -I <interface>     either interface name or address
  -i <interval>      seconds between sending each packet
  -M <pmtud opt>     define mtu discovery, can be one of <do|dont|want>
  -n                 no dns name resolution
  -O                 report outstanding replies
  -q                 quiet output
  -s <size>          use <size> as number of data bytes to be sent
  -t <ttl>           define time to live
  -w <deadline>      reply wait <deadline> in seconds
  -W <timeout>       time to wait for response`;

const SPECS = {
  ipv4: { short: '4' },
  count: { short: 'c', value: true },
  timestamps: { short: 'D' },
  flood: { short: 'f' },
  help: { short: 'h' },
  source: { short: 'I', value: true },
  interval: { short: 'i', value: true },
  discovery: { short: 'M', value: true },
  numeric: { short: 'n' },
  outstanding: { short: 'O' },
  quiet: { short: 'q' },
  size: { short: 's', value: true },
  ttl: { short: 't', value: true },
  deadline: { short: 'w', value: true },
  timeout: { short: 'W', value: true },
};

const ICMP_HEADER = 8;
const IP_AND_ICMP_HEADERS = 28;
/** From here on the data holds the time at which it was sent. */
const TIMED_SIZE = 16;
/** What an IPv4 packet can hold. */
const LARGEST_SIZE = 65507;
/** ms; an interval of 0 is a flood. */
const USUAL_INTERVAL = 1000;
const SHORTEST_INTERVAL = 1;

interface Settings {
  host: string;
  count: number | undefined;
  interval: number;
  size: number;
  ttl: number | undefined;
  timeout: number;
  deadline: number | undefined;
  dontFragment: boolean | undefined;
  source: string | undefined;
  quiet: boolean;
  flood: boolean;
  timestamps: boolean;
  outstanding: boolean;
}

function fail(message: string, exitCode = 1): never {
  throw new CommandFailure(exitCode, `ping: ${message}`);
}

function wholeNumber(text: string, lowest: number, highest: number): number {
  const value = parseNumber(text);
  if (value === undefined) fail(`invalid argument: '${text}'`);
  if (value < lowest || value > highest)
    fail(`invalid argument: '${text}': out of range: ${lowest} <= value <= ${highest}`);
  return value;
}

function milliseconds(text: string, what: string): number {
  return (parseNumber(text, true) ?? fail(`${what}: '${text}'`)) * 1000;
}

function parseInterval(text: string): number {
  const interval = milliseconds(text, 'bad timing interval');
  return interval === 0 ? 0 : Math.max(interval, SHORTEST_INTERVAL);
}

function parseDiscovery(text: string): boolean | undefined {
  if (text === 'do') return true;
  if (text === 'dont') return false;
  if (text === 'want') return undefined;
  return fail(`invalid -M argument: ${text}`);
}

function parse(args: readonly string[]): Settings {
  const settings: Settings = {
    host: '',
    count: undefined,
    interval: USUAL_INTERVAL,
    size: 56,
    ttl: undefined,
    timeout: 10_000,
    deadline: undefined,
    dontFragment: undefined,
    source: undefined,
    quiet: false,
    flood: false,
    timestamps: false,
    outstanding: false,
  };
  const { options, operands } = readOptions(args);
  let interval: number | undefined;
  for (const { name, value } of options) {
    if (name === 'count') settings.count = wholeNumber(value, 1, Number.MAX_SAFE_INTEGER);
    else if (name === 'interval') interval = parseInterval(value);
    else if (name === 'flood') settings.flood = true;
    else if (name === 'size') settings.size = wholeNumber(value, 0, LARGEST_SIZE);
    else if (name === 'ttl') settings.ttl = wholeNumber(value, 0, 255);
    else if (name === 'timeout') settings.timeout = milliseconds(value, 'bad linger time');
    else if (name === 'deadline') settings.deadline = wholeNumber(value, 0, 2147483) * 1000 || undefined;
    else if (name === 'discovery') settings.dontFragment = parseDiscovery(value);
    else if (name === 'source') settings.source = value;
    else if (name === 'quiet') settings.quiet = true;
    else if (name === 'timestamps') settings.timestamps = true;
    else if (name === 'outstanding') settings.outstanding = true;
    else if (name === 'help') throw new CommandFailure(2, USAGE);
  }
  settings.interval = interval ?? (settings.flood ? 0 : USUAL_INTERVAL);
  settings.host = operands.at(-1) ?? fail('usage error: Destination address required');
  if (operands.length > 1) throw new CommandFailure(2, USAGE);
  if (settings.ttl === 0) fail('cannot set unicast time-to-live: Invalid argument', 2);
  return settings;
}

function readOptions(args: readonly string[]): ReturnType<typeof parseOptions<keyof typeof SPECS>> {
  try {
    return parseOptions(args, SPECS);
  } catch (error) {
    if (error instanceof OptionError) throw new CommandFailure(2, `ping: ${error.text}\n${USAGE}`);
    throw error;
  }
}

/** The source address that -I names, and how the first line shows it. */
function sourceOf(sockets: Sockets, source: string): { address: string; text: string } {
  if (parseIpv4(source) !== undefined) {
    const own = sockets.interfaces.some(({ addresses }) =>
      addresses.some(({ address }) => formatIpv4(address) === source),
    );
    return own
      ? { address: source, text: ` from ${source} :` }
      : fail('bind: Cannot assign requested address', 2);
  }
  const handle = sockets.interfaces.find(({ name }) => name === source);
  if (!handle) return fail(`SO_BINDTODEVICE ${source}: No such device`, 2);
  const [cidr] = handle.addresses;
  if (!cidr) return fail(`Warning: source address might be selected on device other than: ${source}`, 2);
  const address = formatIpv4(cidr.address);
  return { address, text: ` from ${address} ${source}:` };
}

/** Asks for the way by connecting a UDP socket, as the original does before it sends anything. */
function checkRoute(sockets: Sockets, address: string): void {
  const probe = sockets.createUdpSocket();
  try {
    probe.connect(1025, address);
  } catch (error) {
    if (errorCode(error) === 'EACCES')
      fail('Do you want to ping broadcast? Then -b. If not, check your local firewall rules', 2);
    fail(`connect: ${strerror(error)}`, 2);
  } finally {
    probe.close();
  }
}

/** As iputils rounds: the longer, the fewer decimals. */
export function formatRoundTrip(ms: number): string {
  if (ms >= 99.95) return String(Math.floor(ms + 0.5));
  if (ms >= 9.995) return (Math.floor(ms * 10 + 0.5) / 10).toFixed(1);
  if (ms >= 1) return (Math.floor(ms * 100 + 0.5) / 100).toFixed(2);
  return (Math.floor(ms * 1000) / 1000).toFixed(3);
}

const UNREACHABLE = [
  'Destination Net Unreachable',
  'Destination Host Unreachable',
  'Destination Protocol Unreachable',
  'Destination Port Unreachable',
  'Frag needed and DF set',
  'Source Route Failed',
  'Destination Net Unknown',
  'Destination Host Unknown',
  'Source Host Isolated',
  'Destination Net Prohibited',
  'Destination Host Prohibited',
  'Destination Net Unreachable for Type of Service',
  'Destination Host Unreachable for Type of Service',
  'Packet filtered',
  'Precedence Violation',
  'Precedence Cutoff',
];

function describeReport(report: SocketErrorReport): string {
  switch (report.kind) {
    case 'too-big':
      return `Frag needed and DF set (mtu = ${report.mtu})`;
    case 'time-exceeded':
      return report.code === 1 ? 'Frag reassembly time exceeded' : 'Time to live exceeded';
    case 'parameter-problem':
      return 'Parameter problem';
    case 'unreachable':
      return UNREACHABLE[report.code] ?? `Dest Unreachable, Bad Code: ${report.code}`;
  }
}

/** C's %g. */
function general(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function statistics(settings: Settings, summary: PingSummary, elapsed: number): string {
  const { transmitted, received, duplicates, errors } = summary;
  const parts = [`${transmitted} packets transmitted`, `${received} received`];
  if (duplicates > 0) parts.push(`+${duplicates} duplicates`);
  if (errors > 0) parts.push(`+${errors} errors`);
  if (transmitted > 0) {
    parts.push(`${general((100 * (transmitted - received)) / transmitted)}% packet loss`);
    parts.push(`time ${Math.round(elapsed)}ms`);
  }
  return `\n--- ${settings.host} ping statistics ---\n${parts.join(', ')}\n${timing(settings, summary, elapsed)}\n`;
}

/** The last line: round trips, how many requests were under way at a time, and of a flood the gaps between them. */
function timing({ size, flood, interval }: Settings, summary: PingSummary, elapsed: number): string {
  const { rtt, pipe, transmitted } = summary;
  const parts: string[] = [];
  const texts = (...times: number[]) => times.map((ms) => ms.toFixed(3)).join('/');
  if (rtt && size >= TIMED_SIZE)
    parts.push(`rtt min/avg/max/mdev = ${texts(rtt.min, rtt.avg, rtt.max, rtt.mdev)} ms`);
  if (pipe > 1) parts.push(`pipe ${pipe}`);
  if (rtt && (flood || interval === 0) && transmitted > 1)
    parts.push(`ipg/ewma ${texts(elapsed / (transmitted - 1), rtt.ewma)} ms`);
  return parts.join(', ');
}

async function run(args: readonly string[], console: Console, context: CommandContext): Promise<number> {
  const settings = parse(args);
  const { sockets } = context;
  const { host, size, quiet, flood } = settings;
  const address = await resolveHost(sockets, host, console.signal).catch((error) => {
    console.signal.throwIfAborted();
    return fail(`${host}: ${strerror(error)}`, 2);
  });
  const source = settings.source === undefined ? undefined : sourceOf(sockets, settings.source);
  checkRoute(sockets, address);
  await console.print(
    `PING ${host} (${address})${source?.text ?? ''} ${size}(${size + IP_AND_ICMP_HEADERS}) bytes of data.\n`,
  );

  const start = sockets.clock.now();
  let lastEvent = start;
  const say = (line: string): void => {
    const stamp = settings.timestamps ? `[${(Date.now() / 1000).toFixed(6)}] ` : '';
    if (!quiet && !flood) console.printNow(`${stamp}${line}\n`);
  };
  /** A flood shows a dot for each request that is under way, and an E for each error. */
  const show = (text: string): void => {
    if (!quiet && flood) console.printNow(text);
  };

  const onReply = (reply: PingReply): void => {
    lastEvent = sockets.clock.now();
    show('\b \b');
    const time = reply.size - ICMP_HEADER >= TIMED_SIZE ? ` time=${formatRoundTrip(reply.time)} ms` : '';
    const duplicate = reply.duplicate ? ' (DUP!)' : '';
    say(
      `${reply.size} bytes from ${reply.from}: icmp_seq=${reply.sequence & 0xffff} ttl=${reply.ttl}${time}${duplicate}`,
    );
  };

  const summary = await sendPings(sockets, {
    destination: address,
    count: settings.count,
    interval: settings.interval,
    size,
    ttl: settings.ttl,
    dontFragment: settings.dontFragment,
    source: source?.address,
    timeout: settings.timeout,
    deadline: settings.deadline,
    signal: console.signal,
    onSend: () => show('.'),
    onReply,
    onReport(report, sequence) {
      lastEvent = sockets.clock.now();
      show('\bE');
      say(`From ${report.from} icmp_seq=${sequence & 0xffff} ${describeReport(report)}`);
    },
    onSendError(error) {
      const text =
        error.code === 'EMSGSIZE'
          ? `local error: message too long, mtu=${error.mtu}`
          : `sendmsg: ${strerror(error)}`;
      show('E');
      if (!quiet && !flood) void console.complain(`ping: ${text}\n`);
    },
    onUnanswered(sequence) {
      if (settings.outstanding) say(`no answer yet for icmp_seq=${sequence & 0xffff}`);
    },
  });

  if (console.signal.aborted && console.io.interrupt.reason !== 'SIGINT') return console.signalExit;
  // The time from the first packet to the last one sent or received, as the original counts.
  const elapsed = Math.max(lastEvent - start, (summary.transmitted - 1) * settings.interval);
  console.printNow(statistics(settings, summary, Math.min(elapsed, summary.time)));
  if (!console.signal.aborted) await console.drained();
  const expected = settings.deadline === undefined ? 1 : (settings.count ?? 1);
  return summary.received >= expected ? 0 : 1;
}

export const ping = command('ping', run);
