// A router of a provider: it forwards by its routes and nothing else.

import { runDevice } from '../shared/device/runtime.ts';
import { dhcpClients, resolver } from '../shared/device/services.ts';

void runDevice({
  plane: 'router',
  services: [dhcpClients, resolver],
});
