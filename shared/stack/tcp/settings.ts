// What of TCP's behaviour is a number or a choice, with the values that Tincan takes.

export interface TcpSettings {
  /** Whether SACK is offered and taken (RFC 2018). */
  readonly sack: boolean;
  /** Whether timestamps are (RFC 7323 §3). */
  readonly timestamps: boolean;
  /** Whether the window is scaled (RFC 7323 §2). */
  readonly windowScaling: boolean;
  /** Whether ECN is asked for and taken, or only taken where a peer asks (RFC 3168 §6.1.1), as Linux. */
  readonly ecn: 'on' | 'passive' | 'off';
  /** Bytes of data and options in a segment that are asked for at most; 0 for what the path takes (RFC 9293 §3.7.1). */
  readonly maximumSegment: number;
  /** Whether no packet may be fragmented, so that the path's MTU is learned (RFC 1191 §3). */
  readonly pathMtuDiscovery: boolean;
  /** TTL of the packets. */
  readonly timeToLive: number;
  /** The TOS octet of the packets (RFC 2474). */
  readonly typeOfService: number;
  /** Bytes that a connection holds for its reader, and so its largest window. */
  readonly receiveBuffer: number;
  /** Bytes written that a connection takes before they are acknowledged. */
  readonly sendBuffer: number;
  /** Bytes that the buffers of all connections may take together, beyond 16 KiB that each is sure of. */
  readonly bufferMemory: number;
  readonly congestionControl: 'cubic' | 'newreno';
  /** Whether a pause takes the congestion window back to the initial one (RFC 5681 §4.1). */
  readonly slowStartAfterIdle: boolean;
  /** ms of the retransmission timeout before anything is measured (RFC 6298 §2.1). */
  readonly initialRto: number;
  /** ms, as Linux; RFC 6298 §2.4 asks for a second, which no current system waits. */
  readonly minimumRto: number;
  /** ms (RFC 6298 §2.5: at least 60 s). */
  readonly maximumRto: number;
  /** ms after which a SYN without answer is given up (R2, RFC 9293 §3.8.3: at least 3 minutes). */
  readonly synTimeout: number;
  /** ms after which data without acknowledgment is given up (R2, RFC 9293 §3.8.3: at least 100 s). */
  readonly dataTimeout: number;
  /** ms after which the connection is given up where the other side does not answer (RFC 5482); 0: R2 decides. */
  readonly userTimeout: number;
  /** ms that an acknowledgment waits for company, as Linux (RFC 9293 §3.8.6.3: under 500 ms). */
  readonly delayedAck: number;
  /** ms of TIME-WAIT, 2 MSL; 60 s in total, as Linux. */
  readonly timeWait: number;
  /** How many connections may stand in TIME-WAIT; the oldest makes room. */
  readonly timeWaitLimit: number;
  /** How many connections that nobody owns any more may still be ending; the oldest is reset to make room. */
  readonly orphanLimit: number;
  /** ms in FIN-WAIT-2 after which a connection that nobody owns any more is forgotten, as Linux. */
  readonly finWait2: number;
  /** ms without traffic before keep-alive probes, where the user does not say (RFC 9293 §3.8.4: 2 hours). */
  readonly keepAliveIdle: number;
  /** ms between keep-alive probes. */
  readonly keepAliveInterval: number;
  /** Probes without answer after which the connection is dead. */
  readonly keepAliveProbes: number;
  /** Handshakes that a listener keeps in mind; beyond, it answers with SYN cookies. */
  readonly synBacklog: number;
}

export const DEFAULT_TCP_SETTINGS: TcpSettings = {
  sack: true,
  timestamps: true,
  windowScaling: true,
  ecn: 'passive',
  maximumSegment: 0,
  pathMtuDiscovery: true,
  timeToLive: 64,
  typeOfService: 0,
  receiveBuffer: 3 * 1024 * 1024,
  sendBuffer: 3 * 1024 * 1024,
  bufferMemory: 128 * 1024 * 1024,
  congestionControl: 'cubic',
  slowStartAfterIdle: true,
  initialRto: 1000,
  minimumRto: 200,
  maximumRto: 60_000,
  synTimeout: 180_000,
  dataTimeout: 100_000,
  userTimeout: 0,
  delayedAck: 40,
  timeWait: 60_000,
  timeWaitLimit: 16_384,
  orphanLimit: 4096,
  finWait2: 60_000,
  keepAliveIdle: 7_200_000,
  keepAliveInterval: 75_000,
  keepAliveProbes: 9,
  synBacklog: 512,
};
