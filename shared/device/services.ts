// The parts that kinds of devices are composed of, each started from what the topology says of the device.

import { type DhcpClient, startDhcpClient } from '../apps/dhcp/client.ts';
import { startDhcpServer } from '../apps/dhcp/server.ts';
import { createResolver } from '../apps/dns/resolver.ts';
import { startDnsServer } from '../apps/dns/server.ts';
import { startHttpServer } from '../apps/http/server.ts';
import { formatIpv4 } from '../core/address.ts';
import type { InterfaceHandle } from '../socket/sockets.ts';
import type { Device, DeviceService, StartService } from './device.ts';

const NOTHING: DeviceService = { close: () => {} };

function interfaceOf(device: Device, name: string): InterfaceHandle {
  const found = device.sockets.interfaces.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`${device.config.spec.name} has no interface ${name}`);
  return found;
}

/** Gets addresses for the interfaces that ask for one by DHCP. */
export const dhcpClients: StartService = (device) => {
  const { spec, timing } = device.config;
  const clients = new Map<string, DhcpClient>();
  for (const { name, ipv4 } of spec.interfaces) {
    if (ipv4 !== 'dhcp') continue;
    const options = { interface: interfaceOf(device, name), hostname: spec.hostname, timing };
    clients.set(
      name,
      startDhcpClient(device.sockets, {
        ...options,
        onBound(lease) {
          device.known.nameServers.set(name, lease.nameServers.map(formatIpv4));
          device.known.leaseEnds.set(lease.cidr.address, lease.expiresAt);
          device.changed();
        },
        onLost() {
          device.known.nameServers.delete(name);
          device.changed();
        },
      }),
    );
  }
  return {
    waiting: () => [...clients].filter(([, client]) => !client.lease).map(([name]) => `a lease on ${name}`),
    close: async () => {
      await Promise.all([...clients.values()].map((client) => client.close()));
    },
  };
};

/** Lets programs on the device use names: by the servers of its interfaces, else those that it knows of anyway. */
export const resolver: StartService = (device) => {
  const { known, sockets, config } = device;
  const { interfaces, dhcp, dns: serves } = config.spec;
  for (const { name, dns } of interfaces) if (dns) known.nameServers.set(name, dns);
  if (known.nameServers.size === 0 && serves) known.nameServers.set('lo', ['127.0.0.1']);
  if (known.nameServers.size === 0 && dhcp) known.nameServers.set(dhcp.interface, dhcp.dns);
  known.resolver = createResolver(sockets, { servers: () => [...known.nameServers.values()].flat() });
  sockets.lookup = known.resolver.lookup;
  return NOTHING;
};

export const dhcpServer: StartService = (device) => {
  const { spec, timing } = device.config;
  if (!spec.dhcp) return NOTHING;
  const server = startDhcpServer(device.sockets, spec.dhcp, {
    interface: interfaceOf(device, spec.dhcp.interface),
    timing,
    behaviour: device.behaviours.dhcp,
  });
  device.known.leases = () => server.leases();
  return server;
};

export const dnsServer: StartService = (device) => {
  const { dns } = device.config.spec;
  if (!dns) return NOTHING;
  const server = startDnsServer(device.sockets, dns, device.behaviours.dns);
  device.known.flushDnsServer = () => server.flush();
  return server;
};

export const httpServer: StartService = (device) => {
  const { http } = device.config.spec;
  return http ? startHttpServer(device.sockets, http, { seed: device.config.seed }) : NOTHING;
};
