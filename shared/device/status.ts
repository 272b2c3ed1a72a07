// What a device says of itself: readiness, figures and interfaces.

import type { DeviceStatus, InterfaceStatus } from '../control/device-status.ts';
import { formatCidr } from '../core/address.ts';
import type { Counters } from '../core/counters.ts';
import type { Stack } from '../stack/stack.ts';
import type { DeviceConfig } from '../topology/device-config.ts';
import type { Port } from './ports.ts';

/** Counted, and no loss: what was told to all and is not for this one, and what TCP did about losses. */
const NOT_DROPS: ReadonlySet<string> = new Set([
  'ethernet.not-mine',
  'bridge.same-port',
  'cable.broadcast-no-carrier',
  'udp.broadcast-no-port',
  'tcp.retransmitted',
  'tcp.retransmission-timeout',
  'tcp.fast-recovery',
  'tcp.tail-loss-probe',
  'tcp.spurious-recovery',
  'tcp.congestion-marked',
  'tcp.window-probe',
  'tcp.syn-cookie',
]);

export interface StatusSources {
  readonly config: DeviceConfig;
  readonly waiting: readonly string[];
  readonly loopLag: number;
  readonly ports: ReadonlyMap<string, Port>;
  readonly stack: Stack | undefined;
  readonly counters: Counters;
}

export function deviceStatus(sources: StatusSources): DeviceStatus {
  const { config, waiting, loopLag, ports } = sources;
  const cables = [...ports.values()].map(({ cable }) => cable);
  return {
    device: config.spec.name,
    kind: config.spec.kind,
    pid: process.pid,
    ready: waiting.length === 0,
    waiting,
    rss: process.memoryUsage.rss(),
    loopLag,
    uptime: Math.round(process.uptime() * 1000),
    frames: {
      in: cables.reduce((sum, { traffic }) => sum + traffic.framesIn, 0),
      out: cables.reduce((sum, { traffic }) => sum + traffic.framesOut, 0),
    },
    drops: dropsOf(sources),
    interfaces: interfacesOf(sources),
  };
}

function dropsOf({ counters, ports }: StatusSources): number {
  const all = [counters, ...[...ports.values()].map(({ cable }) => cable.counters)];
  return all
    .flatMap((source) => Object.entries(source.snapshot()))
    .filter(([name]) => !NOT_DROPS.has(name))
    .reduce((sum, [, count]) => sum + count, 0);
}

/** In the order of the topology, a bridge before its ports. */
function interfacesOf({ config, ports, stack }: StatusSources): InterfaceStatus[] {
  if (!stack) return [...ports.values()].map(portStatus);
  return config.spec.interfaces.flatMap(({ name, mac, bridge }) => {
    const { addresses, carrier, mtu } = stack.interface(name);
    const address = addresses[0];
    const own = { name, mac, ipv4: address ? formatCidr(address) : null, carrier, mtu };
    return [own, ...(bridge ?? []).map((member) => portStatus(ports.get(member.name)!))];
  });
}

function portStatus({ config, cable }: Port): InterfaceStatus {
  return { name: config.name, mac: config.mac, ipv4: null, carrier: cable.carrier, mtu: config.mtu };
}
