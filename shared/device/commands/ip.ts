// ip: addresses, links, routes and neighbours, as iproute2 shows them. This file reads the command line;
// ip-format.ts holds the layouts.

import { parseCidr, parseIpv4 } from '../../core/address.ts';
import type { CommandContext, DeviceTables, RouteRow } from '../command.ts';
import { CommandFailure, command } from './console.ts';
import * as format from './ip-format.ts';
import { findRoute, prefixLengthOf } from './route-lookup.ts';

const USAGE = `Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }
where  OBJECT := { address | link | neighbor | route | help }
       OPTIONS := { -4 | -br[ief] | -j[son] | -o[neline] | -p[retty] }
       ip address [ show [ [ dev ] DEVICE ] ]
       ip link [ show [ [ dev ] DEVICE ] ]
       ip neighbor [ show [ dev DEVICE ] ]
       ip route [ show [ default | PREFIX ] [ dev DEVICE ] ]
       ip route get ADDRESS`;

const FAILURE_EXIT = 1;
/** iproute2 leaves with -1 for a wrong command line, and with 2 when the kernel refuses. */
const USAGE_EXIT = 255;
const KERNEL_EXIT = 2;

interface Flags {
  json: boolean;
  pretty: boolean;
  brief: boolean;
  oneLine: boolean;
}

/** What an object shows: for people, or the objects of `-j`. */
interface Shown {
  readonly text: string;
  readonly json: readonly object[];
}

type ShowObject = (args: readonly string[], flags: Flags, context: CommandContext) => Shown;

function usage(message: string, exitCode = USAGE_EXIT): never {
  throw new CommandFailure(exitCode, message);
}

/** iproute2 takes any beginning of a word, and decides by the order of its tables: `a`, `addr`, `address`. */
function match<Word extends string>(text: string, words: readonly Word[]): Word | undefined {
  return text === '' ? undefined : words.find((word) => word.startsWith(text));
}

function readFlags(args: readonly string[]): { flags: Flags; rest: readonly string[] } {
  const flags: Flags = { json: false, pretty: false, brief: false, oneLine: false };
  let index = 0;
  for (; args[index]?.startsWith('-'); index++) {
    const argument = args[index] ?? '';
    const word = match(argument.replace(/^--?/, ''), [
      '4',
      'brief',
      'json',
      'oneline',
      'pretty',
      'details',
      'numeric',
      'color',
      'help',
    ]);
    if (word === 'help') usage(USAGE);
    if (word === undefined) usage(`Option "${argument}" is unknown, try "ip -help".`);
    if (word === 'json') flags.json = true;
    if (word === 'pretty') flags.pretty = true;
    if (word === 'brief') flags.brief = true;
    if (word === 'oneline') flags.oneLine = true;
  }
  return { flags, rest: args.slice(index) };
}

/** The command of an object, `show` unless told, and what follows it. */
function subcommand<Word extends string>(
  args: readonly string[],
  object: string,
  words: readonly Word[],
): { word: Word; rest: readonly string[] } {
  const [first, ...rest] = args;
  const [show] = words;
  if (show === undefined) throw new Error('an object has at least one command');
  if (first === undefined) return { word: show, rest };
  const word = match(first, words);
  if (word === undefined) return usage(`Command "${first}" is unknown, try "ip ${object} help".`);
  return { word, rest };
}

/** Reads `[dev] NAME` and checks that there is such an interface. */
function deviceFilter(args: readonly string[], tables: DeviceTables): string | undefined {
  const [first, second, ...more] = args;
  if (first === undefined) return undefined;
  const name = first === 'dev' ? second : first;
  const extra = first === 'dev' ? more[0] : second;
  if (name === undefined) return usage('Command line is not complete. Try option "help"');
  if (extra !== undefined) usage(`Error: either "dev" is duplicate, or "${extra}" is a garbage.`);
  if (!tables.links().some((link) => link.name === name))
    usage(`Device "${name}" does not exist.`, FAILURE_EXIT);
  return name;
}

const LIST = ['show', 'list', 'lst'] as const;

const showAddress: ShowObject = (args, flags, { tables }) => {
  const { rest } = subcommand(args, 'address', LIST);
  const device = deviceFilter(rest, tables);
  const links = format
    .numberLinks(tables.links())
    .filter(({ link }) => device === undefined || link.name === device);
  const text = links.map((link) => {
    if (flags.brief) return format.briefAddress(link);
    return flags.oneLine ? format.oneLineAddress(link) : format.address(link);
  });
  return { text: text.join(''), json: links.map(format.addressJson) };
};

