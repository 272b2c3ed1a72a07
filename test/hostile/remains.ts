// What a device still keeps of traffic that is over: after a long rest there should be nothing.

import type { Node } from './net.ts';

export function remains(nodes: Iterable<Node>): string[] {
  return [...nodes].flatMap((node) => [...ofStack(node), ...ofNat(node), ...ofBridge(node)]);
}

function ofStack({ name, device }: Node): string[] {
  if (!device) return [];
  const { stack } = device;
  const sockets = stack.tcp
    .sockets()
    .filter(({ state }) => state !== 'LISTEN')
    .map(
      ({ state, local, remote }) =>
        `${name} has TCP ${state} ${local.port} ${remote?.address}:${remote?.port}`,
    );
  const listening = stack.tcp
    .sockets()
    .flatMap(({ state, details }) =>
      state === 'LISTEN' && details.halfOpen ? [`${name} has ${details.halfOpen} handshakes`] : [],
    );
  const services: Readonly<Record<string, number>> = { dns: 1, router: 1, laptop: 1, phone: 1 };
  const endpoints = stack.udp.endpoints().length;
  const extra = endpoints > (services[name] ?? 0) ? [`${name} has ${endpoints} UDP endpoints`] : [];
  return [...sockets, ...listening, ...extra];
}

function ofNat({ name, device }: Node): string[] {
  const left = device?.nat?.table() ?? [];
  return left.length > 0 ? [`${name} has ${left.length} translations, as ${left[0]!.state}`] : [];
}

function ofBridge({ name, bridge }: Node): string[] {
  const left = bridge?.table() ?? [];
  return left.length > 3 ? [`${name} knows ${left.length} stations`] : [];
}
