// arp, showing the ARP cache as net-tools does.

import { parseIpv4 } from '../../core/address.ts';
import type { ArpRow } from '../command.ts';
import { CommandFailure, command } from './console.ts';
import { resolveHost } from './host.ts';
import { OptionError, parseOptions } from './options.ts';
import { strerror } from './strerror.ts';

const USAGE = `Usage:
  arp [-n] [-a] [-e] [-i <if>] [-j] [<hostname>]             <-Display ARP cache

        -a                       display (all) hosts in alternative (BSD) style
        -e                       display (all) hosts in default (Linux) style
        -n, --numeric            don't resolve names
        -i, --device             specify network interface (e.g. eth0)
        -j, --json               print the rows as JSON`;

const SPECS = {
  bsd: { short: 'a' },
  linux: { short: 'e' },
  numeric: { short: 'n', long: 'numeric' },
  device: { short: 'i', long: 'device', value: true },
  json: { short: 'j', long: 'json' },
};

/** net-tools' E_OPTERR. */
const USAGE_EXIT = 3;

function usage(problem: string): never {
  throw new CommandFailure(USAGE_EXIT, `arp: ${problem}\n${USAGE}`);
}

function linuxTable(rows: readonly ArpRow[]): string {
  const lines = rows.map(({ address, mac, state, interface: device }) => {
    const permanent = state === 'permanent' ? 'M' : '';
    const middle =
      mac === undefined ? `        ${'(incomplete)'.padEnd(20)}` : `${'ether'.padEnd(8)}${mac.padEnd(20)}`;
    return `${address.padEnd(25)}${middle}${(mac === undefined ? '' : `C${permanent}`).padEnd(22)}${device}\n`;
  });
  return `Address                  HWtype  HWaddress           Flags Mask            Iface\n${lines.join('')}`;
}

function bsdTable(rows: readonly ArpRow[]): string {
  return rows
    .map(({ address, mac, state, interface: device }) => {
      const hardware = mac === undefined ? '<incomplete>' : `${mac} [ether]`;
      return `? (${address}) at ${hardware}${state === 'permanent' ? ' PERM' : ''} on ${device}\n`;
    })
    .join('');
}

export const arp = command('arp', async (args, console, { sockets, tables }) => {
  const { options, operands } = readOptions(args);
  const given = new Map(options.map(({ name, value }) => [name, value]));
  if (operands.length > 1) usage(`extra operand '${operands[1]}'`);
  const device = given.get('device');
  const [host] = operands;
  const address =
    host === undefined || parseIpv4(host) !== undefined
      ? host
      : await resolveHost(sockets, host, console.signal).catch((error) => {
          console.signal.throwIfAborted();
          throw new CommandFailure(255, `${host}: ${strerror(error)}`);
        });

  const all = tables.arp();
  const rows = all
    .filter((row) => device === undefined || row.interface === device)
    .filter((row) => address === undefined || row.address === address);
  if (given.has('json')) await console.print(`${JSON.stringify(rows)}\n`);
  else if (rows.length > 0) await console.print(given.has('bsd') ? bsdTable(rows) : linuxTable(rows));
  else if (address === undefined && device === undefined) return 0;
  else if (given.has('bsd') || address === undefined)
    await console.print(`arp: in ${all.length} entries no match found.\n`);
  else await console.print(`${host} (${address}) -- no entry\n`);
  return 0;
});

function readOptions(args: readonly string[]): ReturnType<typeof parseOptions<keyof typeof SPECS>> {
  try {
    return parseOptions(args, SPECS);
  } catch (error) {
    if (error instanceof OptionError) return usage(error.text);
    throw error;
  }
}
