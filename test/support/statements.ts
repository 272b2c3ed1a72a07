// What the stack must do, by the ids that tests carry in their titles. Each is short for what the RFCs say
// of it; the tests have the clauses. A statement without a passed test fails the suite (statements-reporter.ts).

export const STATEMENTS = {
  'ARP-1': 'a request for an own address is answered to its sender; others get silence and make no entry',
  'ARP-2': 'packets wait for resolution; one request a second; failure drops them, and a router says 3/1',
  'ARP-3': 'entries age out; a neighbour that comes back with another MAC is learned',
  'ARP-4': 'probes are answered and never cached; an address is probed, announced and defended (RFC 5227)',
  'ARP-5': 'a sender MAC that is broadcast or multicast is ignored',
  'ETH-1': 'frames that are not mine, unknown, too short or too long are dropped and counted by reason',
  'IP-1': 'bad checksum, version, IHL or total length: dropped and counted',
  'IP-2': 'padding after the total length takes part in nothing',
  'IP-3': 'TTL 1 is accepted by its destination; to forward it is answered 11/0',
  'IP-4': 'unknown options are skipped; the payload begins at IHL',
  'IP-5': 'reassembly in any order, 11/1 after 60 s, nothing past 65,535 bytes, bounded memory',
  'IP-6': 'too long a packet: 3/4 with the next hop`s MTU if DF, else fragments',
  'IP-7': 'source broadcast, multicast or 127/8 is dropped; a host never forwards',
  'IP-8': 'the longest prefix wins; no route is answered 3/0',
  'ICMP-1': 'an echo is answered with its id, sequence and data from the address pinged',
  'ICMP-2': 'no error about an error, a broadcast, a later fragment or an invalid source; errors are limited',
  'ICMP-3': 'an error quotes the IP header and at least 8 bytes',
  'ICMP-4': '3/3 reaches the UDP application as ECONNREFUSED',
  'ICMP-5': 'soft errors abort no established connection, and are what a failed connect reports',
  'ICMP-6': '3/4 makes smaller segments at once; plateau table, never below 68, nonsense ignored',
  'UDP-1': 'checksum 0 is accepted, a computed 0 sent as ffff, a wrong one dropped',
  'UDP-2': 'length under 8 or beyond the payload is dropped, a shorter one trims',
  'UDP-3': 'a closed port is answered 3/3, never for a broadcast',
  'UDP-4': 'a reply`s source is the request`s destination',
  'TCP-1': 'CLOSED: RST as RFC 9293 says, never for a RST',
  'TCP-2': 'LISTEN and SYN-SENT: what is ignored, what gets a RST, simultaneous open',
  'TCP-3': 'a segment outside the window is answered with an ACK and dropped',
  'TCP-4': 'RST and SYN in the window: challenge ACKs, limited (RFC 5961)',
  'TCP-5': 'MSS: 536 without the option, options come off the payload, bad options do no harm',
  'TCP-6': 'window scale only if both offered it, a shift over 14 counts as 14',
  'TCP-7': 'timestamps on every segment but RST, PAWS',
  'TCP-8': 'retransmission timeout: 1 s, doubling, Karn; data given up after 100 s, a SYN after 3 min',
  'TCP-9': 'zero window probes; shrunk windows; silly windows avoided on both sides',
  'TCP-10': 'delayed ACK under 0.5 s, every second full segment at once, gaps at once',
  'TCP-11': 'three duplicate ACKs retransmit; ssthresh, initial window, one MSS after a timeout',
  'TCP-12': 'NewReno: a partial ACK sends the next hole at once',
  'TCP-13': 'SACK, D-SACK, recovery by RFC 6675, tail losses by RACK-TLP',
  'TCP-14': 'FIN, half-close, RST for unread data, simultaneous close, TIME-WAIT',
  'TCP-15': 'Nagle, keep-alive, sequence wrap, initial sequence numbers, urgent data',
  'TCP-16': 'CUBIC is the default, NewReno a choice',
  'TCP-17': 'listeners have a backlog, and a SYN flood does not stop a real client',
  'DHCP-1': 'REQUEST while selecting, renewing and rebinding: fields, options, where it goes',
  'DHCP-2': 'T1, T2, expiry gives the address up at once; retries after 4, 8, 16, 32, 64 s ± 1',
  'DHCP-3': 'an address that answers a probe is declined and withheld; the client waits 10 s',
  'DHCP-4': 'server: NAK, silence, freed offers and a full range, each where the RFC says',
  'DHCP-5': 'a reply goes to giaddr, ciaddr, broadcast or chaddr without ARP',
  'DHCP-6': 'INFORM, RELEASE, options 51, 54, 61, 52 and 12',
  'DNS-1': 'id, question and RD are repeated, Z is 0, NOTIMP, FORMERR; garbage does no harm',
  'DNS-2': 'names match without regard to case; bad names are rejected',
  'DNS-3': 'TC over 512 bytes; TCP with split lengths and several queries',
  'DNS-4': 'OPT only if asked, BADVERS, FORMERR for two, a size under 512 is 512',
  'DNS-5': 'NODATA is NOERROR with the SOA; negative answers live min(SOA TTL, MINIMUM)',
  'DNS-6': 'a CNAME is followed by its target; an unknown type is NODATA',
  'DNS-7':
    'the resolver matches answers, uses random ids and ports, counts TTLs down, goes on to the next server',
  'DNS-8': 'a recursive server walks from the root, caches, and says SERVFAIL in bounded time',
  'NAT-1': 'endpoint-independent mapping, no outer port twice, filtering by address and port',
  'NAT-2': 'timers: UDP 2 min, TCP 2 h 4 min and 4 min, ICMP 60 s at least',
  'NAT-3': 'hairpinning, with the outer source',
  'NAT-4': 'inbound ICMP errors are rewritten inside out, and the mapping survives',
  'NAT-5': 'two hosts with the same ping id or source port both work',
  'NAT-6': 'an unsolicited SYN gets silence for 6 s; a simultaneous open passes',
  'NAT-7': 'fragments are translated in any order; UDP checksum 0 stays 0',
  'NAT-8': 'no private source address leaves by the outside interface',
  'NAT-9': 'port forwards work from outside and from inside',
  'NAT-10': 'a full table refuses new flows with a log line and disturbs none of the old',
} as const satisfies Readonly<Record<string, string>>;