const showLink: ShowObject = (args, flags, { tables }) => {
  const { rest } = subcommand(args, 'link', LIST);
  const device = deviceFilter(rest, tables);
  const links = format
    .numberLinks(tables.links())
    .filter(({ link }) => device === undefined || link.name === device);
  const text = links.map((link) => (flags.brief ? format.briefLink(link) : format.link(link)));
  return { text: text.join(''), json: links.map(format.linkJson) };
};

const showNeighbor: ShowObject = (args, _flags, { tables }) => {
  const { rest } = subcommand(args, 'neigh', LIST);
  const device = deviceFilter(rest, tables);
  const rows = tables.arp().filter((row) => device === undefined || row.interface === device);
  return {
    text: rows.map((row) => format.neighbor(row, device === undefined)).join(''),
    json: rows.map(format.neighborJson),
  };
};

const showRoute: ShowObject = (args, _flags, { tables }) => {
  const { word, rest } = subcommand(args, 'route', [...LIST, 'get']);
  if (word === 'get') return getRoute(rest, tables);
  const selected = inKernelOrder(tables.routes()).filter(routeFilter(rest, tables));
  return { text: selected.map(format.route).join(''), json: selected.map(format.routeJson) };
};

/** By network, the shorter prefix first: the default route leads. */
function inKernelOrder(routes: readonly RouteRow[]): RouteRow[] {
  const network = ({ destination }: RouteRow): number => parseCidr(destination)?.address ?? 0;
  return [...routes].sort(
    (a, b) => network(a) - network(b) || prefixLengthOf(a.destination) - prefixLengthOf(b.destination),
  );
}

function routeFilter(args: readonly string[], tables: DeviceTables): (route: RouteRow) => boolean {
  const dev = args.indexOf('dev');
  const device = dev < 0 ? undefined : deviceFilter(args.slice(dev), tables);
  const [destination, extra] = dev < 0 ? args : args.slice(0, dev);
  if (extra !== undefined) usage(`Error: either "to" is duplicate, or "${extra}" is a garbage.`);
  if (
    destination !== undefined &&
    destination !== 'default' &&
    !parseCidr(destination) &&
    parseIpv4(destination) === undefined
  )
    usage(`Error: any valid prefix is expected rather than "${destination}".`, FAILURE_EXIT);
  return (route) =>
    (device === undefined || route.interface === device) &&
    (destination === undefined || route.destination === destination);
}

function getRoute(args: readonly string[], tables: DeviceTables): Shown {
  const [target, extra] = args;
  if (target === undefined) return usage('need at least a destination address');
  if (parseIpv4(target) === undefined)
    return usage(`Error: any valid prefix is expected rather than "${target}".`, FAILURE_EXIT);
  if (extra !== undefined) usage(`Error: either "to" is duplicate, or "${extra}" is a garbage.`);
  const found = findRoute(tables, target);
  if (!found) return usage('RTNETLINK answers: Network is unreachable', KERNEL_EXIT);
  return { text: format.foundRoute(target, found), json: [format.foundRouteJson(target, found)] };
}

/** Both spellings of a neighbour; `a` is address, `l` link, `n` neighbour, `r` route, as in iproute2. */
const OBJECTS: Readonly<Record<string, ShowObject>> = {
  address: showAddress,
  link: showLink,
  neighbor: showNeighbor,
  neighbour: showNeighbor,
  route: showRoute,
};

export const ip = command('ip', async (args, console, context) => {
  const { flags, rest } = readFlags(args);
  const [object, ...objectArgs] = rest;
  if (object === undefined) return usage(USAGE);
  if (object === 'help' || objectArgs.at(-1) === 'help') {
    await console.complain(`${USAGE}\n`);
    return object === 'help' ? 0 : USAGE_EXIT;
  }
  const word = match(object, Object.keys(OBJECTS));
  const show = word === undefined ? undefined : OBJECTS[word];
  if (!show) return usage(`Object "${object}" is unknown, try "ip help".`, FAILURE_EXIT);
  const { text, json } = show(objectArgs, flags, context);
  if (flags.json) await console.print(`${JSON.stringify(json, undefined, flags.pretty ? 4 : undefined)}\n`);
  else await console.print(text);
  return 0;
});
