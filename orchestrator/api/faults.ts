// Faults as values of a program: what is asked for with units in its types, and receipts that heal themselves.

import type { Application, Cause, FaultName, Receipt } from '../faults/receipt.ts';
import type { Duration, Percentage, Rate } from './units.ts';

/** What frames of a cable meet, in netem's words. What is not named stays as it is. */
export interface ImpairOptions {
  /** How long each frame waits. */
  readonly delay?: Duration;
  /** How much the delay varies to either side; at most the delay. Never reorders by itself. */
  readonly jitter?: Duration;
  /** How the jitter is spread, uniformly unless told. */
  readonly distribution?: 'uniform' | 'normal' | 'pareto' | 'paretonormal';
  /** Share of frames that are lost, each by itself. */
  readonly loss?: Percentage;
  /**
   * Loss in bursts, by the model of Gilbert and Elliott, instead of `loss`: the chance of going from the good
   * state to the bad one, of going back, of a loss in the bad state (100% unless told) and in the good one (0%
   * unless told), as in `'1% 25%'`.
   */
  readonly gemodel?: string;
  /** Share of frames that arrive twice. */
  readonly duplicate?: Percentage;
  /** Share of frames that arrive with a bit turned over. */
  readonly corrupt?: Percentage;
  /** Share of frames that skip the delay and so overtake others. Needs a delay. */
  readonly reorder?: Percentage;
  /** How fast frames leave, counted in frame bytes without the checksum. */
  readonly rate?: Rate;
  /** How many frames may wait for rate; those beyond are dropped. */
  readonly limit?: number;
  /** Sets all that is not named to none, whatever the topology says. */
  readonly clear?: boolean;
}

export interface Direction {
  /** Only frames that this end sends: `device:interface`, or the device where that is unambiguous. */
  readonly from?: string;
}

export interface PartitionOptions {
  /** Only what goes from the first group to the second. */
  readonly oneWay?: boolean;
}

/** Which frames are dropped. All that is given must hold; without anything all frames are. */
export interface BlackholeOptions extends Direction {
  /** Of a device or an end: only what comes in, or only what goes out. */
  readonly direction?: 'in' | 'out';
  readonly protocol?: 'arp' | 'ipv4' | 'icmp' | 'udp' | 'tcp';
  /** An IPv4 address or network: `'8.8.8.8'`, `'10.0.0.0/8'`. */
  readonly source?: string;
  readonly destination?: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** Flags of a TCP segment, all of them set. */
  readonly flags?: ('syn' | 'ack' | 'fin' | 'rst' | 'psh')[];
  /** A DNS message, by its QR bit. */
  readonly dns?: 'query' | 'answer';
  /** Only the first so many that match, in each direction. */
  readonly first?: number;
  /** Only every so manieth that matches, in each direction. */
  readonly every?: number;
}

/** What a server does badly. */
export interface MisbehaveOptions {
  readonly service: 'dns' | 'dhcp';
  /** By how much every answer is late. */
  readonly delay?: Duration;
  /** No answer at all. */
  readonly silent?: boolean;
  /** DNS: SERVFAIL to everything. */
  readonly servfail?: boolean;
  /** DNS: this address in every A record; DHCP: this address in every offer. */
  readonly address?: string;
}

/** A fault was made, or is over. */
export interface FaultEvent {
  /** Unix ms. */
  readonly time: number;
  readonly change: 'made' | 'over';
  readonly receipt: Receipt;
}

/** What a receipt needs of its net. */
export interface Healer {
  /** Undoes the fault if it is still there. Resolves with its final receipt. */
  healOne(id: string): Promise<Receipt>;
  receiptOf(id: string): Promise<Receipt>;
}

/**
 * The receipt of a fault, as it was when the fault was confirmed everywhere. With `await using` it heals
 * itself at the end of the block.
 */
export class FaultReceipt implements Receipt, AsyncDisposable {
  /** `f1`, `f2`, … in the order in which they were made. */
  readonly id: string;
  readonly fault: FaultName;
  /** The request as it was made, quantities with their units. */
  readonly asked: Readonly<Record<string, unknown>>;
  /** Where it works. */
  readonly applied: readonly Application[];
  /** RFC 3339, to the µs. */
  readonly from: string;
  /** When it was undone; null for a fault that was active when this receipt was written. */
  readonly until: string | null;
  /** Frames (for `misbehave` requests, for `flush` entries) that came by where it works. */
  readonly seen: number;
  /** Those that it did something to, by what it did. */
  readonly affected: Readonly<Partial<Record<Cause, number>>>;
  readonly #healer: Healer;

  /** @internal */
  constructor(receipt: Receipt, healer: Healer) {
    this.id = receipt.id;
    this.fault = receipt.fault;
    this.asked = receipt.asked;
    this.applied = receipt.applied;
    this.from = receipt.from;
    this.until = receipt.until;
    this.seen = receipt.seen;
    this.affected = receipt.affected;
    this.#healer = healer;
  }

  /** The receipt as it is now, with what the fault has met up to now. */
  current(): Promise<Receipt> {
    return this.#healer.receiptOf(this.id);
  }

  /**
   * Undoes this fault; others stay in force. Resolves when that is in effect, carriers included, with the
   * final receipt: what the fault has met in all. A fault that is over stays so.
   */
  heal(): Promise<Receipt> {
    return this.#healer.healOne(this.id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.heal();
  }
}
