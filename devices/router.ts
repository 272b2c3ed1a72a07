// A home router: a bridged LAN with a DHCP server inside, one address outside, NAT between them.

import { runDevice } from '../shared/device/runtime.ts';
import { dhcpClients, dhcpServer, resolver } from '../shared/device/services.ts';

void runDevice({
  plane: 'router',
  services: [dhcpClients, dhcpServer, resolver],
});
