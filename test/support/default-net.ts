// The default net in one process, on virtual time: laptop and phone, router (bridge, NAT), isp, dns, web.
// Every frame on every cable is checked.

import { type Ipv4Cidr, mac, parseCidr } from '../../shared/core/address.ts';
import { Counters } from '../../shared/core/counters.ts';
import type { FramePort } from '../../shared/core/frame-port.ts';
import { seededRandom } from '../../shared/core/random.ts';
import { Bridge } from '../../shared/stack/bridge.ts';
import type { Ipv4 } from '../../shared/stack/ipv4.ts';
import { Nat, type NatForward } from '../../shared/stack/nat/nat.ts';
import type { PacketHook } from '../../shared/stack/packet-hook.ts';
import { createStack, type Stack, type StackOptions } from '../../shared/stack/stack.ts';
import { FrameChecker } from './frame-checker.ts';
import { type Fate, type MemoryCable, memoryCable } from './memory-cable.ts';
import { RecordedLog } from './recorded-log.ts';
import { VirtualClock } from './virtual-clock.ts';

export const ADDRESSES = {
  laptop: '192.168.0.10',
  phone: '192.168.0.11',
  lan: '192.168.0.1',
  wan: '51.0.0.20',
  isp: '51.0.0.1',
  dns: '8.8.8.8',
  web: '93.184.216.34',
} as const;

export type CableName = 'laptop-router' | 'phone-router' | 'uplink' | 'isp-dns' | 'isp-web';

export interface DefaultNetOptions {
  readonly seed?: number;
  /** What cables do to frames; those that are not named are perfect. */
  readonly fates?: Partial<Record<CableName, Fate>>;
  readonly mtus?: Partial<Record<CableName, number>>;
  /** What web believes that its cable carries, where that is more than it does; bytes. */
  readonly webMtu?: number;
  readonly forwards?: readonly NatForward[];
  /** Puts something around the port of a cable's end: that of the device that the cable's name has first is `a`. */
  readonly decorate?: (cable: CableName, side: 'a' | 'b', port: FramePort, clock: VirtualClock) => FramePort;
}

export interface Node {
  readonly stack: Stack;
  readonly log: RecordedLog;
  readonly counters: Counters;
}

type InterfaceTuple = readonly [name: string, mac: string, port: FramePort, address: string];

export function cidr(text: string): Ipv4Cidr {
  const parsed = parseCidr(text);
  if (!parsed) throw new Error(`not a network: ${text}`);
  return parsed;
}

export class DefaultNet {
  readonly clock = new VirtualClock();
  readonly cables: Readonly<Record<CableName, MemoryCable>>;
  readonly checkers: FrameChecker[] = [];
  readonly laptop: Node;
  readonly phone: Node;
  readonly router: Node;
  readonly isp: Node;
  readonly dns: Node;
  readonly web: Node;
  readonly nat: Nat;
  readonly #options: DefaultNetOptions;

