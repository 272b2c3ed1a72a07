// The DHCP server (RFC 2131 §4.3): gives the hosts of one network their addresses from a range.

import {
  broadcastOf,
  formatIpv4,
  formatMac,
  type Ipv4Address,
  type Ipv4Cidr,
  inNetwork,
  ipv4,
  networkOf,
} from '../../core/address.ts';
import { toHex } from '../../core/bytes.ts';
import { Alarm } from '../../core/clock.ts';
import { Malformed } from '../../core/errors.ts';
import type { DatagramInfo, InterfaceHandle, Service, Sockets, UdpSocket } from '../../socket/sockets.ts';
import type { DhcpServerSpec } from '../../topology/types.ts';
import {
  DHCP_OPTIONS,
  DHCP_SERVER_PORT,
  DHCP_TYPES,
  type DhcpMessage,
  decodeDhcp,
  dhcpAddress,
  dhcpText,
  dhcpType,
  dhcpU32,
  encodeDhcp,
} from '../../wire/dhcp.ts';
import { Behaviour } from '../behaviour.ts';
import { type Binding, Bindings } from './bindings.ts';
import { INFINITE_LEASE } from './lease.ts';
import { type ReplyContent, type ReplyType, replyTarget, replyTo } from './server-replies.ts';

export interface DhcpServerOptions {
  /** Has its address already: the server's own, and the clients' gateway. */
  readonly interface: InterfaceHandle;
  /** `rfc`: an address is probed before it is offered. */
  readonly timing: 'fast' | 'rfc';
  /** Well unless told. */
  readonly behaviour?: Behaviour;
}

/** A line of the lease table. */
export interface DhcpLeaseRow {
  readonly address: string;
  readonly mac: string;
  readonly hostname?: string | undefined;
  readonly state: 'offered' | 'bound' | 'declined' | 'expired';
  /** ms until it ends; 0 when it has. */
  readonly expiresIn: number;
}

export interface DhcpServer extends Service {
  /** In order of address. */
  leases(): DhcpLeaseRow[];
}

/** ms that an offer is kept for its client: longer than a client's tries take. */
const OFFER_TIME = 60_000;
/** Addresses that are tried when those before turn out to be in use. */
const MOST_PROBES = 4;
/** Clients for whom an address is probed at once; others are heard when they ask again. */
const MOST_PROBING = 256;

/** ms between two looks for what has expired. */
const EXPIRY_INTERVAL = 1000;
/** Bytes that one option holds (RFC 2132 §9.14); a longer one, in parts, is nobody's. */
const LONGEST_CLIENT_ID = 255;

/** RFC 2131 §4.2: the client identifier, else the hardware address. */
function clientKey(message: DhcpMessage): string {
  const id = message.options.get(DHCP_OPTIONS.CLIENT_ID);
  return id && id.length > 0 && id.length <= LONGEST_CLIENT_ID ? toHex(id) : formatMac(message.chaddr);
}

class Server implements DhcpServer {
  readonly #socket: UdpSocket;
  readonly #own: Ipv4Cidr;
  readonly #bindings: Bindings;
  readonly #expiry: Alarm;
  readonly #behaviour: Behaviour;
  /** Clients for whom an address is being probed. */
  readonly #probing = new Set<string>();
  #full = false;
  #closed = false;

  constructor(
    private readonly sockets: Sockets,
    private readonly spec: DhcpServerSpec,
    private readonly options: DhcpServerOptions,
  ) {
    const [own] = options.interface.addresses;
    if (!own) throw new TypeError(`the DHCP server needs an address on ${options.interface.name}`);
    this.#own = own;
    this.#behaviour = options.behaviour ?? new Behaviour(sockets.clock);
    const network = networkOf(own);
    const reserved = [own.address, network, broadcastOf(own) ?? network];
    this.#bindings = new Bindings(ipv4(spec.range[0]), ipv4(spec.range[1]), reserved);
    this.#expiry = new Alarm(sockets.clock, () => this.#expire());
    this.#socket = sockets.createUdpSocket();
    this.#socket.on('message', (bytes: Uint8Array, from: DatagramInfo) => this.#onMessage(bytes, from));
    this.#socket.on('error', () => sockets.counters.add('dhcp.socket-error'));
    this.#socket.bind({ port: DHCP_SERVER_PORT, interface: options.interface.name, broadcast: true });
  }

  close(): void {
    this.#closed = true;
    this.#expiry.close();
    this.#socket.close();
  }

