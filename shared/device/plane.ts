// What forwards frames or packets in a device: a bridge, or IP with or without forwarding and NAT.

import { Behaviour } from '../apps/behaviour.ts';
import { HttpCache } from '../apps/http/cache.ts';
import { type Ipv4Address, type Ipv4Cidr, ipv4, mac, parseCidr } from '../core/address.ts';
import type { Clock } from '../core/clock.ts';
import type { Counters } from '../core/counters.ts';
import type { EventLog } from '../core/event-log.ts';
import type { FramePort } from '../core/frame-port.ts';
import { seededRandom } from '../core/random.ts';
import { createSockets } from '../socket/create-sockets.ts';
import { Bridge } from '../stack/bridge.ts';
import type { NetworkInterface } from '../stack/interface.ts';
import type { Ipv4 } from '../stack/ipv4.ts';
import { Nat } from '../stack/nat/nat.ts';
import { createStack } from '../stack/stack.ts';
import type { DeviceConfig } from '../topology/device-config.ts';
import type { InterfaceSpec, NatSpec } from '../topology/types.ts';
import type { Device } from './device.ts';
import type { Port } from './ports.ts';

export interface PlaneOptions {
  readonly config: DeviceConfig;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly counters: Counters;
  readonly ports: ReadonlyMap<string, Pick<Port, 'top'>>;
  changed(): void;
}

/** A device whose ports are one LAN; it has no address and runs nothing. */
export function bridgePlane({ clock, log, counters, ports }: PlaneOptions): Bridge {
  return new Bridge({
    clock,
    log,
    counters,
    ports: [...ports].map(([name, { top }]) => ({ name, port: top })),
  });
}

/** A device with a stack: `forwarding` makes it a router, and what the topology says of NAT then holds. */
export function ipPlane(options: PlaneOptions, forwarding: boolean): Device {
  const { config, clock, log, counters } = options;
  const { spec } = config;
  const random = (use: string) => seededRandom(config.seed, spec.name, config.incarnation, use);
  let nat: Nat | undefined;
  const stack = createStack({
    clock,
    random,
    log,
    counters,
    forwarding,
    interfaces: spec.interfaces.map((entry) => ({
      name: entry.name,
      mac: mac(entry.mac),
      port: portUnder(entry, options),
      addresses: addressesOf(entry),
    })),
    routes: routesOf(config),
    hook:
      spec.nat && forwarding
        ? (network) => {
            nat = createNat(spec.nat!, network);
            return nat;
          }
        : undefined,
  });

  function createNat(natSpec: NatSpec, network: Ipv4): Nat {
    const { outside } = natSpec;
    // The stack is there when the first packet is.
    let outsideInterface: NetworkInterface | undefined;
    // Inside is what is not routed to the outside, nor to the device itself.
    const isInside = (address: Ipv4Address): boolean => {
      const through = stack.routes.lookup(address)?.interface;
      return through !== undefined && through.name !== outside && !through.loopback;
    };
    return new Nat({
      clock,
      random: random('nat'),
      log,
      counters,
      outside,
      outsideAddress: () => {
        outsideInterface ??= stack.interface(outside);
        return outsideInterface.addresses[0]?.address;
      },
      isInside,
      forwards: natSpec.forwards.map(({ proto, port, to }) => ({ protocol: proto, port, to: endpoint(to) })),
      inject: (packet, from) => network.inject(packet, from),
    });
  }

  const sockets = createSockets({ stack, hostname: spec.hostname, clock, log, counters, random });
  return {
    config,
    clock,
    log,
    stack,
    sockets,
    nat,
    behaviours: behavioursOf(config, clock),
    httpCache: new HttpCache(clock),
    known: { nameServers: new Map(), leaseEnds: new Map() },
    changed: options.changed,
  };
}

/** What servers are told to do wrong, as it was when the device started. */
function behavioursOf({ faults }: DeviceConfig, clock: Clock): Device['behaviours'] {
  const behaviours = { dns: new Behaviour(clock), dhcp: new Behaviour(clock) };
  for (const { id, misbehaviour } of faults?.misbehaviours ?? [])
    behaviours[misbehaviour.service].misbehave(id, misbehaviour);
  return behaviours;
}

/** The port of an interface, or a bridge over the ports that it has for members. */
function portUnder(entry: InterfaceSpec, { clock, log, counters, ports }: PlaneOptions): FramePort {
  if (!entry.bridge) return portNamed(entry.name, ports).top;
  const members = entry.bridge.map(({ name }) => ({ name, port: portNamed(name, ports).top }));
  return new Bridge({ clock, log, counters, ports: members, mac: mac(entry.mac) }).port;
}

function portNamed(name: string, ports: PlaneOptions['ports']): Pick<Port, 'top'> {
  const port = ports.get(name);
  if (!port) throw new Error(`no port ${name} in the device's configuration`);
  return port;
}

function addressesOf({ ipv4: text }: InterfaceSpec): Ipv4Cidr[] {
  const cidr = text === undefined ? undefined : parseCidr(text);
  return cidr ? [cidr] : [];
}

function routesOf({ spec }: DeviceConfig): { to: Ipv4Cidr; via: Ipv4Address }[] {
  const defaults = spec.interfaces.flatMap(({ gateway }) =>
    gateway ? [{ to: '0.0.0.0/0', via: gateway }] : [],
  );
  return [...spec.routes, ...defaults].map(({ to, via }) => ({ to: parseCidr(to)!, via: ipv4(via) }));
}

function endpoint(text: string): { address: Ipv4Address; port: number } {
  const [address, port] = text.split(':');
  return { address: ipv4(address!), port: Number(port) };
}
