// The DHCP client: the state machine of RFC 2131 §4.4 (figure 5) that gives an interface its address.

import { formatCidr, formatIpv4, formatMac, type Ipv4Address } from '../../core/address.ts';
import { Alarm } from '../../core/clock.ts';
import { Malformed, type SystemError } from '../../core/errors.ts';
import type { AddressConflict, InterfaceHandle, Service, Sockets, UdpSocket } from '../../socket/sockets.ts';
import {
  DHCP_CLIENT_PORT,
  DHCP_OPTIONS,
  DHCP_SERVER_PORT,
  DHCP_TYPES,
  type DhcpMessage,
  decodeDhcp,
  dhcpAddress,
  dhcpText,
  dhcpType,
  encodeDhcp,
} from '../../wire/dhcp.ts';
import { type ClientMessageFields, clientMessage } from './client-messages.ts';
import { type DhcpLease, leaseFrom } from './lease.ts';

/** RFC 2131 figure 5, and PROBING: the ACK is there and ARP asks whether the address is free. */
export type DhcpClientState =
  | 'INIT'
  | 'SELECTING'
  | 'REQUESTING'
  | 'PROBING'
  | 'BOUND'
  | 'RENEWING'
  | 'REBINDING'
  | 'REBOOTING';

export interface DhcpClientOptions {
  readonly interface: InterfaceHandle;
  readonly hostname: string;
  /** `fast` on a net that is known to be fresh: no start-up delay, short waits at first. */
  readonly timing: 'fast' | 'rfc';
  /** There is a lease: the first, or one renewed (its name servers may be others). The interface is configured. */
  onBound(lease: DhcpLease): void;
  /** The lease ended or was taken away; the interface has given the address up. */
  onLost(): void;
}

export interface DhcpClient extends Service {
  readonly state: DhcpClientState;
  readonly lease: DhcpLease | undefined;
}

const BROADCAST = '255.255.255.255';
const UNSPECIFIED = '0.0.0.0';
/** REQUESTs without answer after which it begins anew (RFC 2131 §3.1 step 5), or goes on with the lease it has. */
const MOST_REQUESTS = 5;
/** ms after a DECLINE (RFC 2131 §3.1 step 5). */
const DECLINE_WAIT = 10_000;
/** Addresses in a row that were others' already, after which each try waits longer (RFC 5227 §2.1.1). */
const MOST_CONFLICTS = 10;
const CONFLICTS_WAIT = 60_000;
/** ms that RENEWING and REBINDING leave at least between REQUESTs (RFC 2131 §4.4.5). */
const SHORTEST_RENEWAL_WAIT = 60_000;
/** ms of the first and the longest wait for an answer; `rfc` is RFC 2131 §4.1, each 1 s more or less. */
const RETRY = { rfc: { first: 4000, longest: 64_000 }, fast: { first: 250, longest: 4000 } } as const;

class Client implements DhcpClient {
  state: DhcpClientState = 'INIT';
  lease: DhcpLease | undefined;

  readonly #random;
  readonly #socket: UdpSocket;
  /** The next retransmission, or the end of a pause. */
  readonly #retry: Alarm;
  /** T1, T2, then the lease's end. */
  readonly #leaseTimer: Alarm;
  #xid = 0;
  #startedAt = 0;
  #secs = 0;
  #requestedAt = 0;
  /** How often the present message was sent. */
  #sent = 0;
  /** NAKs in a row: a server that gives and takes must not have us spin. */
  #naks = 0;
  /** DECLINEs in a row. */
  #conflicts = 0;
  #offer: DhcpMessage | undefined;
  #closed = false;