  leases(): DhcpLeaseRow[] {
    const now = this.sockets.clock.now();
    return this.#bindings.all().map(({ address, mac, hostname, state, expiresAt }) => ({
      address: formatIpv4(address),
      mac: formatMac(mac),
      hostname,
      state,
      expiresIn: Math.max(expiresAt - now, 0),
    }));
  }

  #onMessage(bytes: Uint8Array, from: DatagramInfo): void {
    const message = decodeDhcp(bytes);
    if (message instanceof Malformed) return this.sockets.counters.add(`dhcp.${message.reason}`);
    if (message.op !== 1) return this.sockets.counters.add('dhcp.not-for-us');
    if (!this.#behaviour.hears()) return;
    // The address has to be one of the network that the client is on (RFC 2131 §4.3.1), and there is one range.
    if (message.giaddr !== 0 && !inNetwork(message.giaddr, this.#own))
      return this.sockets.counters.add('dhcp.unknown-network');
    switch (dhcpType(message)) {
      case DHCP_TYPES.DISCOVER:
        return this.#onDiscover(message);
      case DHCP_TYPES.REQUEST:
        return this.#onRequest(message);
      case DHCP_TYPES.DECLINE:
        return this.#onDecline(message);
      case DHCP_TYPES.RELEASE:
        return this.#onRelease(message);
      case DHCP_TYPES.INFORM:
        return this.#onInform(message, from);
      default:
        return this.sockets.counters.add('dhcp.unexpected');
    }
  }

  // DISCOVER (RFC 2131 §4.3.1)

  #onDiscover(message: DhcpMessage): void {
    const client = clientKey(message);
    if (this.#probing.has(client)) return;
    const known = this.#bindings.of(client);
    if (known && known.state !== 'expired') return this.#offer(message, known.address);
    if (this.options.timing === 'fast') {
      const address = known?.address ?? this.#choose(message);
      if (address !== undefined) this.#offer(message, address);
    } else if (this.#probing.size >= MOST_PROBING) {
      this.sockets.counters.add('dhcp.too-many-probes');
    } else {
      this.#probing.add(client);
      void this.#offerProbed(message, known?.address).finally(() => this.#probing.delete(client));
    }
  }

  /** Undefined, and a warning, when the range is full of leases. */
  #choose(message: DhcpMessage): Ipv4Address | undefined {
    const requested = dhcpAddress(message, DHCP_OPTIONS.REQUESTED_ADDRESS);
    const address = this.#bindings.choose(clientKey(message), requested) ?? this.#withdrawOffer();
    if (address === undefined && !this.#full) {
      const range = this.spec.range.join('-');
      this.#log(
        'warn',
        'dhcp.full',
        `No address of ${range} is free for ${formatMac(message.chaddr)}`,
        message,
        {
          range,
        },
      );
    }
    this.#full = address === undefined;
    return address;
  }

  /**
   * Who asks for addresses under many names and takes none must keep nobody out: the offer that waits for
   * longest is withdrawn (RFC 2131 §3.1 step 2 lets a server). A client takes what it is offered within moments.
   */
  #withdrawOffer(): Ipv4Address | undefined {
    const { oldestOffer } = this.#bindings;
    if (!oldestOffer) return undefined;
    this.sockets.counters.add('dhcp.offer-withdrawn');
    this.#bindings.remove(oldestOffer);
    return oldestOffer.address;
  }

  /** An address that somebody uses without our leave is withheld, and the next one tried. */
  async #offerProbed(message: DhcpMessage, known: Ipv4Address | undefined): Promise<void> {
    let address = known ?? this.#choose(message);
    for (let tries = 0; address !== undefined && tries < MOST_PROBES; tries++) {
      this.#put(message, address, 'offered', OFFER_TIME);
      const holder = await this.options.interface.probe(address, 'fast');
      // It may have been withdrawn meanwhile.
      if (this.#closed || this.#bindings.of(clientKey(message))?.address !== address) return;
      if (holder === undefined || holder === message.chaddr) return this.#offer(message, address);
      this.#withhold(address, formatMac(holder), message);
      address = this.#choose(message);
    }
  }

  #offer(message: DhcpMessage, address: Ipv4Address): void {
    if (this.#bindings.of(clientKey(message))?.state !== 'bound')
      this.#put(message, address, 'offered', OFFER_TIME);
    this.#log(
      'info',
      'dhcp.offer',
      `offers ${formatIpv4(address)} to ${formatMac(message.chaddr)}`,
      message,
      {
        address: formatIpv4(address),
      },
    );
    this.#reply(message, 'OFFER', { yiaddr: address, lease: this.#duration(message) });
  }

  // REQUEST (RFC 2131 §4.3.2): which state the client is in shows in what it sends

  #onRequest(message: DhcpMessage): void {
    const server = dhcpAddress(message, DHCP_OPTIONS.SERVER_ID);
    const requested = dhcpAddress(message, DHCP_OPTIONS.REQUESTED_ADDRESS);
    if (server !== undefined) this.#onSelection(message, server, requested);
    else if (requested !== undefined) this.#onReboot(message, requested);
    else if (message.ciaddr !== 0) this.#onExtension(message);
    else this.sockets.counters.add('dhcp.unexpected');
  }

  #onSelection(message: DhcpMessage, server: Ipv4Address, requested: Ipv4Address | undefined): void {
    const binding = this.#bindings.of(clientKey(message));
    if (server !== this.#own.address) {
      if (binding?.state === 'offered') this.#bindings.remove(binding);
      return;
    }
    if (binding && this.#isOf(binding, requested)) this.#grant(message, binding.address);
    else this.#refuse(message, requested, 'address not offered');
  }

  /** INIT-REBOOT: of a client that we do not know we can't tell whether it is right. */
  #onReboot(message: DhcpMessage, requested: Ipv4Address): void {
    if (!inNetwork(requested, this.#own) && !this.#behaviour.tells(requested))
      return this.#refuse(message, requested, 'wrong network');
    const binding = this.#bindings.of(clientKey(message));
    if (!binding || binding.state === 'offered') return this.sockets.counters.add('dhcp.unknown-client');
    if (this.#isOf(binding, requested)) this.#grant(message, binding.address);
    else this.#refuse(message, requested, 'address is not yours');
  }

  /** RENEWING and REBINDING. */
  #onExtension(message: DhcpMessage): void {
    const binding = this.#bindings.of(clientKey(message));
    if (!binding || binding.state === 'offered') return this.sockets.counters.add('dhcp.unknown-client');
    if (this.#isOf(binding, message.ciaddr)) this.#grant(message, binding.address);
    else this.#refuse(message, message.ciaddr, 'address is not yours');
  }

  /** A server that tells a wrong address stands by it. */
  #isOf(binding: Binding, address: Ipv4Address | undefined): boolean {
    return binding.address === address || this.#behaviour.tells(address);
  }

  #grant(message: DhcpMessage, address: Ipv4Address): void {
    const duration = this.#duration(message);
    this.#put(message, address, 'bound', duration);
    const text = formatIpv4(address);
    const hostname = dhcpText(message, DHCP_OPTIONS.HOSTNAME);
    const who = hostname ? `${formatMac(message.chaddr)} (${hostname})` : formatMac(message.chaddr);
    this.#log('info', 'dhcp.ack', `leases ${text} to ${who} for ${duration / 1000} s`, message, {
      address: text,
      hostname,
      lease: duration,
    });
    this.#reply(message, 'ACK', { yiaddr: address, lease: duration });
  }

  #refuse(message: DhcpMessage, requested: Ipv4Address | undefined, reason: string): void {
    const address = requested === undefined ? undefined : formatIpv4(requested);
    this.#log('warn', 'dhcp.nak', `refuses ${address} to ${formatMac(message.chaddr)}: ${reason}`, message, {
      address,
      reason,
    });
    this.#reply(message, 'NAK', { reason });
  }

  // DECLINE, RELEASE, INFORM (RFC 2131 §4.3.3 to §4.3.5)

  #onDecline(message: DhcpMessage): void {
    if (dhcpAddress(message, DHCP_OPTIONS.SERVER_ID) !== this.#own.address) return;
    const binding = this.#bindings.of(clientKey(message));
    if (!binding || binding.address !== dhcpAddress(message, DHCP_OPTIONS.REQUESTED_ADDRESS)) return;
    this.#withhold(binding.address, 'somebody', message);
  }

  /** For as long as a lease: whoever has the address may be gone by then. */
  #withhold(address: Ipv4Address, holder: string, message: DhcpMessage): void {
    const { chaddr: mac } = message;
    const expiresAt = this.sockets.clock.now() + this.spec.lease;
    this.#bindings.put({ address, client: '', mac, hostname: undefined, state: 'declined', expiresAt });
    this.#expireAt(expiresAt);
    const text = formatIpv4(address);
    this.#log('warn', 'dhcp.decline', `withholds ${text}: ${holder} uses it without a lease`, message, {
      address: text,
    });
  }

  #onRelease(message: DhcpMessage): void {
    if (dhcpAddress(message, DHCP_OPTIONS.SERVER_ID) !== this.#own.address) return;
    const binding = this.#bindings.of(clientKey(message));
    if (binding?.state !== 'bound' || binding.address !== message.ciaddr) return;
    this.#bindings.expire(binding, this.sockets.clock.now());
    const address = formatIpv4(binding.address);
    this.#log('info', 'dhcp.release', `${formatMac(message.chaddr)} gives ${address} back`, message, {
      address,
    });
  }

  /** A host that has its address from elsewhere asks for the rest. */
  #onInform(message: DhcpMessage, from: DatagramInfo): void {
    const ciaddr = message.ciaddr || ipv4(from.address);
    if (ciaddr === 0) return;
    const address = formatIpv4(ciaddr);
    this.#log('info', 'dhcp.ack', `Tells ${address} of the network`, message, { address });
    this.#reply({ ...message, ciaddr }, 'ACK', {});
  }

  // The table

  #put(message: DhcpMessage, address: Ipv4Address, state: Binding['state'], duration: number): void {
    const client = clientKey(message);
    const before = this.#bindings.of(client);
    const expiresAt = this.sockets.clock.now() + duration;
    this.#bindings.put({
      address,
      client,
      mac: message.chaddr,
      hostname: dhcpText(message, DHCP_OPTIONS.HOSTNAME) ?? before?.hostname,
      state,
      expiresAt,
    });
    this.#expireAt(expiresAt);
  }

  /** What the client asks for, but never more than what the topology says. In ms. */
  #duration(message: DhcpMessage): number {
    const asked = (dhcpU32(message, DHCP_OPTIONS.LEASE_TIME) || INFINITE_LEASE) * 1000;
    return Math.min(asked, this.spec.lease);
  }

  #expireAt(time: number): void {
    if (time < (this.#expiry.deadline ?? Number.POSITIVE_INFINITY))
      this.#expiry.set(time - this.sockets.clock.now());
  }

  #expire(): void {
    const now = this.sockets.clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const binding of this.#bindings) {
      if (binding.state === 'expired') continue;
      if (binding.expiresAt > now) next = Math.min(next, binding.expiresAt);
      else this.#free(binding, now);
    }
    if (next < Number.POSITIVE_INFINITY) this.#expiry.set(Math.max(next - now, EXPIRY_INTERVAL));
  }

  #free(binding: Binding, now: number): void {
    const address = formatIpv4(binding.address);
    const fields = { address, mac: formatMac(binding.mac), state: binding.state };
    this.sockets.log.info('dhcp.expire', fields, `${address} is free again: it was ${binding.state}`);
    if (binding.state === 'bound') this.#bindings.expire(binding, now);
    else this.#bindings.remove(binding);
  }

  #reply(message: DhcpMessage, type: ReplyType, content: ReplyContent): void {
    this.#behaviour.answer(content.yiaddr !== undefined, ({ address: wrong }) => {
      if (this.#closed) return;
      const told = wrong === undefined ? content : { ...content, yiaddr: wrong };
      this.#send(message, type, told);
    });
  }

  #send(message: DhcpMessage, type: ReplyType, content: ReplyContent): void {
    const { dns, domain } = this.spec;
    const reply = replyTo(message, type, content, { own: this.#own, dns: dns.map(ipv4), domain });
    const { port, address, link } = replyTarget(reply, type);
    try {
      this.#socket.send(encodeDhcp(reply), port, formatIpv4(address), { link });
    } catch {
      this.sockets.counters.add('dhcp.unsent');
    }
  }

  #log(
    level: 'info' | 'warn',
    event: string,
    text: string,
    message: DhcpMessage,
    fields: Readonly<Record<string, unknown>>,
  ): void {
    const all = {
      interface: this.options.interface.name,
      mac: formatMac(message.chaddr),
      xid: message.xid,
      ...fields,
    };
    this.sockets.log[level](event, all, text);
  }
}

/** Serves the network of the interface. @throws TypeError if it has no address; SystemError EADDRINUSE */
export function startDhcpServer(
  sockets: Sockets,
  spec: DhcpServerSpec,
  options: DhcpServerOptions,
): DhcpServer {
  return new Server(sockets, spec, options);
}
