// The command line of curl.

import { CommandFailure } from './console.ts';
import { CURLE } from './curl-error.ts';
import { OptionError, parseNumber, parseOptions } from './options.ts';

export interface CurlSettings {
  readonly urls: readonly string[];
  /** Where each URL's body goes, in their order; `-O` is undefined, further URLs go to stdout. */
  readonly outputs: readonly (string | undefined)[];
  readonly silent: boolean;
  readonly showError: boolean;
  readonly includeHeaders: boolean;
  readonly head: boolean;
  readonly verbose: boolean;
  readonly followRedirects: boolean;
  readonly maxRedirects: number;
  readonly failOnError: boolean;
  readonly compressed: boolean;
  readonly method: string | undefined;
  /** `Name: value`; `Name:` removes one of curl's own, `Name;` sends an empty one. */
  readonly headers: readonly string[];
  /** -d and its kin in order; joined by `&`. */
  readonly data: readonly CurlData[];
  /** -T: a file, or `-` for stdin. */
  readonly upload: string | undefined;
  readonly writeOut: string | undefined;
  /** ms. */
  readonly maxTime: number | undefined;
  readonly connectTimeout: number;
  readonly userAgent: string;
  readonly referer: string | undefined;
  readonly user: string | undefined;
  readonly range: string | undefined;
  /** `host:port` to addresses. */
  readonly resolve: ReadonlyMap<string, readonly string[]>;
}

export interface CurlData {
  readonly kind: 'ascii' | 'binary' | 'raw';
  readonly value: string;
}

const SPECS = {
  ascii: { long: 'data-ascii', value: true },
  binary: { long: 'data-binary', value: true },
  compressed: { long: 'compressed' },
  connectTimeout: { long: 'connect-timeout', value: true },
  data: { short: 'd', long: 'data', value: true },
  fail: { short: 'f', long: 'fail' },
  head: { short: 'I', long: 'head' },
  header: { short: 'H', long: 'header', value: true },
  help: { short: 'h', long: 'help' },
  http11: { long: 'http1.1' },
  include: { short: 'i', long: 'include' },
  insecure: { short: 'k', long: 'insecure' },
  ipv4: { short: '4', long: 'ipv4' },
  location: { short: 'L', long: 'location' },
  maxRedirects: { long: 'max-redirs', value: true },
  maxTime: { short: 'm', long: 'max-time', value: true },
  noBuffer: { short: 'N', long: 'no-buffer' },
  output: { short: 'o', long: 'output', value: true },
  range: { short: 'r', long: 'range', value: true },
  raw: { long: 'data-raw', value: true },
  referer: { short: 'e', long: 'referer', value: true },
  remoteName: { short: 'O', long: 'remote-name' },
  request: { short: 'X', long: 'request', value: true },
  resolve: { long: 'resolve', value: true },
  showError: { short: 'S', long: 'show-error' },
  silent: { short: 's', long: 'silent' },
  upload: { short: 'T', long: 'upload-file', value: true },
  url: { long: 'url', value: true },
  user: { short: 'u', long: 'user', value: true },
  userAgent: { short: 'A', long: 'user-agent', value: true },
  verbose: { short: 'v', long: 'verbose' },
  writeOut: { short: 'w', long: 'write-out', value: true },
};

/** What curl calls itself: the version whose messages these are. */
const USER_AGENT = 'curl/7.88.1';
const TRY_HELP = "curl: try 'curl --help' for more information";
const DEFAULT_CONNECT_TIMEOUT = 300_000;
const MOST_REDIRECTS = 50;

export const HELP = `Usage: curl [options...] <url>
 -4, --ipv4                  Resolve names to IPv4 addresses
     --compressed            Request compressed response
     --connect-timeout <fractional seconds>  Maximum time allowed for connection
 -d, --data <data>           HTTP POST data
     --data-binary <data>    HTTP POST binary data
     --data-raw <data>       HTTP POST data, '@' allowed
 -f, --fail                  Fail fast with no output on HTTP errors
 -H, --header <header>       Pass custom header(s) to server
 -h, --help                  This help
 -I, --head                  Show document info only
 -i, --include               Include protocol response headers in the output
 -k, --insecure              Accepted and ignored: there is no TLS
 -L, --location              Follow redirects
     --max-redirs <num>      Maximum number of redirects allowed
 -m, --max-time <fractional seconds>  Maximum time allowed for transfer
 -o, --output <file>         Write to file instead of stdout
 -O, --remote-name           Write output to a file named as the remote file
 -r, --range <range>         Retrieve only the bytes within RANGE
 -e, --referer <URL>         Referrer URL
 -X, --request <method>      Specify request method to use
     --resolve <host:port:addr[,addr]>  Resolve the host+port to this address
 -S, --show-error            Show error even when -s is used
 -s, --silent                Silent mode
 -T, --upload-file <file>    Transfer local FILE to destination
     --url <url>             URL to work with
 -u, --user <user:password>  Server user and password
 -A, --user-agent <name>     Send User-Agent <name> to server
 -v, --verbose               Make the operation more talkative
 -w, --write-out <format>    Use output FORMAT after completion
`;

