// The options of a script: addresses, sizes, tolerances.

import {
  type Ipv4Address,
  type Ipv4Cidr,
  inNetwork,
  maskPrefix,
  parseIpv4,
} from '../../../shared/core/address.ts';
import { ScriptError, Unsupported } from '../language/errors.ts';
import type { ScriptOption } from '../language/script.ts';

export interface Config {
  readonly local: Ipv4Cidr;
  readonly gateway: Ipv4Address;
  readonly remote: Ipv4Address;
  readonly bindPort: number;
  readonly connectPort: number;
  /** Bytes. */
  readonly mtu: number;
  /** µs by which an event may be early or late. */
  readonly tolerance: number;
  /** Percent of the time that is waited for an event, by which it may be early or late. */
  readonly tolerancePercent: number;
  /** µs of a tick of our timestamps, 0 if they are not looked at. */
  readonly timestampTick: number;
  /** Whether the script may echo timestamps that we never sent, on the scale of the first. */
  readonly scaledEcho: boolean;
  /** Whether a segment of the script must be one segment of ours. */
  readonly strictSegments: boolean;
  /** Symbols, from `--define`. */
  readonly defines: ReadonlyMap<string, string>;
}

interface Draft {
  local: string;
  netmask: string;
  gateway: string;
  remote: string;
  bindPort: number;
  connectPort: number;
  mtu: number;
  tolerance: number;
  tolerancePercent: number;
  timestampTick: number;
  scaledEcho: boolean;
  strictSegments: boolean;
  defines: Map<string, string>;
}

const IPV4_HEADER = 20;
const TCP_HEADER = 20;

/** As packetdrill has them; of our address it leaves the last two bytes to chance. */
const DEFAULTS: Omit<Draft, 'defines'> = {
  local: '192.168.0.1',
  netmask: '255.255.0.0',
  gateway: '192.168.255.254',
  remote: '192.0.2.1',
  bindPort: 8080,
  connectPort: 8080,
  mtu: 1500,
  tolerance: 4000,
  tolerancePercent: 12.5,
  timestampTick: 0,
  scaledEcho: false,
  strictSegments: false,
};

type Setter = (draft: Draft, value: string, option: ScriptOption) => void;

/** Options that say how packetdrill itself runs, and nothing of what TCP does. */
const IGNORED: ReadonlySet<string> = new Set([
  'verbose',
  'debug',
  'send_omit_free',
  'speed',
  'code_command',
  'code_format',
  'code_sockopt',
  'persistent_tun_dev',
  'tun_dev',
  'init_scripts',
]);

const SETTERS: Readonly<Record<string, Setter>> = {
  ip_version(_draft, value, { line }) {
    if (value !== 'ipv4' && value !== 'ipv4-mapped-ipv6')
      throw new Unsupported(line, `--ip_version=${value}`);
  },
  local_ip: (draft, value) => {
    draft.local = value;
  },
  netmask_ip: (draft, value) => {
    draft.netmask = value;
  },
  gateway_ip: (draft, value) => {
    draft.gateway = value;
  },
  remote_ip: (draft, value) => {
    draft.remote = value;
  },
  bind_port: (draft, value, option) => {
    draft.bindPort = number(value, option);
  },
  connect_port: (draft, value, option) => {
    draft.connectPort = number(value, option);
  },
  mtu: (draft, value, option) => {
    draft.mtu = number(value, option);
  },
  // Of the packets that come in: how large segments of a row are. Ours come one by one.
  mss: (_draft, value, option) => void number(value, option),
  tolerance_usecs: (draft, value, option) => {
    draft.tolerance = number(value, option);
  },
  tolerance_percent: (draft, value, option) => {
    draft.tolerancePercent = number(value, option);
  },
  tcp_ts_tick_usecs: (draft, value, option) => {
    draft.timestampTick = number(value, option);
  },
  tcp_ts_ecr_scaled: (draft) => {
    draft.scaledEcho = true;
  },
  strict_segments: (draft) => {
    draft.strictSegments = true;
  },
  define: (draft, value, { line }) => {
    const [, name, text] = /^(\w+)=(.*)$/s.exec(value) ?? [];
    if (name === undefined || text === undefined)
      throw new ScriptError(line, `--define=${value} is not NAME=VALUE`);
    draft.defines.set(name, text);
  },
};

export function readConfig(options: readonly ScriptOption[]): Config {
  const draft: Draft = { ...DEFAULTS, defines: new Map() };
  for (const option of options) {
    if (IGNORED.has(option.name)) continue;
    const set = SETTERS[option.name];
    if (!set) throw new Unsupported(option.line, `--${option.name}`);
    set(draft, option.value ?? '', option);
  }
  const line = options.at(0)?.line ?? 0;
  if (draft.mtu < IPV4_HEADER + TCP_HEADER)
    throw new ScriptError(line, `an MTU of ${draft.mtu} is too small`);
  const local: Ipv4Cidr = {
    address: address(draft.local, line),
    prefixLength: prefixLength(draft.netmask, line),
  };
  return {
    ...draft,
    local,
    gateway: gatewayIn(local, address(draft.gateway, line)),
    remote: address(draft.remote.replace(/\/.*/, ''), line),
  };
}

/** Where the gateway is we ourselves, or not in our network, any neighbour does: the script is all of them. */
function gatewayIn(local: Ipv4Cidr, gateway: Ipv4Address): Ipv4Address {
  const other = gateway !== local.address && inNetwork(gateway, local);
  return other ? gateway : (local.address ^ 3) >>> 0;
}

function address(text: string, line: number): Ipv4Address {
  const parsed = parseIpv4(text);
  if (parsed === undefined) throw new Unsupported(line, `the address ${text}`);
  return parsed;
}

function prefixLength(netmask: string, line: number): number {
  const length = maskPrefix(address(netmask, line));
  if (length === undefined) throw new ScriptError(line, `${netmask} is not a netmask`);
  return length;
}

function number(value: string, { name, line }: ScriptOption): number {
  if (!/^\d+(\.\d+)?$/.test(value)) throw new ScriptError(line, `--${name}=${value} is not a number`);
  return Number(value);
}
