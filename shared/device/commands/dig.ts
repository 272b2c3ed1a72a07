// dig, with BIND's command line, output and exit codes. dig-options.ts reads the command line, dig-format.ts
// holds the layout.

import { exchange } from '../../apps/dns/exchange.ts';
import type { SystemError } from '../../core/errors.ts';
import { dnsQuery } from '../../wire/dns/message.ts';
import { type DnsMessage, RCODE } from '../../wire/dns/types.ts';
import type { CommandContext } from '../command.ts';
import { CommandFailure, type Console, command } from './console.ts';
import { formatGreeting, formatResponse, formatShort, formatStatistics } from './dig-format.ts';
import { type DigLookup, HELP, parseDig } from './dig-options.ts';
import { resolveHost } from './host.ts';
import { strerror } from './strerror.ts';

const NO_SERVER_EXIT = 9;
/** What dig asks where /etc/resolv.conf names nobody. */
const FALLBACK_SERVER = '127.0.0.1';

interface Server {
  readonly address: string;
  /** As it was given on the command line. */
  readonly name: string;
}

interface Received {
  readonly response: DnsMessage;
  readonly server: Server;
  readonly transport: 'udp' | 'tcp';
  /** ms. */
  readonly duration: number;
  /** Bytes. */
  readonly size: number;
}

async function serversFor(lookup: DigLookup, console: Console, context: CommandContext): Promise<Server[]> {
  if (lookup.server === undefined) {
    const servers = context.nameServers();
    return (servers.length > 0 ? servers : [FALLBACK_SERVER]).map((address) => ({ address, name: address }));
  }
  const name = lookup.server;
  const address = await resolveHost(context.sockets, name, console.signal).catch(() => {
    console.signal.throwIfAborted();
    throw new CommandFailure(1, `dig: couldn't get address for '${name}': not found`);
  });
  return [{ address, name }];
}

/** `timed out`, `connection refused`, as BIND's libraries word them. */
function reason(error: SystemError): string {
  return error.code === 'ETIMEDOUT' ? 'timed out' : strerror(error).toLowerCase();
}

function queryOf(lookup: DigLookup, id: number): DnsMessage {
  return {
    ...dnsQuery({
      id,
      name: lookup.name,
      type: lookup.type,
      class: lookup.class,
      opcode: lookup.opcode,
      rd: lookup.recurse,
      ...(lookup.edns !== undefined && {
        edns: { udpSize: lookup.udpSize, version: lookup.edns, dnssecOk: lookup.dnssecOk, options: [] },
      }),
    }),
    ad: true,
    cd: lookup.checkingDisabled,
  };
}

class Dig {
  constructor(
    private readonly console: Console,
    private readonly context: CommandContext,
    private readonly lookup: DigLookup,
  ) {}

  /** Asks the servers in turn, as often as told, until one answers. */
  async ask(): Promise<Received | undefined> {
    const servers = await serversFor(this.lookup, this.console, this.context);
    for (let round = 0; round < this.lookup.tries; round++) {
      for (const server of servers) {
        const received = await this.#tryServer(server, this.lookup.tcp ? 'tcp' : 'udp', this.lookup);
        if (received) return received;
      }
    }
    return undefined;
  }

  async #tryServer(
    server: Server,
    transport: 'udp' | 'tcp',
    lookup: DigLookup,
  ): Promise<Received | undefined> {
    let received: Received;
    try {
      received = await this.#exchange(server, transport, lookup);
    } catch (error) {
      this.console.signal.throwIfAborted();
      await this.console.print(this.#failure(server, transport, error as SystemError));
      return undefined;
    }
    const { response } = received;
    if (response.tc && transport === 'udp' && !lookup.ignoreTruncation) {
      await this.console.print(';; Truncated, retrying in TCP mode.\n');
      return this.#tryServer(server, 'tcp', lookup);
    }
    if (
      response.rcode === RCODE.BADVERS &&
      lookup.ednsNegotiation &&
      lookup.edns !== response.edns?.version
    ) {
      const version = response.edns?.version ?? 0;
      await this.console.print(`;; BADVERS, retrying with EDNS version ${version}.\n`);
      return this.#tryServer(server, transport, { ...lookup, edns: version });
    }
    return received;
  }

  async #exchange(server: Server, transport: 'udp' | 'tcp', lookup: DigLookup): Promise<Received> {
    const { sockets } = this.context;
    const begun = sockets.clock.now();
    let size = 0;
    const response = await exchange(sockets, {
      server: server.address,
      port: lookup.port,
      query: queryOf(lookup, sockets.random('dig').uint32() & 0xffff),
      transport,
      timeout: lookup.timeout,
      signal: this.console.signal,
      onSize: (bytes) => {
        size = bytes;
      },
    });
    return { response, server, transport, duration: sockets.clock.now() - begun, size };
  }

  #failure(server: Server, transport: 'udp' | 'tcp', error: SystemError): string {
    const peer = `${server.address}#${this.lookup.port}`;
    if (transport === 'tcp')
      return `;; Connection to ${peer}(${server.name}) for ${this.lookup.name} failed: ${reason(error)}.\n`;
    if (error.syscall === 'recvmsg' || error.code === 'ETIMEDOUT')
      return `;; communications error to ${peer}: ${reason(error)}\n`;
    return `;; UDP setup with ${peer}(${server.name}) for ${this.lookup.name} failed: ${reason(error)}.\n`;
  }
}

async function run(args: readonly string[], console: Console, context: CommandContext): Promise<number> {
  if (args.length === 1 && args[0] === '-h') {
    await console.print(HELP);
    return 0;
  }
  let exitCode = 0;
  let greeted = false;
  for (const lookup of parseDig(args)) {
    const received = await new Dig(console, context, lookup).ask();
    const greeting = lookup.show.command && !greeted ? formatGreeting(args, lookup.server !== undefined) : '';
    greeted = true;
    if (!received) {
      await console.print(`${greeting};; no servers could be reached\n`);
      exitCode = NO_SERVER_EXIT;
      continue;
    }
    const { response, server, transport, duration, size } = received;
    if (lookup.show.short) await console.print(formatShort(response));
    else {
      const statistics = lookup.show.statistics
        ? formatStatistics({ duration, server, port: lookup.port, transport, size, at: new Date() })
        : '';
      await console.print(`${greeting}${formatResponse(response, lookup.show)}${statistics}`);
    }
  }
  return exitCode;
}

export const dig = command('dig', run);
