// The facade over a stack: everything that applications on a device get.

import type { Clock } from '../core/clock.ts';
import type { Counters } from '../core/counters.ts';
import { systemError } from '../core/errors.ts';
import type { EventLog } from '../core/event-log.ts';
import type { Random } from '../core/random.ts';
import type { Stack } from '../stack/stack.ts';
import { IcmpEchoSocket } from './icmp-socket.ts';
import { type InterfaceAdministration, StackInterfaceHandle } from './interface-handle.ts';
import type {
  IcmpSocket,
  InterfaceHandle,
  Lookup,
  Sockets,
  TcpConnectOptions,
  TcpServer,
  TcpSocket,
  UdpSocket,
} from './sockets.ts';
import { TcpStreamServer } from './tcp-server.ts';
import { checkConnectOptions, TcpStream } from './tcp-socket.ts';
import { UdpDatagramSocket } from './udp-socket.ts';

/** Ports below are for services that the topology starts, as they are for root on Unix. */
const FIRST_UNPRIVILEGED_PORT = 1024;

/** What sockets need of a stack. */
export type SocketStack = Pick<Stack, 'interfaces' | 'tcp' | 'udp' | 'echo'> & InterfaceAdministration;

export interface SocketsOptions {
  readonly stack: SocketStack;
  readonly hostname: string;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly counters: Counters;
  /** A generator for a use. */
  readonly random: (use: string) => Random;
}

/** The sockets of a device's services, which may take any port. */
export interface DeviceSockets extends Sockets {
  /** The same for its users' commands: a port under 1024 is refused with EACCES. */
  readonly unprivileged: Sockets;
}

export function createSockets(options: SocketsOptions): DeviceSockets {
  const { stack } = options;
  const shared = {
    options,
    interfaces: stack.interfaces.map((network) => new StackInterfaceHandle(network, stack)),
    lookup: undefined,
  };
  return Object.assign(new StackSockets(shared, true), { unprivileged: new StackSockets(shared, false) });
}

/** What both views of a device's sockets have in common. */
interface Shared {
  readonly options: SocketsOptions;
  readonly interfaces: readonly InterfaceHandle[];
  lookup: Lookup | undefined;
}

class StackSockets implements Sockets {
  readonly hostname: string;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly counters: Counters;
  readonly interfaces: readonly InterfaceHandle[];
  readonly #shared: Shared;
  readonly #stack: SocketStack;
  readonly #mayBind: (port: number) => boolean;

  constructor(shared: Shared, privileged: boolean) {
    const { options } = shared;
    this.hostname = options.hostname;
    this.clock = options.clock;
    this.log = options.log;
    this.counters = options.counters;
    this.interfaces = shared.interfaces;
    this.#shared = shared;
    this.#stack = options.stack;
    this.#mayBind = (port) => privileged || port === 0 || port >= FIRST_UNPRIVILEGED_PORT;
  }

  get lookup(): Lookup | undefined {
    return this.#shared.lookup;
  }

  set lookup(lookup: Lookup | undefined) {
    this.#shared.lookup = lookup;
  }

  random(use: string): Random {
    return this.#shared.options.random(use);
  }

  connect(options: TcpConnectOptions, connected?: () => void): TcpSocket {
    checkConnectOptions(options);
    if (options.localPort !== undefined && !this.#mayBind(options.localPort))
      throw systemError('EACCES', 'bind', options.localAddress ?? '0.0.0.0', options.localPort);
    const socket = new TcpStream({ clock: this.clock, allowHalfOpen: options.allowHalfOpen });
    if (connected) socket.once('connect', connected);
    return socket.connect(options, { tcp: this.#stack.tcp, lookup: (name) => this.#resolve(name) });
  }

  createServer(
    options: { allowHalfOpen?: boolean } = {},
    connection?: (socket: TcpSocket) => void,
  ): TcpServer {
    const { tcp } = this.#stack;
    return new TcpStreamServer({ tcp, clock: this.clock, mayBind: this.#mayBind, ...options }, connection);
  }

  createUdpSocket(): UdpSocket {
    return new UdpDatagramSocket(this.#stack.udp, this.#mayBind);
  }

  openIcmp(): IcmpSocket {
    return new IcmpEchoSocket(this.#stack.echo, this.clock);
  }

  async #resolve(name: string): Promise<readonly string[]> {
    if (name.toLowerCase() === 'localhost') return ['127.0.0.1'];
    if (!this.#shared.lookup) throw systemError('ENOTFOUND', 'getaddrinfo', name);
    return this.#shared.lookup(name);
  }
}
