// One lookup of dig: which servers it asks, in what order and how, and what it says of those that fail.

import { exchange } from '../../apps/dns/exchange.ts';
import type { SystemError } from '../../core/errors.ts';
import { dnsQuery } from '../../wire/dns/message.ts';
import { type DnsMessage, RCODE } from '../../wire/dns/types.ts';
import type { CommandContext } from '../command.ts';
import { CommandFailure, type Console } from './console.ts';
import type { DigLookup } from './dig-options.ts';
import { resolveHost } from './host.ts';
import { strerror } from './strerror.ts';

/** What dig asks where /etc/resolv.conf names nobody. */
const FALLBACK_SERVER = '127.0.0.1';

export interface DigServer {
  readonly address: string;
  /** As it was given on the command line. */
  readonly name: string;
}

export interface DigReceived {
  readonly response: DnsMessage;
  readonly server: DigServer;
  readonly transport: 'udp' | 'tcp';
  /** ms. */
  readonly duration: number;
  /** Bytes. */
  readonly size: number;
}

export async function serversFor(
  lookup: DigLookup,
  console: Console,
  context: CommandContext,
): Promise<DigServer[]> {
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

export class DigQuery {
  constructor(
    private readonly console: Console,
    private readonly context: CommandContext,
    private readonly lookup: DigLookup,
  ) {}

  /** Asks the servers in turn, as often as told, until one answers. */
  async ask(servers: readonly DigServer[]): Promise<DigReceived | undefined> {
    for (let round = 0; round < this.lookup.tries; round++) {
      for (const server of servers) {
        const received = await this.#tryServer(server, this.lookup.tcp ? 'tcp' : 'udp', this.lookup);
        if (received) return received;
      }
    }
    return undefined;
  }

  async #tryServer(
    server: DigServer,
    transport: 'udp' | 'tcp',
    lookup: DigLookup,
  ): Promise<DigReceived | undefined> {
    let received: DigReceived;
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

  async #exchange(server: DigServer, transport: 'udp' | 'tcp', lookup: DigLookup): Promise<DigReceived> {
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

  #failure(server: DigServer, transport: 'udp' | 'tcp', error: SystemError): string {
    const peer = `${server.address}#${this.lookup.port}`;
    if (transport === 'tcp')
      return `;; Connection to ${peer}(${server.name}) for ${this.lookup.name} failed: ${reason(error)}.\n`;
    if (error.syscall === 'recvmsg' || error.code === 'ETIMEDOUT')
      return `;; communications error to ${peer}: ${reason(error)}\n`;
    return `;; UDP setup with ${peer}(${server.name}) for ${this.lookup.name} failed: ${reason(error)}.\n`;
  }
}
