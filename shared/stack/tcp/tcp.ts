// TCP (RFC 9293): takes segments from the network layer to connections and listeners, and gives out ports.
// Read connection-api.ts for what stands on it, tcb.ts and arrival.ts for what happens inside.

import { readI32, readU16 } from '../../core/bytes.ts';
import type { Clock } from '../../core/clock.ts';
import type { Counters } from '../../core/counters.ts';
import { Malformed, systemError } from '../../core/errors.ts';
import type { EventLog } from '../../core/event-log.ts';
import type { Random } from '../../core/random.ts';
import {
  decodeTcp,
  TCP_PROTOCOL,
  TCP_SEQUENCE,
  type TcpSegment,
  tcpDestinationPort,
  tcpSourcePort,
} from '../../wire/tcp.ts';
import type {
  NetworkLayer,
  ReceivedError,
  ReceivedPacket,
  TransportFollower,
  TransportHandler,
} from '../network-layer.ts';
import { batchEnds } from './arrival.ts';
import { BufferPool } from './buffer-pool.ts';
import { Connection, type ConnectionHost } from './connection.ts';
import type {
  ConnectOptions,
  ListenOptions,
  TcpApi,
  TcpConnection,
  TcpEndpoint,
  TcpListener,
  TcpSocketInfo,
} from './connection-api.ts';
import type { TcpContext } from './context.ts';
import { Demultiplexer } from './demultiplexer.ts';
import { CONGESTION_EXPERIENCED, ECN_MASK } from './ecn.ts';
import type { HalfOpen, Handshake } from './half-open.ts';
import { predictedArrives } from './header-prediction.ts';
import { InitialSequence } from './initial-sequence.ts';
import { Listener, type ListenerHost } from './listener.ts';
import { pickEphemeralPort } from './ports.ts';
import { resetFor } from './reset.ts';
import { DEFAULT_TCP_SETTINGS, type TcpSettings } from './settings.ts';
import { SynCookies } from './syn-cookies.ts';
import { TimeWait, type TimeWaitOwner, TimeWaitQueue } from './time-wait.ts';

/** The address that stands for all of this device's. */
const ANY = 0;

export interface TcpOptions {
  readonly network: NetworkLayer;
  readonly clock: Clock;
  /** Ports and the secrets behind sequence numbers come of it. */
  readonly random: Random;
  readonly log: EventLog;
  readonly counters: Counters;
  readonly settings?: Partial<TcpSettings>;
}

export class Tcp implements TcpApi, TransportHandler, ConnectionHost, ListenerHost, TimeWaitOwner {
  readonly context: TcpContext;
  readonly cookies: SynCookies;
  readonly #occupants = new Demultiplexer();
  readonly #listeners = new Map<number, Listener[]>();
  readonly #timeWaits: TimeWaitQueue;
  readonly #settings: TcpSettings;
  /** Connections for which something arrived since the last batch ended. */
  #batch: Connection[] = [];
  /** Connections that nobody owns any more, in the order in which they were left. */
  readonly #orphans = new Set<Connection>();
  #notices: Connection[] = [];

