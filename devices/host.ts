// A computer with a user: it gets its address by DHCP or has one, resolves names, and runs commands.

import { runDevice } from '../shared/device/runtime.ts';
import { dhcpClients, resolver } from '../shared/device/services.ts';

void runDevice({
  plane: 'host',
  services: [dhcpClients, resolver],
});
