// The commands of a device's console, by name.

import type { Command, StacklessContext } from '../command.ts';
import { arp } from './arp.ts';
import { command } from './console.ts';
import { curl } from './curl.ts';
import { dig } from './dig.ts';
import { ip } from './ip.ts';
import { leases } from './leases.ts';
import { nat } from './nat.ts';
import { nstat } from './nstat.ts';
import { ping } from './ping.ts';
import { ss } from './ss.ts';
import { traceroute } from './traceroute.ts';
import { visit } from './visit.ts';

const SUMMARIES: readonly (readonly [name: string, run: Command, summary: string])[] = [
  ['arp', arp, 'the ARP cache'],
  ['curl', curl, 'fetch or send over HTTP'],
  ['dig', dig, 'ask a DNS server'],
  ['ip', ip, 'addresses, links, routes and neighbours'],
  ['leases', leases, 'what a DHCP server has given out'],
  ['nat', nat, 'what a router translates'],
  ['nstat', nstat, 'what was dropped or refused, by reason'],
  ['ping', ping, 'echo requests, and what comes back'],
  ['ss', ss, 'open sockets'],
  ['traceroute', traceroute, 'the routers on the way'],
  ['visit', visit, 'fetch a page as a browser does'],
];

const help = command('help', async (_args, console) => {
  const rows = [
    ...SUMMARIES.map(([name, , summary]) => [name, summary] as const),
    ['help', 'this list'] as const,
  ];
  await console.print(rows.map(([name, summary]) => `${name.padEnd(11)} ${summary}\n`).join(''));
  return 0;
});

export const commands: ReadonlyMap<string, Command> = new Map([
  ...SUMMARIES.map(([name, run]) => [name, run] as const),
  ['help', help] as const,
]);

/** Those that a device without a stack has. */
export const stacklessCommands: ReadonlyMap<string, Command<StacklessContext>> = new Map([['nstat', nstat]]);