  constructor(options: DefaultNetOptions = {}) {
    this.#options = options;
    const cables = {
      'laptop-router': this.#cable('laptop-router'),
      'phone-router': this.#cable('phone-router'),
      uplink: this.#cable('uplink'),
      'isp-dns': this.#cable('isp-dns'),
      'isp-web': this.#cable('isp-web'),
    };
    this.cables = cables;

    this.laptop = this.#host('laptop', 'aa:aa:aa:aa:aa:aa', cables['laptop-router'].a, ADDRESSES.laptop);
    this.phone = this.#host('phone', '02:00:00:00:00:01', cables['phone-router'].a, ADDRESSES.phone);
    this.dns = this.#host('dns', '02:00:00:00:00:08', cables['isp-dns'].b, ADDRESSES.dns);
    const webPort = withMtu(cables['isp-web'].b, options.webMtu);
    this.web = this.#host('web', '02:00:00:00:00:5d', webPort, ADDRESSES.web);
    this.isp = this.#node(
      'isp',
      [
        ['home', '02:00:00:00:00:dd', cables.uplink.b, '51.0.0.1/24'],
        ['dns', '02:00:00:00:01:dd', cables['isp-dns'].a, '8.8.8.1/24'],
        ['web', '02:00:00:00:02:dd', cables['isp-web'].a, '93.184.216.1/24'],
      ],
      { forwarding: true },
    );
    const { router, nat } = this.#router(cables);
    this.router = router;
    this.nat = nat;
  }

  /** All that was wrong with frames so far. */
  get faults(): string[] {
    return this.checkers.flatMap(({ faults }) => faults);
  }

  #cable(name: CableName): MemoryCable {
    const mtu = this.#options.mtus?.[name] ?? 1500;
    const inside = name === 'laptop-router' || name === 'phone-router';
    const checker = new FrameChecker({ name, mtu, public: !inside });
    this.checkers.push(checker);
    const cable = memoryCable(this.clock, {
      mtu,
      fate: this.#options.fates?.[name],
      tap: (frame) => checker.check(frame),
    });
    const { decorate } = this.#options;
    if (!decorate) return cable;
    const decorated = (side: 'a' | 'b') => decorate(name, side, cable[side], this.clock);
    return { ...cable, a: decorated('a'), b: decorated('b') };
  }

  #host(name: string, macText: string, port: FramePort, address: string): Node {
    const gateway = address.replace(/\d+$/, '1');
    return this.#node(name, [['eth0', macText, port, `${address}/24`]], {
      forwarding: false,
      routes: [{ to: cidr('0.0.0.0/0'), via: cidr(`${gateway}/32`).address }],
    });
  }

  #node(
    name: string,
    interfaces: readonly InterfaceTuple[],
    options: Pick<StackOptions, 'forwarding' | 'routes'>,
    hook?: (ipv4: Ipv4, log: RecordedLog, counters: Counters) => PacketHook,
  ): Node {
    const log = new RecordedLog();
    const counters = new Counters();
    const stack = createStack({
      clock: this.clock,
      random: (use) => seededRandom(this.#options.seed ?? 1, name, use),
      log,
      counters,
      interfaces: interfaces.map(([interfaceName, macText, port, address]) => ({
        name: interfaceName,
        mac: mac(macText),
        port,
        addresses: [cidr(address)],
      })),
      ...options,
      hook: hook && ((ipv4) => hook(ipv4, log, counters)),
    });
    return { stack, log, counters };
  }

  #router(cables: Record<CableName, MemoryCable>): { router: Node; nat: Nat } {
    const { clock } = this;
    const lanMac = '02:00:00:00:00:bb';
    const spare = [memoryCable(clock), memoryCable(clock)];
    for (const { setCarrier } of spare) setCarrier(false);
    const ports = [cables['laptop-router'].b, cables['phone-router'].b, ...spare.map(({ a }) => a)];
    const bridge = new Bridge({
      clock,
      log: new RecordedLog(),
      counters: new Counters(),
      mac: mac(lanMac),
      ports: ports.map((port, index) => ({ name: `lan${index + 1}`, port })),
    });
    let nat: Nat | undefined;
    const router = this.#node(
      'router',
      [
        ['lan', lanMac, bridge.port, `${ADDRESSES.lan}/24`],
        ['wan', 'cc:cc:cc:cc:cc:cc', cables.uplink.a, `${ADDRESSES.wan}/24`],
      ],
      { forwarding: true, routes: [{ to: cidr('0.0.0.0/0'), via: cidr(`${ADDRESSES.isp}/32`).address }] },
      (ipv4, log, counters) => {
        nat = new Nat({
          clock,
          random: seededRandom(this.#options.seed ?? 1, 'router', 'nat'),
          log,
          counters,
          outside: 'wan',
          outsideAddress: () => router.stack.interface('wan').addresses[0]?.address,
          isInside: (address) => router.stack.routes.lookup(address)?.interface.name === 'lan',
          forwards: this.#options.forwards ?? [],
          inject: (packet, from) => ipv4.inject(packet, from),
        });
        return nat;
      },
    );
    if (!nat) throw new Error('the stack did not ask for the hook');
    return { router, nat };
  }
}

function withMtu(port: FramePort, mtu = port.mtu): FramePort {
  return {
    mtu,
    get carrier() {
      return port.carrier;
    },
    send: (frame) => port.send(frame),
    attach: (receiver) => port.attach(receiver),
  };
}
