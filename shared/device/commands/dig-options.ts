// The command line of dig: @server, names, types, -flags and +flags in any order. What stands before the
// first name holds for all, what follows a name for that one.

import { parseIpv4 } from '../../core/address.ts';
import { parseName } from '../../wire/dns/name.ts';
import { DNS_CLASS, type DnsType, parseType } from '../../wire/dns/types.ts';
import { CommandFailure } from './console.ts';
import { parseNumber } from './options.ts';

/** Which parts of a response are printed. */
export interface DigShow {
  readonly command: boolean;
  readonly comments: boolean;
  readonly question: boolean;
  readonly answer: boolean;
  readonly authority: boolean;
  readonly additional: boolean;
  readonly statistics: boolean;
  readonly short: boolean;
}

export interface DigLookup {
  readonly name: string;
  readonly type: DnsType;
  readonly class: number;
  readonly server: string | undefined;
  readonly port: number;
  readonly opcode: number;
  readonly recurse: boolean;
  readonly checkingDisabled: boolean;
  readonly tcp: boolean;
  readonly ignoreTruncation: boolean;
  /** EDNS version; undefined for none. */
  readonly edns: number | undefined;
  readonly ednsNegotiation: boolean;
  readonly udpSize: number;
  readonly dnssecOk: boolean;
  /** Follows referrals from the root on. */
  readonly trace: boolean;
  /** ms a try. */
  readonly timeout: number;
  readonly tries: number;
  readonly show: DigShow;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Draft = Mutable<Omit<DigLookup, 'show' | 'type'>> & {
  type: DnsType | undefined;
  show: Mutable<DigShow>;
};

const USAGE = `Usage:  dig [@global-server] [domain] [q-type] [q-class] {q-opt}
            {global-d-opt} host [@local-server] {local-d-opt}
            [ host [@local-server] {local-d-opt} [...]]

Use "dig -h" for complete list of options`;

export const HELP = `Usage:  dig [@global-server] [domain] [q-type] [q-class] {q-opt}
            {global-d-opt} host [@local-server] {local-d-opt}
            [ host [@local-server] {local-d-opt} [...]]
Where:  domain    is in the Domain Name System
        q-class   is one of (in, ch, any)
        q-type    is one of (a, aaaa, any, cname, mx, ns, ptr, soa, txt, TYPEn)
        q-opt     is one of:
                 -4                  (use IPv4 query transport only)
                 -c class            (specify query class)
                 -p port             (specify port number)
                 -q name             (specify query name)
                 -t type             (specify query type)
                 -x dot-notation     (shortcut for reverse lookups)
        d-opt    is of the form +keyword[=value], where keyword is:
                 +[no]additional     (Control display of additional section)
                 +[no]all            (Set or clear all display flags)
                 +[no]answer         (Control display of answer section)
                 +[no]authority      (Control display of authority section)
                 +bufsize=###        (Set EDNS0 Max UDP packet size)
                 +[no]cdflag         (Set checking disabled flag in query)
                 +[no]cmd            (Control display of command line)
                 +[no]comments       (Control display of packet header and section name comments)
                 +[no]dnssec         (Request DNSSEC records)
                 +[no]edns[=###]     (Set EDNS version) [0]
                 +[no]ednsnegotiation (Set EDNS version negotiation)
                 +[no]ignore         (Don't revert to TCP for TC responses.)
                 +[no]opcode=###     (Set the opcode of the request)
                 +[no]question       (Control display of question section)
                 +[no]recurse        (Recursive mode (+[no]rdflag))
                 +retry=###          (Set number of UDP retries) [2]
                 +[no]short          (Display nothing except short form of answers)
                 +[no]stats          (Control display of statistics)
                 +[no]tcp            (TCP mode (+[no]vc))
                 +timeout=###        (Set query timeout) [5]
                 +[no]trace          (Trace delegation down from root)
                 +tries=###          (Set number of UDP attempts) [3]
`;

function fail(message: string): never {
  throw new CommandFailure(1, message);
}

function invalidOption(argument: string): never {
  return fail(`Invalid option: ${argument}\n${USAGE}`);
}

function numberIn(text: string | undefined, lowest: number, highest: number, what: string): number {
  const value = parseNumber(text ?? '');
  if (value === undefined || value < lowest || value > highest)
    return fail(`dig: Couldn't parse ${what} '${text ?? ''}': not a number from ${lowest} to ${highest}`);
  return value;
}

function showAll(draft: Draft, on: boolean): void {
  const { short } = draft.show;
  draft.show = {
    command: on,
    comments: on,
    question: on,
    answer: on,
    authority: on,
    additional: on,
    statistics: on,
    short,
  };
}

function showShort(draft: Draft, on: boolean): void {
  draft.show.short = on;
  if (on) draft.show.command = false;
}

type PlusOption = (draft: Draft, on: boolean, value: string | undefined) => void;

/** By full name; any beginning that fits one alone will do, and those in brackets of dig's page come first. */
const PLUS: Readonly<Record<string, PlusOption>> = {
  additional: (draft, on) => {
    draft.show.additional = on;
  },
  all: showAll,
  answer: (draft, on) => {
    draft.show.answer = on;
  },
  authority: (draft, on) => {
    draft.show.authority = on;
  },
  bufsize: (draft, on, value) => {
    draft.udpSize = on && value !== undefined ? numberIn(value, 0, 65535, 'buffer size') : 1232;
    draft.edns ??= 0;
  },
  cdflag: (draft, on) => {
    draft.checkingDisabled = on;
  },
  cmd: (draft, on) => {
    draft.show.command = on;
  },
  comments: (draft, on) => {
    draft.show.comments = on;
  },
  dnssec: (draft, on) => {
    draft.dnssecOk = on;
    if (on) draft.edns ??= 0;
  },
  do: (draft, on, value) => PLUS.dnssec?.(draft, on, value),
  edns: (draft, on, value) => {
    draft.edns = on ? numberIn(value ?? '0', 0, 255, 'edns') : undefined;
  },
  ednsnegotiation: (draft, on) => {
    draft.ednsNegotiation = on;
  },
  ignore: (draft, on) => {
    draft.ignoreTruncation = on;
  },
  opcode: (draft, on, value) => {
    draft.opcode = on ? numberIn(value, 0, 15, 'opcode') : 0;
  },
  question: (draft, on) => {
    draft.show.question = on;
  },
  rdflag: (draft, on) => {
    draft.recurse = on;
  },
  recurse: (draft, on) => {
    draft.recurse = on;
  },
  retry: (draft, _on, value) => {
    draft.tries = numberIn(value, 0, 1000, 'retries') + 1;
  },
  short: showShort,
  stats: (draft, on) => {
    draft.show.statistics = on;
  },
  tcp: (draft, on) => {
    draft.tcp = on;
  },
  timeout: (draft, _on, value) => {
    draft.timeout = Math.max(numberIn(value, 0, 3600, 'timeout'), 1) * 1000;
  },
  trace: (draft, on) => {
    draft.trace = on;
  },
  tries: (draft, _on, value) => {
    draft.tries = Math.max(numberIn(value, 0, 1000, 'tries'), 1);
  },
  vc: (draft, on) => {
    draft.tcp = on;
  },
};

function findPlus(word: string): PlusOption | undefined {
  const names = Object.keys(PLUS).filter((name) => name.startsWith(word));
  return PLUS[word] ?? (names.length === 1 || word.startsWith('rec') ? PLUS[names[0] ?? ''] : undefined);
}

function applyPlus(draft: Draft, argument: string): void {
  const [, word = '', value] = /^\+([a-z]*)(?:=(.*))?$/.exec(argument.toLowerCase()) ?? [];
  const on = word === '' ? undefined : findPlus(word);
  if (on) return on(draft, true, value);
  const off = word.startsWith('no') && word.length > 2 ? findPlus(word.slice(2)) : undefined;
  if (!off) invalidOption(argument);
  off(draft, false, value);
}

function defaults(): Draft {
  return {
    name: '.',
    type: undefined,
    class: DNS_CLASS.IN,
    server: undefined,
    port: 53,
    opcode: 0,
    recurse: true,
    checkingDisabled: false,
    tcp: false,
    ignoreTruncation: false,
    edns: 0,
    ednsNegotiation: true,
    udpSize: 1232,
    dnssecOk: false,
    trace: false,
    timeout: 5000,
    tries: 3,
    show: {
      command: true,
      comments: true,
      question: true,
      answer: true,
      authority: true,
      additional: true,
      statistics: true,
      short: false,
    },
  };
}

function reverseName(address: string): string {
  if (parseIpv4(address) === undefined) fail(`Invalid IP address ${address}`);
  return `${address.split('.').reverse().join('.')}.in-addr.arpa`;
}

function classNumber(text: string): number | undefined {
  const name = text.toUpperCase();
  return name in DNS_CLASS ? DNS_CLASS[name as keyof typeof DNS_CLASS] : undefined;
}

/** @throws CommandFailure with exit code 1 for a wrong command line */
export function parseDig(args: readonly string[]): DigLookup[] {
  const global = defaults();
  const lookups: Draft[] = [];
  /** The lookup that options go to: the last that was named, or all. */
  let current = global;

  function begin(name: string): Draft {
    // A type or class that stood before the first name belongs to that name.
    current = { ...global, name, show: { ...global.show } };
    lookups.push(current);
    return current;
  }

  function nameOf(text: string): string {
    return parseName(text) ?? fail(`dig: '${text}' is not a legal name (bad label or name too long)`);
  }

  function takeFlag(flag: string, value: string): void {
    if (flag === 'x') {
      begin(reverseName(value)).type = 'PTR';
    } else if (flag === 'q') begin(nameOf(value));
    else if (flag === 't')
      current.type = parseType(value) ?? fail(`;; Warning, ignoring invalid type ${value}`);
    else if (flag === 'c')
      current.class = classNumber(value) ?? fail(`;; Warning, ignoring invalid class ${value}`);
    else current.port = numberIn(value, 1, 65535, 'port number');
  }

  function takeWord(argument: string): void {
    const dnsClass = classNumber(argument);
    const type = parseType(argument);
    // ANY is both; as a word of its own it is a type.
    if (type !== undefined) current.type = type;
    else if (dnsClass !== undefined) current.class = dnsClass;
    else begin(nameOf(argument));
  }

  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? '';
    const [, flag, attached] = /^-([ctpqx])(.*)$/.exec(argument) ?? [];
    if (argument.startsWith('@')) current.server = argument.slice(1);
    else if (argument.startsWith('+')) applyPlus(current, argument);
    else if (flag !== undefined) takeFlag(flag, attached || (args[++index] ?? invalidOption(argument)));
    else if (argument.startsWith('-') && argument !== '-4') invalidOption(argument);
    else if (argument !== '-4') takeWord(argument);
  }
  if (lookups.length === 0) {
    begin('.');
    current.type ??= 'NS';
  }
  return lookups.map((lookup) => ({ ...lookup, type: lookup.type ?? 'A' }));
}
