// What the kinds of devices are made of, as the files of devices/ compose them: those files run a process each.

import type { StartService } from '../../shared/device/device.ts';
import { dhcpClients, dhcpServer, dnsServer, httpServer, resolver } from '../../shared/device/services.ts';
import type { DeviceKind } from '../../shared/topology/types.ts';

/** Kinds with a stack of their own. */
export type StackKind = Exclude<DeviceKind, 'switch' | 'tap'>;

export const SERVICES: Readonly<Record<StackKind, readonly StartService[]>> = {
  host: [dhcpClients, resolver],
  router: [dhcpClients, dhcpServer, resolver],
  'isp-router': [dhcpClients, resolver],
  'dns-server': [dhcpClients, dnsServer, resolver],
  'web-server': [dhcpClients, httpServer, resolver],
};
