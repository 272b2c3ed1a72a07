// What setsockopt and getsockopt know: each option by its level and name, in the names of both systems.

import type { TcpConnectionSettings } from '../../../shared/stack/tcp/connection-api.ts';
import type { Expression } from '../language/expression.ts';
import { Errno, type Outcome } from './outcome.ts';
import { tcbOf } from './tcb-of.ts';
import type { TcpSocket } from './tcp-socket.ts';
import type { Values } from './values.ts';

/** What an option is now: a number, text, or an error's name. */
export type OptionValue = number | string;

export interface SocketOption {
  set?(socket: TcpSocket, value: Expression, values: Values): Outcome | undefined;
  get?(socket: TcpSocket, defaults: OptionDefaults): OptionValue;
  /** Whether what `get` gives is a system's choice. */
  readonly loose?: boolean;
}

/** The device's settings, for what was not set. */
export type OptionDefaults = Required<TcpConnectionSettings>;

/** Of a socket that is not connected. */
const DEFAULT_MSS = 536;
/** ms in a second. */
const SECOND = 1000;

/** One that changes nothing of what TCP sends here. */
const WITHOUT_EFFECT: SocketOption = { set: () => 0, get: () => 0 };

type SettingName = keyof TcpConnectionSettings;

/** A number that is a setting of the connection, in units of `unit`. */
function setting(name: SettingName, { unit = 1, least = 0, loose = false } = {}): SocketOption {
  return {
    loose,
    set(socket, value, values) {
      const number = values.bracketed(value);
      if (number < least) return new Errno('EINVAL');
      socket.set({ [name]: number * unit });
      return 0;
    },
    get: (socket, defaults) => Number(socket.setup.settings[name] ?? defaults[name]) / unit,
  };
}

/** One that is on or off. */
function toggle(
  change: (socket: TcpSocket, on: boolean) => void,
  is: (socket: TcpSocket) => boolean,
): SocketOption {
  return {
    set(socket, value, values) {
      change(socket, values.bracketed(value) !== 0);
      return 0;
    },
    get: (socket) => Number(is(socket)),
  };
}

const CORK = toggle(
  (socket, on) => socket.setCork(on),
  ({ setup }) => setup.cork,
);

const SOCKET_LEVEL: Readonly<Record<string, SocketOption>> = {
  SO_REUSEADDR: WITHOUT_EFFECT,
  SO_REUSEPORT: WITHOUT_EFFECT,
  SO_DEBUG: WITHOUT_EFFECT,
  SO_PRIORITY: WITHOUT_EFFECT,
  SO_NOSIGPIPE: WITHOUT_EFFECT,
  SO_RCVBUF: setting('receiveBuffer', { least: 1, loose: true }),
  SO_RCVBUFFORCE: setting('receiveBuffer', { least: 1, loose: true }),
  SO_SNDBUF: setting('sendBuffer', { least: 1, loose: true }),
  SO_SNDBUFFORCE: setting('sendBuffer', { least: 1, loose: true }),
  SO_KEEPALIVE: toggle(
    (socket, on) => socket.setKeepAlive(on),
    ({ setup }) => setup.keepAlive,
  ),
  SO_ERROR: { get: (socket) => socket.pendingError ?? 0 },
  SO_ACCEPTCONN: { get: (socket) => Number(socket.isListening) },
  SO_LINGER: {
    set(socket, value, values) {
      const on = values.number(values.member(value, 'onoff')) !== 0;
      socket.setup.linger = on ? values.number(values.member(value, 'linger')) : undefined;
    },
  },
};

const TCP_LEVEL: Readonly<Record<string, SocketOption>> = {
  TCP_NODELAY: toggle(
    (socket, on) => socket.setNoDelay(on),
    ({ setup }) => setup.noDelay,
  ),
  TCP_CORK: CORK,
  TCP_NOPUSH: CORK,
  TCP_MAXSEG: {
    ...setting('maximumSegment', { least: 1 }),
    get: ({ connection, setup }) =>
      (connection && tcbOf(connection).mss) ?? setup.settings.maximumSegment ?? DEFAULT_MSS,
  },
  TCP_KEEPIDLE: setting('keepAliveIdle', { unit: SECOND, least: 1 }),
  TCP_KEEPALIVE: setting('keepAliveIdle', { unit: SECOND, least: 1 }),
  TCP_KEEPINTVL: setting('keepAliveInterval', { unit: SECOND, least: 1 }),
  TCP_KEEPCNT: setting('keepAliveProbes', { least: 1 }),
  TCP_KEEPINIT: setting('synTimeout', { unit: SECOND, least: 1 }),
  TCP_USER_TIMEOUT: setting('userTimeout'),
  TCP_QUICKACK: {
    set(socket, value, values) {
      if (values.bracketed(value) !== 0) socket.set({ delayedAck: 0 });
    },
  },
  TCP_CONGESTION: {
    set(socket, value, values) {
      const algorithm = congestionControl(
        values.text(value.kind === 'list' ? values.inBrackets(value) : value),
      );
      if (!algorithm) return new Errno('ENOENT');
      socket.set({ congestionControl: algorithm });
      return 0;
    },
    get: (socket, defaults) => {
      const algorithm = socket.setup.settings.congestionControl ?? defaults.congestionControl;
      return algorithm === 'newreno' ? 'reno' : algorithm;
    },
  },
};

const DONT_FRAGMENT = toggle(
  (socket, on) => socket.set({ pathMtuDiscovery: on }),
  ({ setup }) => setup.settings.pathMtuDiscovery ?? true,
);

const IP_LEVEL: Readonly<Record<string, SocketOption>> = {
  IP_TTL: setting('timeToLive', { least: 1 }),
  IP_TOS: setting('typeOfService'),
  IP_MTU_DISCOVER: DONT_FRAGMENT,
  IP_DONTFRAG: DONT_FRAGMENT,
};

const LEVELS: Readonly<Record<string, Readonly<Record<string, SocketOption>>>> = {
  SOL_SOCKET: SOCKET_LEVEL,
  SOL_TCP: TCP_LEVEL,
  IPPROTO_TCP: TCP_LEVEL,
  SOL_IP: IP_LEVEL,
  IPPROTO_IP: IP_LEVEL,
};

export function socketOption(level: string, name: string): SocketOption | undefined {
  return LEVELS[level]?.[name];
}

/** By the names of both systems. */
export function congestionControl(name: string): TcpConnectionSettings['congestionControl'] {
  if (name === 'cubic') return 'cubic';
  return name === 'reno' || name === 'newreno' ? 'newreno' : undefined;
}
