// A name server: it answers for its zones, and finds out, forwards or refuses the rest.

import { runDevice } from '../shared/device/runtime.ts';
import { dhcpClients, dnsServer, resolver } from '../shared/device/services.ts';

void runDevice({
  plane: 'host',
  services: [dhcpClients, dnsServer, resolver],
});
