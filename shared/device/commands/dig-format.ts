// The layout of BIND's dig: columns at tab stops, sections with their comments.

import { absoluteName, formatData } from '../../wire/dns/text.ts';
import {
  DNS_CLASS,
  type DnsMessage,
  type DnsQuestion,
  type DnsRecord,
  rcodeName,
} from '../../wire/dns/types.ts';
import type { DigShow } from './dig-options.ts';

const TAB = 8;
/** Where TTL, class, type and data begin. */
const COLUMNS = [24, 32, 40, 48] as const;

const OPCODES = ['QUERY', 'IQUERY', 'STATUS', 'RESERVED3', 'NOTIFY', 'UPDATE'];
const CLASSES = new Map<number, string>(Object.entries(DNS_CLASS).map(([name, number]) => [number, name]));

class Line {
  text: string;
  #width: number;

  constructor(start: string) {
    this.text = start;
    this.#width = start.length;
  }

  /** Goes on at `column`, by tabs, or after a blank if that is passed. */
  add(column: number, text: string): this {
    if (this.#width >= column) {
      this.text += ' ';
      this.#width++;
    }
    while (this.#width < column) {
      this.text += '\t';
      this.#width = (Math.floor(this.#width / TAB) + 1) * TAB;
    }
    this.text += text;
    this.#width += text.length;
    return this;
  }
}

function className(dnsClass: number): string {
  return CLASSES.get(dnsClass) ?? `CLASS${dnsClass}`;
}

function questionLine(question: DnsQuestion): string {
  const line = new Line(`;${absoluteName(question.name)}`);
  return `${line.add(COLUMNS[1], className(question.class)).add(COLUMNS[2], question.type).text}\n`;
}

function recordLine(record: DnsRecord): string {
  const line = new Line(absoluteName(record.name))
    .add(COLUMNS[0], String(record.ttl))
    .add(COLUMNS[1], className(record.class))
    .add(COLUMNS[2], record.type)
    .add(COLUMNS[3], formatData(record));
  return `${line.text}\n`;
}

function section(name: string, lines: readonly string[], comments: boolean): string {
  if (lines.length === 0) return '';
  return comments ? `;; ${name} SECTION:\n${lines.join('')}\n` : lines.join('');
}

function header(response: DnsMessage): string {
  const flags = (['qr', 'aa', 'tc', 'rd', 'ra', 'ad', 'cd'] as const).filter((flag) => response[flag]);
  const additional = response.additionals.length + (response.edns ? 1 : 0);
  return (
    ';; Got answer:\n' +
    `;; ->>HEADER<<- opcode: ${OPCODES[response.opcode] ?? `RESERVED${response.opcode}`}, ` +
    `status: ${rcodeName(response.rcode)}, id: ${response.id}\n` +
    `;; flags:${flags.map((flag) => ` ${flag}`).join('')}; QUERY: ${response.questions.length}, ` +
    `ANSWER: ${response.answers.length}, AUTHORITY: ${response.authorities.length}, ADDITIONAL: ${additional}\n` +
    `${response.rd && !response.ra ? ';; WARNING: recursion requested but not available\n' : ''}\n`
  );
}

function optSection({ edns }: DnsMessage): string {
  if (!edns) return '';
  const options = edns.options.map(
    ({ code, data }) =>
      `; OPT=${code}: ${Buffer.from(data)
        .toString('hex')
        .replace(/..(?!$)/g, '$& ')}\n`,
  );
  return (
    ';; OPT PSEUDOSECTION:\n' +
    `; EDNS: version: ${edns.version}, flags:${edns.dnssecOk ? ' do' : ''}; udp: ${edns.udpSize}\n` +
    options.join('')
  );
}

export function formatGreeting(args: readonly string[], serverGiven: boolean): string {
  return (
    `\n; <<>> DiG 9.18-tincan <<>> ${args.join(' ')}\n` +
    `${serverGiven ? '; (1 server found)\n' : ''};; global options: +cmd\n`
  );
}

export function formatResponse(response: DnsMessage, show: DigShow): string {
  const { comments } = show;
  return [
    comments ? header(response) + optSection(response) : '',
    show.question ? section('QUESTION', response.questions.map(questionLine), comments) : '',
    show.answer ? section('ANSWER', response.answers.map(recordLine), comments) : '',
    show.authority ? section('AUTHORITY', response.authorities.map(recordLine), comments) : '',
    show.additional ? section('ADDITIONAL', response.additionals.map(recordLine), comments) : '',
  ].join('');
}

export function formatShort(response: DnsMessage): string {
  return response.answers.map((record) => `${formatData(record)}\n`).join('');
}

export interface DigStatistics {
  /** ms. */
  readonly duration: number;
  readonly server: { readonly address: string; readonly name: string };
  readonly port: number;
  readonly transport: 'udp' | 'tcp';
  /** Bytes of the message. */
  readonly size: number;
  readonly at: Date;
}

/** What +trace says of each response. */
export function formatReceived(received: Omit<DigStatistics, 'at' | 'transport'>): string {
  const { size, server, port, duration } = received;
  return `;; Received ${size} bytes from ${server.address}#${port}(${server.name}) in ${Math.floor(duration)} ms\n\n`;
}

/** `Sat Nov 21 02:03:53 UTC 2026`. */
function formatDate(date: Date): string {
  const [weekday = '', day = '', month = '', year = '', time = ''] = date.toUTCString().split(/,? /);
  return `${weekday} ${month} ${day} ${time} UTC ${year}`;
}

export function formatStatistics(statistics: DigStatistics): string {
  const { duration, server, port, transport, size, at } = statistics;
  return (
    `;; Query time: ${Math.floor(duration)} msec\n` +
    `;; SERVER: ${server.address}#${port}(${server.name}) (${transport.toUpperCase()})\n` +
    `;; WHEN: ${formatDate(at)}\n` +
    `;; MSG SIZE  rcvd: ${size}\n\n`
  );
}
