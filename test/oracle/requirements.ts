// What the judges need of the machine: rights, and programs that nobody here wrote.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Programs by the Debian package that has them. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  'bind9-dnsutils': ['dig'],
  curl: ['curl'],
  'dnsmasq-base': ['dnsmasq'],
  dnsperf: ['dnsperf'],
  hping3: ['hping3'],
  iperf3: ['iperf3'],
  iproute2: ['ip', 'nstat'],
  'iputils-arping': ['arping'],
  'iputils-ping': ['ping'],
  'iputils-tracepath': ['tracepath'],
  'isc-dhcp-client': ['dhclient'],
  'mtr-tiny': ['mtr'],
  nmap: ['nmap'],
  procps: ['sysctl'],
  'python3-scapy': ['scapy3'],
  tcpdump: ['tcpdump'],
  traceroute: ['traceroute'],
  tshark: ['tshark'],
  udhcpc: ['udhcpc'],
  'util-linux': ['setpriv', 'unshare'],
  wget: ['wget'],
  wrk: ['wrk'],
};

/** Where Debian has programs for administrators, who may not have it on their path. */
const SYSTEM_PATH = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** Packages of what is not there. */
export function missingPackages(): string[] {
  return Object.entries(PROGRAMS)
    .filter(([, programs]) => !programs.every(isThere))
    .map(([name]) => name);
}

/** All that is missing, a line each, with what would be right. */
export function missing(): string[] {
  const lines: string[] = [];
  if (process.platform !== 'linux') lines.push(`Linux: this is ${process.platform}`);
  if (process.getuid?.() !== 0) lines.push('root: they make network namespaces and TAP interfaces');
  if (!isAccessible('/dev/net/tun')) lines.push('/dev/net/tun: load the module with `modprobe tun`');
  for (const name of missingPackages()) {
    const programs = PROGRAMS[name]?.filter((program) => !isThere(program)).join(', ');
    lines.push(`${programs}: of the Debian package ${name}`);
  }
  return lines;
}

function isThere(program: string): boolean {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM_PATH];
  return folders.some((folder) => isAccessible(join(folder, program)));
}

function isAccessible(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
