// The stack's tables as commands show them.

import { formatCidr, formatIpv4, formatMac, ipv4, networkOf } from '../core/address.ts';
import type { Counters } from '../core/counters.ts';
import type { ArpRow, CounterRow, DeviceTables, LinkRow, NatRow, SocketRow } from './command.ts';
import type { Device } from './device.ts';
import type { Port } from './ports.ts';

interface Endpoint {
  readonly address: number;
  readonly port: number;
}

function endpointText(endpoint: Endpoint | undefined): string {
  if (!endpoint) return '0.0.0.0:*';
  return `${formatIpv4(endpoint.address)}:${endpoint.port}`;
}

export function tablesOf(device: Device, ports: ReadonlyMap<string, Port>): DeviceTables {
  const { stack, nat, known } = device;
  return {
    arp: () =>
      stack.interfaces.filter(({ loopback }) => !loopback).flatMap(({ name }) => arpRows(device, name)),
    routes: () =>
      stack.routes.list().map((route) => ({
        destination:
          route.destination.prefixLength === 0
            ? 'default'
            : formatCidr({ ...route.destination, address: networkOf(route.destination) }),
        via: route.via === undefined ? undefined : formatIpv4(route.via),
        interface: route.interface.name,
        source: route.source === undefined ? undefined : formatIpv4(route.source),
        protocol: route.protocol,
      })),
    pathMtu: (address) => stack.ipv4.learnedMtu(ipv4(address)),
    links: () => linkRows(device, ports),
    tcp: () =>
      stack.tcp.sockets().map((info) => ({
        state: info.state,
        local: endpointText(info.local),
        remote: endpointText(info.remote),
        receiveQueue: info.receiveQueue,
        sendQueue: info.sendQueue,
        details: info.details,
        timer: info.timer,
      })),
    udp: () =>
      stack.udp.endpoints().map(
        (endpoint): SocketRow => ({
          state: endpoint.peer ? 'ESTAB' : 'UNCONN',
          local: endpointText(endpoint),
          remote: endpointText(endpoint.peer),
          receiveQueue: 0,
          sendQueue: 0,
          details: {},
        }),
      ),
    counters: () => counterRows(device.sockets.counters, ports),
    ...(nat && { nat: () => nat.table().map(natRow) }),
    // Asked anew each time: the DHCP server starts after this is made.
    leases: () => known.leases?.(),
  };
}

export function counterRows(counters: Counters, ports: ReadonlyMap<string, Port>): CounterRow[] {
  const own = Object.entries(counters.snapshot()).map(([counter, count]) => ({ counter, count }));
  const ofPorts = [...ports].flatMap(([port, { cable }]) =>
    Object.entries(cable.counters.snapshot()).map(([counter, count]) => ({ counter, port, count })),
  );
  return [...own, ...ofPorts];
}

function arpRows({ stack }: Device, name: string): ArpRow[] {
  return stack
    .arp(name)
    .table()
    .map(({ address, mac, state, age }) => ({
      address: formatIpv4(address),
      interface: name,
      mac: mac === undefined ? undefined : formatMac(mac),
      state,
      age,
    }));
}

function natRow(entry: ReturnType<NonNullable<Device['nat']>['table']>[number]): NatRow {
  return {
    protocol: entry.protocol,
    inside: endpointText(entry.inside),
    outside: endpointText(entry.outside),
    destination: endpointText(entry.destination),
    state: entry.state,
    age: entry.age,
    expiresIn: entry.expiresIn,
  };
}

function linkRows({ stack, config, clock, known }: Device, ports: ReadonlyMap<string, Port>): LinkRow[] {
  const masters = new Map(
    config.spec.interfaces.flatMap(({ name, bridge }) =>
      (bridge ?? []).map((member) => [member.name, name] as const),
    ),
  );
  const interfaces = stack.interfaces.map(
    (network): LinkRow => ({
      name: network.name,
      mac: formatMac(network.mac),
      mtu: network.mtu,
      carrier: network.carrier,
      loopback: network.loopback,
      ipv4: network.addresses.map(({ address, prefixLength }) => {
        const end = known.leaseEnds.get(address);
        const validFor = end === undefined ? undefined : Math.max(0, end - clock.now());
        return { address: formatIpv4(address), prefixLength, validFor };
      }),
    }),
  );
  const members = [...masters].map(([name, master]): LinkRow => {
    const { config: port, cable } = ports.get(name)!;
    return { name, mac: port.mac, mtu: port.mtu, carrier: cable.carrier, master, loopback: false, ipv4: [] };
  });
  return [...interfaces, ...members];
}
