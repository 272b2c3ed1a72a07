// traceroute, with the command line and the output of Linux's traceroute.

import { traceroute as sendProbes, type TracerouteProbe } from '../../apps/traceroute/traceroute.ts';
import { CommandFailure, type Console, command } from './console.ts';
import { resolveHost } from './host.ts';
import { OptionError, parseNumber, parseOptions } from './options.ts';
import { strerror } from './strerror.ts';

const USAGE = `Usage:
  traceroute [ -4FIn ] [ -f first_ttl ] [ -m max_ttl ] [ -p port ] [ -t tos ] [ -w MAX ] [ -q nqueries ] host [ packetlen ]
Options:
  -4                          Use IPv4
  -F  --dont-fragment         Do not fragment packets
  -f first_ttl  --first=first_ttl
                              Start from the first_ttl hop (instead from 1)
  -I  --icmp                  Use ICMP ECHO for tracerouting
  -m max_ttl  --max-hops=max_ttl
                              Set the max number of hops (max TTL to be
                              reached). Default is 30
  -n                          Do not resolve IP addresses to their domain names
  -p port  --port=port        Set the initial udp port value (incremented by
                              each probe, default is 33434)
  -q nqueries  --queries=nqueries
                              Set the number of probes per each hop. Default is 3
  -t tos  --tos=tos           Set the TOS (IPv4 type of service) value for
                              outgoing packets
  -w MAX  --wait=MAX          Wait for a probe no more than MAX seconds (float
                              point values allowed too). Default is 5
  -U  --udp                   Use UDP for tracerouting (the default)
      --help                  Read this help and exit

Arguments:
      host          The host to traceroute to
      packetlen     The full packet length (default is the length of an IP
                    header plus 40)
`;

const SPECS = {
  ipv4: { short: '4' },
  dontFragment: { short: 'F', long: 'dont-fragment' },
  first: { short: 'f', long: 'first', value: true },
  icmp: { short: 'I', long: 'icmp' },
  maxHops: { short: 'm', long: 'max-hops', value: true },
  numeric: { short: 'n' },
  port: { short: 'p', long: 'port', value: true },
  queries: { short: 'q', long: 'queries', value: true },
  tos: { short: 't', long: 'tos', value: true },
  wait: { short: 'w', long: 'wait', value: true },
  udp: { short: 'U', long: 'udp' },
  help: { long: 'help' },
};

/** IP header, then a UDP or ICMP header: both have 8 bytes. */
const HEADERS = 28;
const LONGEST_PACKET = 65000;

interface Settings {
  host: string;
  packetLength: number;
  method: 'udp' | 'icmp';
  firstTtl: number;
  maxTtl: number;
  probes: number;
  wait: number;
  port: number | undefined;
  tos: number | undefined;
  numeric: boolean;
  dontFragment: boolean | undefined;
}

function fail(message: string): never {
  throw new CommandFailure(2, message);
}

function parse(args: readonly string[]): Settings {
  const settings: Settings = {
    host: '',
    packetLength: 60,
    method: 'udp',
    firstTtl: 1,
    maxTtl: 30,
    probes: 3,
    wait: 5000,
    port: undefined,
    tos: undefined,
    numeric: false,
    dontFragment: undefined,
  };
  const { options, operands } = readOptions(args);
  for (const { name, flag, value } of options) {
    const number = (fraction = false): number =>
      parseNumber(value, fraction) ?? fail(`Cannot handle \`${flag}' option with arg \`${value}'`);
    if (name === 'first') settings.firstTtl = number();
    else if (name === 'maxHops') settings.maxTtl = number();
    else if (name === 'queries') settings.probes = number();
    else if (name === 'port') settings.port = number();
    else if (name === 'tos') settings.tos = number();
    else if (name === 'wait') settings.wait = number(true) * 1000;
    else if (name === 'icmp') settings.method = 'icmp';
    else if (name === 'udp') settings.method = 'udp';
    else if (name === 'numeric') settings.numeric = true;
    else if (name === 'dontFragment') settings.dontFragment = true;
  }
  const [host, length, extra] = operands;
  settings.host = host ?? fail('Specify "host" missing argument.');
  if (length !== undefined)
    settings.packetLength = parseNumber(length) ?? fail(`Cannot handle "packetlen" cmdline arg \`${length}'`);
  if (extra !== undefined) fail(`Extra arg \`${extra}'`);
  checkRanges(settings);
  return settings;
}