  constructor(
    private readonly sockets: Sockets,
    private readonly options: DhcpClientOptions,
  ) {
    this.#random = sockets.random('dhcp-client');
    this.#retry = new Alarm(sockets.clock, () => this.#onRetry());
    this.#leaseTimer = new Alarm(sockets.clock, () => this.#onLeaseTimer());
    this.#socket = sockets.createUdpSocket();
    this.#socket.on('message', this.#onMessage);
    this.#socket.on('error', () => sockets.counters.add('dhcp.socket-error'));
    this.#socket.bind({ port: DHCP_CLIENT_PORT, interface: options.interface.name, broadcast: true });
    options.interface.on('carrier', this.#onCarrier);
    options.interface.on('conflict', this.#onConflict);
    if (options.interface.carrier) this.#start(this.#startDelay());
  }

  /** Gives the address back (RFC 2131 §4.4.6). */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.lease) {
      const { cidr, server } = this.lease;
      this.#newTransaction();
      this.#send({ type: 'RELEASE', ciaddr: cidr.address, server }, formatIpv4(server));
      this.#log('info', 'dhcp.release', `gives ${formatCidr(cidr)} back to ${formatIpv4(server)}`, {
        address: formatCidr(cidr),
        server: formatIpv4(server),
      });
      this.#unconfigure();
    }
    this.options.interface.off('carrier', this.#onCarrier);
    this.options.interface.off('conflict', this.#onConflict);
    this.#retry.close();
    this.#leaseTimer.close();
    this.#socket.close();
  }

  // Starting and pausing

  /** All clients of a site that starts at once must not speak at once (RFC 2131 §4.4.1). */
  #startDelay(): number {
    return this.options.timing === 'rfc' ? 1000 + 9000 * this.#random.fraction() : 0;
  }

  #start(delay: number): void {
    this.#enter('INIT');
    this.#offer = undefined;
    this.#retry.set(delay);
  }

  readonly #onCarrier = (up: boolean): void => {
    if (up) {
      this.#naks = 0;
      if (this.lease) this.#reboot();
      else this.#start(this.#startDelay());
      return;
    }
    // The lease stays, and its time runs on: the same net may be there again in a moment.
    this.#retry.clear();
    if (!this.lease) this.#enter('INIT');
  };

  /** Asks whether the address still holds on the net that is there now (RFC 2131 §4.4.2). */
  #reboot(): void {
    this.#enter('REBOOTING');
    this.#newTransaction();
    this.#sent = 0;
    this.#retry.set(0);
  }

  #newTransaction(): void {
    this.#xid = this.#random.uint32();
    this.#startedAt = this.sockets.clock.now();
  }

  // Sending, and sending again

  #onRetry(): void {
    switch (this.state) {
      case 'INIT':
        this.#newTransaction();
        this.#sent = 0;
        this.#enter('SELECTING');
        return this.#discover();
      case 'SELECTING':
        return this.#discover();
      case 'REQUESTING':
        return this.#sent < MOST_REQUESTS ? this.#requestOffer() : this.#start(0);
      case 'REBOOTING':
        return this.#sent < MOST_REQUESTS ? this.#requestAgain() : this.#keep();
      case 'RENEWING':
      case 'REBINDING':
        return this.#extend();
      default:
        return;
    }
  }

  /** The wait before the next copy: doubling, with a spread so that clients fall out of step. */
  #retryDelay(count: number): number {
    const { first, longest } = RETRY[this.options.timing];
    const delay = Math.min(first * 2 ** (count - 1), longest);
    const spread = this.options.timing === 'rfc' ? 1000 : delay / 10;
    return delay + spread * (2 * this.#random.fraction() - 1);
  }

  #discover(): void {
    this.#send({ type: 'DISCOVER' }, BROADCAST);
    this.#retry.set(this.#retryDelay(++this.#sent));
    this.#log('info', 'dhcp.discover', `${this.#name} asks for an address`, { try: this.#sent });
  }

  get #offeredBy(): Ipv4Address | undefined {
    return this.#offer && dhcpAddress(this.#offer, DHCP_OPTIONS.SERVER_ID);
  }

  #requestOffer(): void {
    const offer = this.#offer;
    const server = this.#offeredBy;
    if (!offer || server === undefined) return;
    if (this.#sent === 0) this.#requestedAt = this.sockets.clock.now();
    this.#send({ type: 'REQUEST', requested: offer.yiaddr, server }, BROADCAST);
    this.#retry.set(this.#retryDelay(++this.#sent));
    const address = formatIpv4(offer.yiaddr);
    this.#log('info', 'dhcp.request', `${this.#name} takes ${address} of ${formatIpv4(server)}`, {
      address,
      server: formatIpv4(server),
      try: this.#sent,
    });
  }

  #requestAgain(): void {
    if (!this.lease) return;
    if (this.#sent === 0) this.#requestedAt = this.sockets.clock.now();
    this.#send({ type: 'REQUEST', requested: this.lease.cidr.address }, BROADCAST);
    this.#retry.set(this.#retryDelay(++this.#sent));
    const address = formatIpv4(this.lease.cidr.address);
    this.#log('info', 'dhcp.request', `${this.#name} asks whether ${address} still holds`, {
      address,
      try: this.#sent,
    });
  }

  /** RENEWING asks the lease's server, REBINDING any (RFC 2131 §4.4.5). */
  #extend(): void {
    if (!this.lease) return;
    const { cidr, server, rebindAt, expiresAt } = this.lease;
    const renewing = this.state === 'RENEWING';
    const now = this.sockets.clock.now();
    this.#requestedAt = now;
    this.#send({ type: 'REQUEST', ciaddr: cidr.address }, renewing ? formatIpv4(server) : BROADCAST);
    this.#retry.set(Math.max(((renewing ? rebindAt : expiresAt) - now) / 2, SHORTEST_RENEWAL_WAIT));
    const address = formatIpv4(cidr.address);
    this.#log('info', 'dhcp.request', `${this.#name} asks to keep ${address}`, {
      address,
      server: renewing ? formatIpv4(server) : undefined,
      try: ++this.#sent,
    });
  }

  #send(fields: Omit<ClientMessageFields, 'xid' | 'secs' | 'mac' | 'hostname'>, destination: string): void {
    // A REQUEST repeats its DISCOVER's secs (RFC 2131 §4.4.1), for relays that go by them.
    if (this.state !== 'REQUESTING')
      this.#secs = Math.floor((this.sockets.clock.now() - this.#startedAt) / 1000);
    const message = clientMessage({
      ...fields,
      xid: this.#xid,
      secs: this.#secs,
      mac: this.options.interface.mac,
      hostname: this.options.hostname,
    });
    const source = fields.ciaddr === undefined ? UNSPECIFIED : formatIpv4(fields.ciaddr);
    try {
      this.#socket.send(encodeDhcp(message), DHCP_SERVER_PORT, destination, { source });
    } catch (error) {
      // As a lost packet: the next try may find the interface up.
      this.sockets.counters.add('dhcp.unsent');
      this.#log('debug', 'dhcp.unsent', `${this.#name} can't send`, { reason: (error as SystemError).code });
    }
  }

  // Receiving

  readonly #onMessage = (bytes: Uint8Array): void => {
    const message = decodeDhcp(bytes);
    if (message instanceof Malformed) return this.sockets.counters.add(`dhcp.${message.reason}`);
    const ours =
      message.op === 2 && message.xid === this.#xid && message.chaddr === this.options.interface.mac;
    if (!ours || this.#closed) return this.sockets.counters.add('dhcp.not-for-us');
    switch (dhcpType(message)) {
      case DHCP_TYPES.OFFER:
        return this.#onOffer(message);
      case DHCP_TYPES.ACK:
        return this.#onAck(message);
      case DHCP_TYPES.NAK:
        return this.#onNak(message);
      default:
        return this.sockets.counters.add('dhcp.unexpected');
    }
  };

  #onOffer(offer: DhcpMessage): void {
    if (this.state !== 'SELECTING') return;
    if (!leaseFrom(offer, 0)) return this.sockets.counters.add('dhcp.useless-offer');
    this.#offer = offer;
    this.#sent = 0;
    this.#enter('REQUESTING');
    this.#requestOffer();
  }

  #onAck(ack: DhcpMessage): void {
    const lease = leaseFrom(ack, this.#requestedAt);
    if (!lease) return this.sockets.counters.add('dhcp.useless-ack');
    switch (this.state) {
      case 'REQUESTING':
        if (lease.server !== this.#offeredBy) return;
        return this.#probe(lease, () => this.#bind(lease));
      case 'REBOOTING':
      case 'RENEWING':
      case 'REBINDING':
        if (lease.cidr.address !== this.lease?.cidr.address)
          return this.sockets.counters.add('dhcp.useless-ack');
        // Another cable may be in: who is on it may have the address (RFC 5227 §2.1).
        if (this.state === 'REBOOTING') return this.#probe(lease, () => this.#bind(lease));
        return this.#bind(lease);
      default:
        return;
    }
  }

  #onNak(nak: DhcpMessage): void {
    const server = dhcpAddress(nak, DHCP_OPTIONS.SERVER_ID);
    const asked = this.state === 'REQUESTING' ? this.#offeredBy : undefined;
    const waiting = ['REQUESTING', 'RENEWING', 'REBINDING', 'REBOOTING'].includes(this.state);
    if (!waiting || (asked !== undefined && asked !== server)) return;
    const reason = dhcpText(nak, DHCP_OPTIONS.MESSAGE);
    const from = formatIpv4(server ?? 0);
    this.#log('warn', 'dhcp.nak', `${from} refuses ${this.#name} its address${reason ? `: ${reason}` : ''}`, {
      server: from,
      reason,
    });
    if (this.lease) this.#lose();
    this.#start(this.#naks === 0 ? 0 : this.#retryDelay(this.#naks));
    this.#naks++;
  }

  // Taking an address into use, and giving it up

  /** RFC 2131 §4.4.1: an address is probed before it is used. */
  #probe(lease: DhcpLease, use: () => void): void {
    this.#enter('PROBING');
    this.#retry.clear();
    const xid = this.#xid;
    void this.options.interface.probe(lease.cidr.address, this.options.timing).then((holder) => {
      if (this.#closed || this.state !== 'PROBING' || this.#xid !== xid) return;
      if (holder === undefined) use();
      else this.#decline(lease, formatMac(holder));
    });
  }

  /** The address was defended, and the other uses it all the same: one of the two has to go (RFC 5227 §2.4 (b)). */
  readonly #onConflict = ({ address, mac, again }: AddressConflict): void => {
    if (again && this.lease?.cidr.address === address) this.#decline(this.lease, formatMac(mac));
  };

  #decline(lease: DhcpLease, holder: string): void {
    const { address } = lease.cidr;
    if (this.lease) this.#lose();
    this.#send({ type: 'DECLINE', requested: address, server: lease.server }, BROADCAST);
    this.#log('warn', 'dhcp.decline', `${this.#name} declines ${formatIpv4(address)}: ${holder} has it`, {
      address: formatIpv4(address),
      holder,
    });
    this.#start(++this.#conflicts < MOST_CONFLICTS ? DECLINE_WAIT : CONFLICTS_WAIT);
  }

  #bind(lease: DhcpLease): void {
    const { interface: port, timing } = this.options;
    const before = this.lease;
    this.lease = lease;
    this.#naks = 0;
    this.#conflicts = 0;
    port.addAddress(lease.cidr);
    if (lease.gateway !== undefined) port.setDefaultGateway(lease.gateway);
    else if (before?.gateway !== undefined) port.removeDefaultGateway();
    // Whoever was told otherwise while we were away learns it anew.
    if (this.state === 'PROBING') port.announce(lease.cidr.address, timing);
    this.#logLease(lease);
    this.#settle();
    this.options.onBound(lease);
  }

  /** No server spoke: the lease that we have is good until it ends (RFC 2131 §3.2 step 4). */
  #keep(): void {
    if (!this.lease) return;
    this.#log('info', 'dhcp.keep', `${this.#name} hears no server and keeps its address`, {
      address: formatCidr(this.lease.cidr),
    });
    this.#probe(this.lease, () => this.#settle());
  }

  #settle(): void {
    this.#enter('BOUND');
    this.#retry.clear();
    this.#onLeaseTimer();
  }

  /** Enters what the lease's age asks for, and sets the timer for what is next. */
  #onLeaseTimer(): void {
    if (!this.lease) return;
    const { renewAt, rebindAt, expiresAt } = this.lease;
    const now = this.sockets.clock.now();
    if (now >= expiresAt) return this.#expire();
    const due = now >= rebindAt ? 'REBINDING' : now >= renewAt ? 'RENEWING' : undefined;
    const next = [renewAt, rebindAt, expiresAt].find((time) => time > now);
    if (next !== undefined && next !== Number.POSITIVE_INFINITY) this.#leaseTimer.set(next - now);
    // While it reboots it is asking already, and without carrier nobody would hear.
    const busy = this.state === 'REBOOTING' || this.state === 'PROBING';
    if (!due || busy || !this.options.interface.carrier) return;
    this.#enter(due);
    this.#newTransaction();
    this.#sent = 0;
    this.#extend();
  }

  #expire(): void {
    const address = this.lease && formatCidr(this.lease.cidr);
    this.#log('warn', 'dhcp.expire', `The lease of ${address} has ended: ${this.#name} gives it up`, {
      address,
    });
    this.#lose();
    this.#start(0);
    if (!this.options.interface.carrier) this.#retry.clear();
  }

  #lose(): void {
    this.#unconfigure();
    this.options.onLost();
  }

  #unconfigure(): void {
    const { lease } = this;
    this.lease = undefined;
    this.#leaseTimer.clear();
    if (!lease) return;
    if (lease.gateway !== undefined) this.options.interface.removeDefaultGateway();
    this.options.interface.removeAddress(lease.cidr.address);
  }

  // Telling

  get #name(): string {
    return this.options.interface.name;
  }

  #enter(state: DhcpClientState): void {
    if (state === this.state) return;
    this.#log('debug', 'dhcp.state', `${this.#name} goes from ${this.state} to ${state}`, { state });
    this.state = state;
  }

  #logLease(lease: DhcpLease): void {
    const address = formatCidr(lease.cidr);
    const gateway = lease.gateway === undefined ? undefined : formatIpv4(lease.gateway);
    const dns = lease.nameServers.map(formatIpv4);
    const server = formatIpv4(lease.server);
    this.#log(
      'info',
      'dhcp.lease',
      `${this.#name} has ${address}, gateway ${gateway ?? 'none'}, name servers ${dns.join(', ') || 'none'}, for ${lease.duration / 1000} s from ${server}`,
      { address, gateway, dns, lease: lease.duration, server },
    );
  }

  #log(
    level: 'info' | 'warn' | 'debug',
    event: string,
    message: string,
    fields: Readonly<Record<string, unknown>>,
  ): void {
    const all = { interface: this.#name, xid: this.#xid, ...fields };
    this.sockets.log[level]?.(event, all, message);
  }
}

/** Gets the interface an address and keeps it, until `close`, which releases it. */
export function startDhcpClient(sockets: Sockets, options: DhcpClientOptions): DhcpClient {
  return new Client(sockets, options);
}
