// Where address translation meets the network layer: before and after the routing decision, as
// netfilter's prerouting and postrouting. Ipv4 knows nothing else of NAT.

/** `stolen`: the hook has kept (a copy of) the packet and will hand it back by itself, or not. */
export type Verdict = 'accept' | 'drop' | 'stolen';

/** A packet is a whole IPv4 packet without padding, still in its frame; a hook may rewrite it in place. */
export interface PacketHook {
  /** A packet came in by interface `from`, and where it goes is not decided yet. */
  prerouting(packet: Uint8Array, from: string): Verdict;
  /** Whether what follows the packet that came last, and is plain (flow-cache.ts), would meet the same. */
  steady(): boolean;
  /** A packet is about to leave by interface `to`; `from` is undefined for one that this device made. */
  postrouting(packet: Uint8Array, to: string, from: string | undefined): Verdict;
}
