// Kernel settings, in the names of Linux and FreeBSD, as settings of our TCP.

import type { TcpSettings } from '../../../shared/stack/tcp/settings.ts';
import { congestionControl } from '../sockets/socket-options.ts';
import { readShell, type Setting } from './shell.ts';

export interface Applied {
  readonly settings: Partial<TcpSettings>;
  /** What was skipped: commands, and settings that we have no match for. */
  readonly skipped: readonly string[];
}

type Apply = (value: string) => Partial<TcpSettings> | undefined;

const SECOND = 1000;

function flag(name: 'sack' | 'timestamps' | 'windowScaling' | 'slowStartAfterIdle'): Apply {
  return (value) => ({ [name]: Number(value) !== 0 });
}

function count(name: keyof TcpSettings, unit = 1): Apply {
  return (value) => (Number.isFinite(Number(value)) ? { [name]: Number(value) * unit } : undefined);
}

/** `least default most`, of which a connection gets the second. */
function buffer(name: 'receiveBuffer' | 'sendBuffer'): Apply {
  return (value) => {
    const sizes = value.split(/\s+/).map(Number);
    const size = sizes[1] ?? sizes[0];
    return size && Number.isFinite(size) ? { [name]: size } : undefined;
  };
}

/** One whose only value that means anything here is what we do anyway. */
function only(...values: readonly string[]): Apply {
  return (value) => (values.includes(value) ? {} : undefined);
}

const algorithm: Apply = (value) => {
  const found = congestionControl(value);
  return found && { congestionControl: found };
};

/** As both systems number them. */
const ECN: Readonly<Record<string, TcpSettings['ecn']>> = { 0: 'off', 1: 'on', 2: 'passive' };

const ecn: Apply = (value) => {
  const found = ECN[value];
  return found && { ecn: found };
};

const LINUX: Readonly<Record<string, Apply>> = {
  'net.ipv4.tcp_sack': flag('sack'),
  'net.ipv4.tcp_timestamps': flag('timestamps'),
  'net.ipv4.tcp_window_scaling': flag('windowScaling'),
  'net.ipv4.tcp_slow_start_after_idle': flag('slowStartAfterIdle'),
  'net.ipv4.tcp_congestion_control': algorithm,
  'net.ipv4.tcp_rmem': buffer('receiveBuffer'),
  'net.ipv4.tcp_wmem': buffer('sendBuffer'),
  'net.core.rmem_default': count('receiveBuffer'),
  'net.core.wmem_default': count('sendBuffer'),
  'net.ipv4.tcp_keepalive_time': count('keepAliveIdle', SECOND),
  'net.ipv4.tcp_keepalive_intvl': count('keepAliveInterval', SECOND),
  'net.ipv4.tcp_keepalive_probes': count('keepAliveProbes'),
  'net.ipv4.tcp_fin_timeout': count('finWait2', SECOND),
  'net.ipv4.tcp_max_syn_backlog': count('synBacklog'),
  'net.ipv4.tcp_rto_min_us': count('minimumRto', 1 / 1000),
  'net.ipv4.tcp_rto_max_ms': count('maximumRto'),
  'net.ipv4.ip_default_ttl': count('timeToLive'),
  'net.ipv4.tcp_dsack': only('1'),
  'net.ipv4.tcp_ecn': ecn,
  'net.ipv4.tcp_fack': only('0'),
  'net.ipv4.tcp_syncookies': only('1'),
  'net.ipv4.tcp_mtu_probing': only('0'),
  'net.ipv4.tcp_reordering': only('3'),
  'net.ipv4.tcp_recovery': only('1'),
  'net.ipv4.ip_no_pmtu_disc': (value) => ({ pathMtuDiscovery: Number(value) === 0 }),
};

const FREEBSD: Readonly<Record<string, Apply>> = {
  'net.inet.tcp.sack.enable': flag('sack'),
  'net.inet.tcp.rfc1323': (value) => rfc1323(Number(value)),
  'net.inet.tcp.recvspace': count('receiveBuffer'),
  'net.inet.tcp.sendspace': count('sendBuffer'),
  'net.inet.tcp.cc.algorithm': algorithm,
  'net.inet.tcp.rexmit_initial': count('initialRto'),
  'net.inet.tcp.rexmit_min': count('minimumRto'),
  'net.inet.tcp.delacktime': count('delayedAck'),
  'net.inet.tcp.delayed_ack': (value) => (Number(value) === 0 ? { delayedAck: 0 } : {}),
  'net.inet.tcp.keepidle': count('keepAliveIdle'),
  'net.inet.tcp.keepintvl': count('keepAliveInterval'),
  'net.inet.tcp.keepcnt': count('keepAliveProbes'),
  'net.inet.tcp.keepinit': count('synTimeout'),
  'net.inet.tcp.msl': count('timeWait', 2),
  'net.inet.tcp.finwait2_timeout': count('finWait2'),
  'net.inet.tcp.mssdflt': only('536'),
  'net.inet.tcp.ecn.enable': ecn,
  'net.inet.tcp.insecure_rst': only('0'),
  'net.inet.tcp.insecure_syn': only('0'),
  'net.inet.tcp.insecure_ack': only('0'),
  'net.inet.tcp.path_mtu_discovery': (value) => ({ pathMtuDiscovery: Number(value) !== 0 }),
  'net.inet.ip.ttl': count('timeToLive'),
  // Nothing here outlives a script.
  'net.inet.tcp.hostcache.purgenow': only('0', '1'),
  'net.inet.tcp.hostcache.purge': only('0', '1'),
  // A limit that no script meets.
  'kern.ipc.maxsockbuf': () => ({}),
};

/** 0: neither, 1: both, 2: window scaling alone, 3: timestamps alone. */
function rfc1323(value: number): Partial<TcpSettings> {
  return { windowScaling: value === 1 || value === 2, timestamps: value === 1 || value === 3 };
}

const KNOWN: Readonly<Record<string, Apply>> = { ...LINUX, ...FREEBSD };

/** What the file of defaults says that Linux's scripts begin with (`defaults.sh`). */
const LINUX_DEFAULTS: readonly Setting[] = [
  { name: 'net.ipv4.tcp_rmem', value: '4096 540000 15728640' },
  { name: 'net.ipv4.tcp_wmem', value: '4096 262144 4194304' },
  { name: 'net.ipv4.tcp_timestamps', value: '1' },
  { name: 'net.ipv4.tcp_sack', value: '1' },
  { name: 'net.ipv4.tcp_congestion_control', value: 'cubic' },
  { name: 'net.ipv4.tcp_slow_start_after_idle', value: '0' },
];

/** @param text of one command of the script, which may be several lines */
export function readSettings(text: string): Applied {
  const { settings, others, linuxDefaults } = readShell(text);
  const skipped = [...others];
  let all: Partial<TcpSettings> = {};
  for (const { name, value } of linuxDefaults ? [...LINUX_DEFAULTS, ...settings] : settings) {
    const applied = KNOWN[name]?.(value);
    if (applied) all = { ...all, ...applied };
    else skipped.push(`${name}=${value}`);
  }
  return { settings: all, skipped };
}
