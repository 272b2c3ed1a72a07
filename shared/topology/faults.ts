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

/** Since the port was opened, for what this end sends. */
export interface PortCounts {
  /** Frames that the stack or bridge handed to the port while there was carrier. */
  readonly seen: number;
  /** Frames that were lost, delayed, …, by netem's word for it: `loss`, `delay`, `rate`, `cut`, … */
  readonly affected: Readonly<Record<string, number>>;
}

export interface RuleCounts {
  /** Frames, or requests, that were looked at. */
  readonly seen: number;
  /** Those that matched and were dropped or answered wrongly. */
  readonly affected: number;
}

/** What a rule looks for; all that is given must hold, and a list holds if one of it does. */
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
  /** A DNS message, by its QR bit. */
  readonly dns?: 'query' | 'answer';
  /** Only packets that this device made itself, not those that it forwards. */
  readonly originated?: boolean;
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
  /** DNS: this address in every A record; DHCP: this address in every offer. */
  readonly address?: string;
}

/** Active faults that a device starts with: those that were made while it was dead, or before it died. */
export interface StandingFaults {
  readonly filters: readonly { readonly id: string; readonly rules: readonly FilterRule[] }[];
  readonly misbehaviours: readonly { readonly id: string; readonly misbehaviour: Misbehaviour }[];
  /** Ports whose cable is cut. */
  readonly cut: readonly string[];
}
