// What the orchestrator asks of a device to make a fault and to undo it. Every answer carries the counts at
// the moment of the change, so that a receipt can say exactly which frames a fault met.
//
// | method      | params                                | answer        |
// | ----------- | ------------------------------------- | ------------- |
// | `impair`    | `{ interface, impairment }`           | `PortCounts`  |
// | `cut`       | `{ interface }`                       | `PortCounts`  |
// | `splice`    | `{ interface }`                       | `PortCounts`  |
// | `counts`    | `{ interface }`                       | `PortCounts`  |
// | `filter`    | `{ id, rules: FilterRule[] }`         | `RuleCounts`  |
// | `unfilter`  | `{ id }`                              | `RuleCounts`  |
// | `filtered`  | `{ id }`                              | `RuleCounts`  |
// | `misbehave` | `{ id, misbehaviour: Misbehaviour }`  | `RuleCounts`  |
// | `behave`    | `{ id }`                              | `RuleCounts`  |
// | `misbehaved`| `{ id }`                              | `RuleCounts`  |
// | `flush`     | `{ table: 'arp' | 'nat' | 'dns' }`    | `{ entries }` |
// | `faults`    | `{}`                                  | `FaultsHere`  |

import type { Impairment } from './types.ts';

/** Since the port was opened, for what this end sends. */
export interface PortCounts {
  /** Frames that were sent while there was carrier, without those that a filter dropped before. */
  readonly seen: number;
  /**
   * Frames that were lost, delayed, …, by netem's word for it: `loss`, `delay`, `duplicate`, `corrupt`,
   * `reorder`, `rate`, `limit`; those that the cut took, and that would have been sent since, as `cut`; and
   * those that found nobody at the other end of a whole cable as `kill`. A cause that is absent took none.
   */
  readonly affected: Readonly<Record<string, number>>;
}

export interface RuleCounts {
  /** Frames, or requests, that were looked at. */
  readonly seen: number;
  /** Those that matched and were dropped or answered wrongly. */
  readonly affected: number;
}

/** What is in force on a device, as the device itself has it. */
export interface FaultsHere {
  /** By cabled port; empty for a perfect cable. */
  readonly impairments: Readonly<Record<string, Impairment>>;
  /** Ports whose cable is cut. */
  readonly cut: readonly string[];
  /** Ids of those that have rules, or make a server misbehave. */
  readonly filters: readonly string[];
  readonly misbehaviours: readonly string[];
}

/**
 * What a rule looks for; all that is given must hold, and a list holds if one of it does. Addresses and ports
 * are those of IPv4, and ARP's if that is the protocol; of a fragment that is not the first, ports, flags and
 * DNS can't be seen and do not match. A rule that gives nothing takes every frame.
 */
export interface FrameMatch {
  /** `arp`, `ipv4`, `icmp`, `udp`, `tcp`. */
  readonly protocol?: 'arp' | 'ipv4' | 'icmp' | 'udp' | 'tcp';
  /** `a.b.c.d/n`. */
  readonly source?: readonly string[];
  readonly destination?: readonly string[];
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** Of a TCP segment, all of them set: `syn`, `ack`, `fin`, `rst`, `psh`. */
  readonly flags?: readonly ('syn' | 'ack' | 'fin' | 'rst' | 'psh')[];
  /** A DNS message: over UDP by its QR bit, over TCP by who has port 53. */
  readonly dns?: 'query' | 'answer';
  /** Only what this device made itself, not what it forwards, bridges or translates; for direction `out`. */
  readonly originated?: boolean;
  /** Only what ends at this device, not what it translates for another; for direction `in`. */
  readonly delivered?: boolean;
}

/** Drops frames as they leave or come in, between the cable and the place where captures look. */
export interface FilterRule {
  /** The port; all of them if absent. */
  readonly interface?: string;
  readonly direction: 'in' | 'out';
  readonly match: FrameMatch;
  /** Of the frames that match, only the first `first`, or every `every`th; all if neither is given. */
  readonly first?: number;
  readonly every?: number;
}

/** A server that does its work badly. The clock is not touched, and no frame is. */
export interface Misbehaviour {
  readonly service: 'dns' | 'dhcp';
  /** ms by which every answer is late. */
  readonly delay?: number;
  /** No answer at all. */
  readonly silent?: boolean;
  /** DNS: SERVFAIL to everything. */
  readonly servfail?: boolean;
  /** DNS: this address in every A record; DHCP: this address in every offer and lease. */
  readonly address?: string;
}

/** Active faults that a device starts with: those that were made while it was dead, or before it died. */
export interface StandingFaults {
  readonly filters: readonly { readonly id: string; readonly rules: readonly FilterRule[] }[];
  readonly misbehaviours: readonly { readonly id: string; readonly misbehaviour: Misbehaviour }[];
  /** Ports whose cable is cut. */
  readonly cut: readonly string[];
}
