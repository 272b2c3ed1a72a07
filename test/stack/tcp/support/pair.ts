// Two TCPs over a line that loses, doubles, delays and reorders by seed.

import { type IpAddress, ipv4 } from '../../../../shared/core/address.ts';
import { Counters } from '../../../../shared/core/counters.ts';
import type { SystemError } from '../../../../shared/core/errors.ts';
import { type Random, seededRandom } from '../../../../shared/core/random.ts';
import type { TcpConnection, TcpUser } from '../../../../shared/stack/tcp/connection-api.ts';
import type { TcpSettings } from '../../../../shared/stack/tcp/settings.ts';
import { Tcp } from '../../../../shared/stack/tcp/tcp.ts';
import { RecordedLog } from '../../../support/recorded-log.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';
import { FakeNetwork, receivedPacket } from './fake-network.ts';

export interface Line {
  /** Probabilities from 0 to 1, each way. */
  readonly loss?: number;
  readonly duplicate?: number;
  /** Share of segments that take up to `reorderBy` ms longer than the rest. */
  readonly reorder?: number;
  readonly reorderBy?: number;
  /** ms one way. */
  readonly delay?: number;
}

export const CLIENT = ipv4('10.0.0.1');
export const SERVER = ipv4('10.0.0.2');

/** Both ends': the stream passes 2^32 after its first 60,000 bytes or so. */
const ISS = 2 ** 32 - 60_000;

export interface Host {
  readonly network: FakeNetwork;
  readonly tcp: Tcp;
  readonly log: RecordedLog;
  readonly counters: Counters;
}

export class Pair {
  readonly clock = new VirtualClock();
  readonly client: Host;
  readonly server: Host;
  /** Segments that were handed to the line. */
  segments = 0;
  /** Who reads nothing for now, as a process that is stopped; what comes waits in its queue. */
  readonly #frozen = new Map<Host, (() => void)[]>();

  constructor(
    seed: string,
    private readonly line: Line,
    settings: Partial<TcpSettings> = {},
  ) {
    const random = seededRandom(seed, 'line');
    this.client = this.#host(CLIENT, seed, settings);
    this.server = this.#host(SERVER, seed, settings);
    this.#join(this.client, this.server, random);
    this.#join(this.server, this.client, random);
    this.clock.advance(1000);
  }

  freeze(host: Host): void {
    this.#frozen.set(host, []);
  }

  /** All that has come meanwhile is read at once. */
  thaw(host: Host): void {
    const held = this.#frozen.get(host) ?? [];
    this.#frozen.delete(host);
    for (const deliver of held) deliver();
  }

  #host(address: IpAddress, seed: string, settings: Partial<TcpSettings>): Host {
    const network = new FakeNetwork(address);
    const log = new RecordedLog();
    const counters = new Counters();
    const random = seededRandom(seed, address);
    const tcp = new Tcp({ network, clock: this.clock, random, log, counters, settings });
    tcp.context.sequences.sequence = () => ISS;
    return { network, log, counters, tcp };
  }

  /** What is sent in one turn and takes equally long arrives as one batch. */
  #join(from: Host, to: Host, random: Random): void {
    const { loss = 0, duplicate = 0, reorder = 0, reorderBy = 20, delay = 5 } = this.line;
    const arriving = new Map<number, Uint8Array[]>();
    from.network.onSend = (bytes) => {
      this.segments++;
      if (random.fraction() < loss) return;
      const copies = random.fraction() < duplicate ? 2 : 1;
      for (let copy = 0; copy < copies; copy++) {
        const late = random.fraction() < reorder ? random.fraction() * reorderBy : 0;
        const due = this.clock.now() + delay + late;
        const batch = arriving.get(due);
        if (batch) batch.push(bytes.slice());
        else {
          arriving.set(due, [bytes.slice()]);
          this.clock.after(delay + late, () => {
            const segments = arriving.get(due) ?? [];
            arriving.delete(due);
            this.#hand(to, () => {
              for (const each of segments)
                to.network.handler.receive(receivedPacket(from.network.address, to.network.address, each));
              to.network.handler.endOfBatch?.();
            });
          });
        }
      }
    };
  }

  #hand(to: Host, deliver: () => void): void {
    const held = this.#frozen.get(to);
    if (held) held.push(deliver);
    else deliver();
  }
}

/** Writes `data` as fast as it may, ends the stream, and reads to the end: one end of a transfer. */
export class Transfer implements TcpUser {
  connection: TcpConnection | undefined;
  readonly received: Uint8Array[] = [];
  error: SystemError | undefined;
  isClosed = false;
  #written = 0;

  constructor(private readonly data: Uint8Array) {}

  connected(): void {
    this.#write();
  }

  /** As `connected`, for who was accepted. */
  begin(connection: TcpConnection): void {
    this.connection = connection;
    connection.user = this;
    this.#write();
  }

  readable(): void {
    for (let data = this.connection?.read(); data; data = this.connection?.read()) this.received.push(data);
  }

  writable(): void {
    this.#write();
  }

  drained(): void {}

  closed(error?: SystemError): void {
    this.isClosed = true;
    this.error = error;
  }

  get receivedBytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.received));
  }

  #write(): void {
    const { connection } = this;
    if (!connection) return;
    while (this.#written < this.data.length) {
      const taken = connection.write(this.data.subarray(this.#written, this.#written + 50_000));
      this.#written += taken;
      if (taken < 50_000 && this.#written < this.data.length) return;
    }
    connection.shutdown();
  }
}

/** As `Transfer`, but reads one piece at a time, when `wait` calls back. */
export class SlowTransfer extends Transfer {
  #waits = false;

  constructor(
    data: Uint8Array,
    private readonly pieceSize: number,
    private readonly wait: (wake: () => void) => void,
  ) {
    super(data);
  }

  override readable(): void {
    if (this.#waits) return;
    this.#waits = true;
    this.wait(() => {
      this.#waits = false;
      const piece = this.connection?.read(this.pieceSize);
      if (!piece) return;
      this.received.push(piece);
      this.readable();
    });
  }
}
