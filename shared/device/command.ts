// What a console command of a device (`tincan exec DEVICE COMMAND…`) is given and returns.

import type { Readable, Writable } from 'node:stream';
import type { HttpCache } from '../apps/http/cache.ts';
import type { Sockets } from '../socket/sockets.ts';
import type { LearnedMtu } from '../stack/path-mtu.ts';

export interface CommandIo {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** The caller's folder, which file arguments are relative to. */
  readonly cwd: string;
  /** Whether stdout is a terminal, and how wide. */
  readonly columns?: number | undefined;
  /** Aborts when the caller sends SIGINT or SIGTERM (the reason is the signal's name) or goes away. */
  readonly interrupt: AbortSignal;
}

/** Tables of the device as commands show them; absent where the device has no such thing. */
export interface DeviceTables {
  arp(): readonly ArpRow[];
  routes(): readonly RouteRow[];
  /** What routers said about the longest packet on the way to an address. */
  pathMtu(address: string): LearnedMtu | undefined;
  links(): readonly LinkRow[];
  tcp(): readonly SocketRow[];
  udp(): readonly SocketRow[];
  nat?(): readonly NatRow[];
  leases?(): readonly LeaseRow[] | undefined;
  counters?(): readonly CounterRow[];
}

export interface CounterRow {
  /** `layer.reason`. */
  readonly counter: string;
  /** The port that counted it; absent for the stack's own. */
  readonly port?: string | undefined;
  readonly count: number;
}

export interface ArpRow {
  readonly address: string;
  readonly interface: string;
  /** Undefined while unresolved. */
  readonly mac?: string | undefined;
  readonly state: 'incomplete' | 'reachable' | 'stale' | 'failed' | 'permanent';
  /** ms since it was confirmed. */
  readonly age: number;
}

export interface RouteRow {
  /** `default` or `a.b.c.d/n`. */
  readonly destination: string;
  readonly via?: string | undefined;
  readonly interface: string;
  readonly source?: string | undefined;
  readonly protocol: 'kernel' | 'static' | 'dhcp' | 'boot';
}

export interface LinkRow {
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
  readonly carrier: boolean;
  /** Set for a port of a bridge. */
  readonly master?: string | undefined;
  readonly loopback: boolean;
  readonly ipv4: readonly {
    readonly address: string;
    readonly prefixLength: number;
    /** ms left of a lease; absent for a static address. */
    readonly validFor?: number | undefined;
  }[];
}

export interface SocketRow {
  readonly state: string;
  readonly local: string;
  readonly remote: string;
  readonly receiveQueue: number;
  readonly sendQueue: number;
  readonly details: Readonly<Record<string, number | string>>;
  /** What will happen to it by itself: `on` retransmits, `persist`, `keepalive`, `timewait`. */
  readonly timer?:
    | {
        readonly name: string;
        /** ms. */
        readonly expiresIn: number;
        /** How often it has gone off in vain. */
        readonly tries: number;
      }
    | undefined;
}

export interface NatRow {
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  /** `address:port`; for ICMP the echo id stands for the port. */
  readonly inside: string;
  readonly outside: string;
  readonly destination: string;
  /** TCP: `syn-sent`, `established`, `closing`, …; others: `unreplied`, `assured`. */
  readonly state: string;
  /** ms since the entry was made. */
  readonly age: number;
  /** ms until it times out without more traffic. */
  readonly expiresIn: number;
}

export interface LeaseRow {
  readonly address: string;
  readonly mac: string;
  readonly hostname?: string | undefined;
  readonly state: 'offered' | 'bound' | 'declined' | 'expired';
  /** ms until it ends. */
  readonly expiresIn: number;
}

/** What commands may use of a device without a stack: a switch, a tap. */
export interface StacklessContext {
  readonly device: string;
  readonly tables: Pick<DeviceTables, 'counters'>;
}

/** What commands may use of their device. */
export interface CommandContext extends StacklessContext {
  readonly sockets: Sockets;
  readonly tables: DeviceTables;
  /** Addresses of the device's name servers, first choice first. */
  nameServers(): readonly string[];
  /** What its user's browser keeps between visits. */
  readonly httpCache: HttpCache;
}

/** Runs to its end and gives the exit code of the real tool in the same case. */
export type Command<Context = CommandContext> = (
  args: readonly string[],
  io: CommandIo,
  context: Context,
) => Promise<number>;