function usage(message: string): never {
  throw new CommandFailure(CURLE.FAILED_INIT, `curl: ${message}\n${TRY_HELP}`);
}

function readOptions(args: readonly string[]): ReturnType<typeof parseOptions<keyof typeof SPECS>> {
  try {
    return parseOptions(args, SPECS);
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    const what = {
      unknown: 'is unknown',
      'no-value': 'requires parameter',
      'extra-value': 'takes no parameter',
    };
    return usage(`option ${error.flag}: ${what[error.problem]}`);
  }
}

function parseResolve(value: string): [string, string[]] {
  const [, host, port, addresses] = /^\+?([^:]+):(\d+):(.+)$/.exec(value) ?? [];
  if (host === undefined || port === undefined || addresses === undefined)
    throw new CommandFailure(49, `curl: (49) Couldn't parse CURLOPT_RESOLVE entry '${value}'`);
  return [`${host.toLowerCase()}:${port}`, addresses.split(',')];
}

/** Undefined when only --help was asked for. @throws CommandFailure with exit code 2 for a wrong command line */
export function parseCurl(args: readonly string[]): CurlSettings | undefined {
  if (args.length === 0) throw new CommandFailure(CURLE.FAILED_INIT, TRY_HELP);
  const { options, operands } = readOptions(args);
  const valuesOf = (...names: (keyof typeof SPECS)[]): string[] =>
    options.filter(({ name }) => names.includes(name)).map(({ value }) => value);
  const last = (name: keyof typeof SPECS): string | undefined => valuesOf(name).at(-1);
  const has = (name: keyof typeof SPECS): boolean => last(name) !== undefined;
  const number = (name: keyof typeof SPECS, fraction: boolean): number | undefined => {
    const text = last(name);
    if (text === undefined) return undefined;
    const flag = options.findLast((option) => option.name === name)?.flag;
    return parseNumber(text, fraction) ?? usage(`option ${flag}: expected a proper numerical parameter`);
  };
  if (has('help')) return undefined;

  const data = options.flatMap(({ name, value }): CurlData[] => {
    if (name === 'data' || name === 'ascii') return [{ kind: 'ascii', value }];
    return name === 'binary' || name === 'raw' ? [{ kind: name, value }] : [];
  });
  const urls = [...valuesOf('url'), ...operands];
  if (urls.length === 0) usage('no URL specified!');
  const bodies = [has('head'), data.length > 0, has('upload')].filter(Boolean);
  if (bodies.length > 1)
    throw new CommandFailure(
      CURLE.FAILED_INIT,
      'Warning: You can only select one HTTP request method! Of -I, -d and -T, give one.',
    );
  const maxTime = number('maxTime', true);
  const connectTimeout = number('connectTimeout', true);
  return {
    urls,
    outputs: options
      .filter(({ name }) => name === 'output' || name === 'remoteName')
      .map(({ name, value }) => (name === 'output' ? value : undefined)),
    silent: has('silent'),
    showError: has('showError'),
    includeHeaders: has('include'),
    head: has('head'),
    verbose: has('verbose'),
    followRedirects: has('location'),
    maxRedirects: number('maxRedirects', false) ?? MOST_REDIRECTS,
    failOnError: has('fail'),
    compressed: has('compressed'),
    method: last('request'),
    headers: valuesOf('header'),
    data,
    upload: last('upload'),
    writeOut: last('writeOut'),
    maxTime: maxTime ? maxTime * 1000 : undefined,
    connectTimeout: connectTimeout ? connectTimeout * 1000 : DEFAULT_CONNECT_TIMEOUT,
    userAgent: last('userAgent') ?? USER_AGENT,
    referer: last('referer'),
    user: last('user'),
    range: last('range'),
    resolve: new Map(valuesOf('resolve').map(parseResolve)),
  };
}
