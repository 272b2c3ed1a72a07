// Runs the judges from outside: npm run test:oracle [-- FILE…]. Exit code 2 if the machine lacks something,
// which is then told all at once; --packages prints only the Debian packages that are missing.
// Plain JavaScript, so that whoever may not even write here is told as well.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';

/** Programs that nobody here wrote, by the Debian package that has them. */
const PROGRAMS = {
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
const PATH = [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM_PATH];

const isThere = (program) => PATH.some((folder) => isAccessible(join(folder, program), constants.X_OK));

function isAccessible(path, mode) {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

const packages = Object.keys(PROGRAMS).filter((name) => !PROGRAMS[name].every(isThere));

/** All that is missing, a line each, with what would be right. */
function missing() {
  const lines = [];
  if (process.platform !== 'linux') lines.push(`Linux: this is ${process.platform}`);
  if (process.getuid?.() !== 0) lines.push('root: they make network namespaces and TAP interfaces');
  if (!isAccessible('/dev/net/tun', constants.R_OK))
    lines.push('/dev/net/tun: load the module with `modprobe tun`');
  for (const name of packages) {
    const programs = PROGRAMS[name].filter((program) => !isThere(program)).join(', ');
    lines.push(`${programs}: of the Debian package ${name}`);
  }
  return lines;
}

const args = process.argv.slice(2);
if (args.includes('--packages')) {
  console.log(packages.join(' '));
  process.exit();
}
const lacking = missing();
if (lacking.length > 0) {
  const mend = packages.length > 0 ? `\nOn Debian: apt-get install ${packages.join(' ')}` : '';
  console.error(`The judges from outside need\n${lacking.map((line) => `  ${line}`).join('\n')}${mend}`);
  process.exit(2);
}
const vitest = ['vitest', 'run', '--config', 'test/oracle/vitest.config.ts', ...args];
const { exitCode } = await execa('npx', vitest, {
  stdio: 'inherit',
  reject: false,
  env: { PATH: PATH.join(delimiter) },
});
process.exit(exitCode ?? 1);
