// Runs console commands and keeps what they print: on tables that a test makes up, or on a device of the
// default net, on its virtual time.

import { PassThrough, Readable, Writable } from 'node:stream';
import { HttpCache } from '../../shared/apps/http/cache.ts';
import { formatIpv4, formatMac, ipv4 } from '../../shared/core/address.ts';
import { Counters } from '../../shared/core/counters.ts';
import { seededRandom } from '../../shared/core/random.ts';
import type { Command, CommandContext, CommandIo, DeviceTables } from '../../shared/device/command.ts';
import { commands } from '../../shared/device/commands/table.ts';
import { createSockets, type DeviceSockets } from '../../shared/socket/create-sockets.ts';
import type { Sockets } from '../../shared/socket/sockets.ts';
import type { DefaultNet, Node } from './default-net.ts';
import { fakeSockets } from './fake-sockets.ts';
import { RecordedLog } from './recorded-log.ts';

export const NO_TABLES: DeviceTables = {
  arp: () => [],
  routes: () => [],
  pathMtu: () => undefined,
  links: () => [],
  tcp: () => [],
  udp: () => [],
};

const ROUNDS = 100_000;
const HOUR = 3_600_000;

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly done: Promise<Outcome>;
  readonly stdout: Writable;
  /** What has been printed so far. */
  printed(): string;
  /** As Ctrl-C, or another signal. */
  signal(name?: string): void;
}

export interface StartOptions {
  readonly stdin?: Readable;
  readonly stdout?: Writable;
  readonly cwd?: string;
}

function collector(): { stream: Writable; text(): string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
}

export function commandNamed(name: string): Command {
  const command = commands.get(name);
  if (!command) throw new Error(`no command ${name}`);
  return command;
}

/** Starts a command line such as `ping -c 1 8.8.8.8`; words are split at blanks. */
export function startCommand(
  line: string | readonly string[],
  context: CommandContext,
  options: StartOptions = {},
): RunningCommand {
  const [name = '', ...args] = typeof line === 'string' ? line.split(' ') : line;
  const out = collector();
  const err = collector();
  const interrupt = new AbortController();
  const stdout = options.stdout ?? out.stream;
  const io: CommandIo = {
    stdin: options.stdin ?? Readable.from([]),
    stdout,
    stderr: err.stream,
    cwd: options.cwd ?? '/nonexistent',
    interrupt: interrupt.signal,
  };
  const done = commandNamed(name)(args, io, context).then((code) => ({
    code,
    stdout: out.text(),
    stderr: err.text(),
  }));
  return {
    done,
    stdout,
    printed: out.text,
    signal: (signal = 'SIGINT') => interrupt.abort(signal),
  };
}

function contextOf(device: string, sockets: Sockets, tables: DeviceTables): CommandContext {
  return { device, sockets, tables, nameServers: () => [], httpCache: new HttpCache(sockets.clock) };
}

/** Runs a command that needs tables alone. */
export function runOnTables(line: string, tables: Partial<DeviceTables> = {}): Promise<Outcome> {
  const context = contextOf('laptop', fakeSockets(), { ...NO_TABLES, ...tables });
  return startCommand(line, context).done;
}

/** Commands of one device of the default net. */
export class CommandBench {
  readonly log = new RecordedLog();
  readonly sockets: DeviceSockets;
  readonly context: CommandContext;

  constructor(
    readonly net: DefaultNet,
    node: Node,
    extra: Partial<CommandContext> = {},
  ) {
    this.sockets = socketsOf(net, node, this.log);
    this.context = { ...contextOf('laptop', this.sockets, tablesOf(node)), ...extra };
  }

  start(line: string | readonly string[], options: StartOptions = {}): RunningCommand {
    return startCommand(line, this.context, options);
  }

  /** Runs to the end, or fails after `ROUNDS` rounds in which nothing came of it. */
  async run(line: string | readonly string[], options: StartOptions = {}): Promise<Outcome> {
    return this.finish(this.start(line, options));
  }

  /** Lets virtual time pass as it is asked for; files and compression take real time besides. */
  async finish(running: RunningCommand): Promise<Outcome> {
    let outcome: Outcome | undefined;
    void running.done.then((value) => {
      outcome = value;
    });
    for (let round = 0; round < ROUNDS; round++) {
      await this.net.clock.runUntilAsync(() => outcome !== undefined, HOUR);
      if (outcome) return outcome;
    }
    throw new Error(`the command does not end; it said: ${running.printed()}`);
  }
}

export function socketsOf(net: DefaultNet, node: Node, log = new RecordedLog()): DeviceSockets {
  return createSockets({
    stack: node.stack,
    hostname: 'bench',
    clock: net.clock,
    log,
    counters: new Counters(),
    random: (use) => seededRandom('bench', use),
  });
}

function tablesOf({ stack }: Node): DeviceTables {
  return {
    ...NO_TABLES,
    links: () =>
      stack.interfaces.map((network) => ({
        name: network.name,
        mac: formatMac(network.mac),
        mtu: network.mtu,
        carrier: network.carrier,
        loopback: network.loopback,
        ipv4: network.addresses.map(({ address, prefixLength }) => ({
          address: formatIpv4(address),
          prefixLength,
        })),
      })),
    pathMtu: (address) => stack.ipv4.learnedMtu(ipv4(address)),
    routes: () =>
      stack.routes.list().map(({ destination, via, interface: through, protocol }) => ({
        destination:
          destination.prefixLength === 0
            ? 'default'
            : `${formatIpv4(destination.address)}/${destination.prefixLength}`,
        via: via === undefined ? undefined : formatIpv4(via),
        interface: through.name,
        protocol,
      })),
  };
}

/** A stdout that takes `capacity` bytes and then nothing until `open` is called. */
export function stuckStream(capacity: number): { stream: Writable; open(): void; taken(): number } {
  let release: (() => void) | undefined;
  let taken = 0;
  let open = false;
  const stream = new Writable({
    highWaterMark: 1024,
    write(chunk: Buffer, _encoding, done) {
      taken += chunk.length;
      if (open || taken < capacity) done();
      else release = done;
    },
  });
  return {
    stream,
    open() {
      open = true;
      release?.();
    },
    taken: () => taken,
  };
}

/** A stdin that a test fills. */
export function openStdin(): PassThrough {
  return new PassThrough();
}