function checkRanges(settings: Settings): void {
  if (settings.firstTtl < 1 || settings.firstTtl > settings.maxTtl) fail('first hop out of range');
  if (settings.maxTtl > 255) fail('max hops cannot be more than 255');
  if (settings.probes < 1 || settings.probes > 10) fail('no more than 10 probes per hop');
  if (settings.wait <= 0) fail("bad wait specifications `0' used");
  if (settings.packetLength > LONGEST_PACKET) fail(`too big packetlen ${settings.packetLength} specified`);
  if ((settings.port ?? 1) < 1 || (settings.port ?? 1) > 65535) fail(`bad port ${settings.port}`);
  if ((settings.tos ?? 0) > 255) fail('bad TOS value');
}

function readOptions(args: readonly string[]): ReturnType<typeof parseOptions<keyof typeof SPECS>> {
  try {
    return parseOptions(args, SPECS);
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    return fail(
      error.problem === 'unknown'
        ? `Bad option \`${error.flag}'`
        : `Option \`${error.flag}' ${error.problem === 'no-value' ? 'requires an argument' : 'takes no argument'}`,
    );
  }
}

/** One probe as it is printed: the address where it differs from what this hop said last. */
function probeText(probe: TracerouteProbe, said: string | undefined, numeric: boolean): string {
  const time = probe.rtt === undefined ? '' : `  ${probe.rtt.toFixed(3)} ms`;
  const annotation = probe.annotation === undefined ? '' : ` ${probe.annotation}`;
  if (probe.address === undefined) return ` *${time}${annotation}`;
  const address = numeric ? probe.address : `${probe.address} (${probe.address})`;
  return `${probe.address === said ? '' : ` ${address}`}${time}${annotation}`;
}

export const traceroute = command('traceroute', async (args, console: Console, { sockets }) => {
  if (args.length === 0 || args.includes('--help')) {
    await console.print(USAGE);
    return 0;
  }
  const settings = parse(args);
  const { host, numeric, probes, maxTtl } = settings;
  const address = await resolveHost(sockets, host, console.signal).catch((error) => {
    console.signal.throwIfAborted();
    return fail(`${host}: ${strerror(error)}\nCannot handle "host" cmdline arg \`${host}' on position 1`);
  });
  const packetLength = Math.max(settings.packetLength, HEADERS);
  await console.print(
    `traceroute to ${host} (${address}), ${maxTtl} hops max, ${packetLength} byte packets\n`,
  );
  let said: string | undefined;
  try {
    await sendProbes(sockets, {
      destination: address,
      method: settings.method,
      firstTtl: settings.firstTtl,
      maxTtl,
      probes,
      wait: settings.wait,
      port: settings.port,
      size: packetLength - HEADERS,
      tos: settings.tos,
      dontFragment: settings.dontFragment,
      signal: console.signal,
      onProbe(probe) {
        const first = probe.probe === 0;
        if (first) said = undefined;
        const text = probeText(probe, said, numeric);
        said = probe.address ?? said;
        const hop = first ? `${String(probe.ttl).padStart(2)} ` : '';
        console.printNow(`${hop}${text}${probe.probe === probes - 1 ? '\n' : ''}`);
      },
    });
  } catch (error) {
    throw new CommandFailure(1, `connect: ${strerror(error)}`);
  }
  if (console.signal.aborted) return console.signalExit;
  await console.drained();
  return 0;
});
