// A web server: HTTP/1.1 on port 80, a site for each host name.

import { runDevice } from '../shared/device/runtime.ts';
import { dhcpClients, httpServer, resolver } from '../shared/device/services.ts';

void runDevice({
  plane: 'host',
  services: [dhcpClients, httpServer, resolver],
});