  constructor({ network, clock, random, log, counters, settings }: TcpOptions) {
    const sequences = new InitialSequence(clock, random);
    this.#settings = { ...DEFAULT_TCP_SETTINGS, ...settings };
    const buffers = new BufferPool(this.#settings.bufferMemory);
    this.context = { network, clock, random, log, counters, settings: this.#settings, sequences, buffers };
    this.cookies = new SynCookies(clock, random);
    this.#timeWaits = new TimeWaitQueue(this.context, (timeWait) => this.#occupants.remove(timeWait));
    network.register(TCP_PROTOCOL, this);
  }

  /** Changes settings of the device, for the listeners and connections that are made from now on. */
  configure(settings: Partial<TcpSettings>): void {
    Object.assign(this.#settings, settings);
  }

  listen(options: ListenOptions): TcpListener {
    const { network } = this.context;
    const address = options.address ?? ANY;
    const fail = (code: string) => systemError(code, 'listen', network.format(address), options.port);
    if (address !== ANY && !network.isLocal(address)) throw fail('EADDRNOTAVAIL');
    const port = options.port || this.#freePort((candidate) => !this.#listens(address, candidate));
    if (port === undefined || this.#listens(address, port)) throw fail('EADDRINUSE');
    const listener = new Listener(this, { address, port }, options);
    this.#listeners.set(port, [...(this.#listeners.get(port) ?? []), listener]);
    return listener;
  }

  connect(options: ConnectOptions): TcpConnection {
    const { network, sequences } = this.context;
    const remote: TcpEndpoint = { address: options.address, port: options.port };
    const fail = (code: string) => systemError(code, 'connect', network.format(remote.address), remote.port);
    const { localAddress } = options;
    if (localAddress !== undefined && localAddress !== ANY && !network.isLocal(localAddress))
      throw fail('EADDRNOTAVAIL');
    if (network.isBroadcast(remote.address)) throw fail('ENETUNREACH');
    const path = network.path(remote.address, localAddress === ANY ? undefined : localAddress);
    if (typeof path === 'string') throw fail(path);
    const address = path.source;
    const isFree = (port: number) =>
      !this.#listens(address, port) && !this.#occupants.find({ address, port }, remote);
    if (options.localPort && !isFree(options.localPort)) throw fail('EADDRINUSE');
    const port = options.localPort || this.#freePort(isFree);
    if (port === undefined) throw fail('EADDRNOTAVAIL');

    const local: TcpEndpoint = { address, port };
    const settings = { ...this.context.settings, ...options.settings };
    const connection = new Connection(this, local, remote, sequences.sequence(local, remote), settings);
    connection.user = options.user;
    this.#occupants.add(connection);
    connection.open();
    return connection;
  }

  sockets(): TcpSocketInfo[] {
    const listeners = [...this.#listeners.values()].flat().map((listener) => listener.info());
    return [...listeners, ...[...this.#occupants].map((occupant) => occupant.info())];
  }

  /** Forgets everything and sends nothing, as when the power goes. */
  close(): void {
    for (const listener of [...this.#listeners.values()].flat()) listener.close();
    for (const occupant of this.#occupants) if (occupant instanceof Connection) occupant.drop();
    this.#occupants.clear();
    this.#timeWaits.close();
    this.#orphans.clear();
    this.#batch = [];
    this.#notices = [];
  }

  // From the network layer.

  receive(packet: ReceivedPacket): void {
    const { network, counters } = this.context;
    const { source, destination, payload } = packet;
    // Nobody can be connected to many at once (RFC 9293 §3.9.2.3).
    if (packet.broadcast || network.isBroadcast(source)) return counters.add('tcp.broadcast');
    const sum = network.pseudoHeaderSum(source, destination, TCP_PROTOCOL, payload.length);
    const segment = decodeTcp(payload, sum);
    if (segment instanceof Malformed) return counters.add(`tcp.${segment.reason}`);
    const local: TcpEndpoint = { address: destination, port: segment.destinationPort };
    const remote: TcpEndpoint = { address: source, port: segment.sourcePort };
    const occupant = this.#occupants.find(local, remote);
    if (occupant) return occupant.segmentArrives(segment, (packet.tos & ECN_MASK) === CONGESTION_EXPERIENCED);
    const listener = this.#listenerFor(local);
    if (listener) return listener.segmentArrives(local, remote, segment);
    counters.add('tcp.no-port');
    resetFor(this.context, local, remote, segment);
  }

  follower({ source, destination, payload }: ReceivedPacket): TransportFollower | undefined {
    const { network } = this.context;
    const local: TcpEndpoint = { address: destination, port: tcpDestinationPort(payload) };
    const remote: TcpEndpoint = { address: source, port: tcpSourcePort(payload) };
    const occupant = this.#occupants.find(local, remote);
    // If this one did not come to the connection, as its checksum was wrong, what follows must have `batchEnds` called.
    if (!(occupant instanceof Connection) || !occupant.touched) return undefined;
    const sum = network.pseudoHeaderSum(source, destination, TCP_PROTOCOL, 0);
    return (bytes, at, tos) => predictedArrives(occupant.tcb, bytes, at, tos, sum);
  }

  error(error: ReceivedError): void {
    const { quoted, source, destination } = error;
    const local: TcpEndpoint = { address: source, port: readU16(quoted, 0) };
    const remote: TcpEndpoint = { address: destination, port: readU16(quoted, 2) };
    this.#occupants.find(local, remote)?.icmpErrorArrives(error, readI32(quoted, TCP_SEQUENCE));
  }

  /** All that has arrived so far is answered, by one acknowledgment for each connection. */
  endOfBatch(): void {
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    for (const connection of batch) {
      connection.touched = false;
      batchEnds(connection.tcb);
    }
  }

  // From connections.

  touch(connection: Connection): void {
    connection.touched = true;
    if (this.#batch.push(connection) === 1) this.context.clock.afterReads(() => this.endOfBatch());
  }

  schedule(connection: Connection): void {
    if (this.#notices.push(connection) > 1) return;
    this.context.clock.afterTurn(() => {
      const due = this.#notices;
      this.#notices = [];
      for (const each of due) each.deliver();
    });
  }

  abandon(connection: Connection): void {
    this.#orphans.add(connection);
    if (this.#orphans.size <= this.#settings.orphanLimit) return;
    this.context.counters.add('tcp.too-many-orphans');
    for (const oldest of this.#orphans) return oldest.abort();
  }

  forget(connection: Connection): void {
    this.#orphans.delete(connection);
    this.#occupants.remove(connection);
  }

  enterTimeWait(connection: Connection): void {
    const timeWait = new TimeWait(this, connection.tcb);
    this.forget(connection);
    this.#occupants.add(timeWait);
    this.#timeWaits.put(timeWait);
  }

  // From listeners.

  occupy(halfOpen: HalfOpen): void {
    this.#occupants.add(halfOpen);
  }

  release(halfOpen: HalfOpen): void {
    this.#occupants.remove(halfOpen);
  }

  establish(listener: Listener, handshake: Handshake, segment: TcpSegment): void {
    listener.waiting++;
    const { local, remote, iss } = handshake;
    const { settings } = listener.context;
    const connection = new Connection(this, local, remote, iss, settings, (accepted) => {
      listener.waiting--;
      if (listener.closed) accepted.abort();
      else listener.options.accept(accepted);
    });
    connection.takeOver(handshake);
    this.#occupants.add(connection);
    connection.segmentArrives(segment);
  }

  forgetListener(listener: Listener): void {
    const { port } = listener.local;
    const left = (this.#listeners.get(port) ?? []).filter((other) => other !== listener);
    if (left.length > 0) this.#listeners.set(port, left);
    else this.#listeners.delete(port);
  }

  // From TIME-WAIT.

  restart(timeWait: TimeWait): void {
    this.#timeWaits.put(timeWait);
  }

  expiresIn(timeWait: TimeWait): number {
    return this.#timeWaits.expiresIn(timeWait);
  }

  end(timeWait: TimeWait): void {
    this.#timeWaits.delete(timeWait);
    this.#occupants.remove(timeWait);
  }

  reopen(timeWait: TimeWait, segment: TcpSegment, iss: number): boolean {
    const listener = this.#listenerFor(timeWait.local);
    if (!listener) return false;
    this.end(timeWait);
    listener.segmentArrives(timeWait.local, timeWait.remote, segment, iss);
    return true;
  }

  /** The listener of just this address, else of any. */
  #listenerFor(local: TcpEndpoint): Listener | undefined {
    const listeners = this.#listeners.get(local.port);
    return (
      listeners?.find((listener) => listener.local.address === local.address) ??
      listeners?.find((listener) => listener.local.address === ANY)
    );
  }

  #listens(address: TcpEndpoint['address'], port: number): boolean {
    const listeners = this.#listeners.get(port) ?? [];
    return listeners.some(
      ({ local }) => local.address === address || local.address === ANY || address === ANY,
    );
  }

  #freePort(isFree: (port: number) => boolean): number | undefined {
    return pickEphemeralPort(this.context.random, isFree);
  }
}