export type StatementId = keyof typeof STATEMENTS;

/** How a test ended, under its full title. */
export interface TestOutcome {
  readonly title: string;
  readonly state: 'passed' | 'failed' | 'skipped' | 'pending';
}

export interface StatementTally {
  readonly id: StatementId;
  readonly passed: number;
  readonly failed: number;
  /** Not run to an end. */
  readonly skipped: number;
}

/** Ids that a title carries: `ARP-2` and `ARP-4`, but not `ARP-20`. */
export function idsIn(title: string): string[] {
  return [...new Set(title.match(/\b(?:ARP|ETH|IP|ICMP|UDP|TCP|DHCP|DNS|NAT)-\d+\b/g) ?? [])];
}

export function tallyStatements(outcomes: readonly TestOutcome[]): StatementTally[] {
  const results = outcomes.map(({ title, state }) => ({ ids: idsIn(title), state }));
  return (Object.keys(STATEMENTS) as StatementId[]).map((id) => {
    const states = results.filter(({ ids }) => ids.includes(id)).map(({ state }) => state);
    const count = (...wanted: readonly TestOutcome['state'][]) =>
      states.filter((state) => wanted.includes(state)).length;
    return { id, passed: count('passed'), failed: count('failed'), skipped: count('skipped', 'pending') };
  });
}

/** A statement holds when a test of it passed and none failed. */
export function holds({ passed, failed }: StatementTally): boolean {
  return passed > 0 && failed === 0;
}

/** A line a statement, for people. */
export function statementLine(tally: StatementTally): string {
  const { id, passed, failed, skipped } = tally;
  const counts = [
    passed > 0 ? `${passed} passed` : 'no test passed',
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ].join(', ');
  return `${holds(tally) ? ' ✓' : ' ×'} ${id.padEnd(7)} ${counts.padEnd(10)} ${STATEMENTS[id]}`;
}
