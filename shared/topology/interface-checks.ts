// What must agree among the interfaces of one device: addresses, gateways, bridges, routes.

import type { Ipv4Address, Ipv4Cidr } from '../core/address.ts';
import {
  broadcastOf,
  formatCidr,
  formatIpv4,
  inNetwork,
  ipv4,
  isGroupMac,
  isLoopbackIpv4,
  isMulticastIpv4,
  networkOf,
  parseCidr,
  parseMac,
  prefixMask,
} from '../core/address.ts';
import type { DraftDevice, Named } from './draft.ts';
import type { InterfaceEntry } from './schema.ts';
import type { Report } from './topology-error.ts';

export function checkInterfaces(device: DraftDevice, report: Report): void {
  for (const face of device.interfaces) {
    if (face.name === 'lo')
      report(face.path, 'lo is the loopback, which every device has', 'give the interface another name');
    checkMac(face.right, face.path, report);
    checkAddress(face.right, face.path, report);
    if (face.entry !== undefined || face.right.ipv4 !== undefined)
      checkGateway(face.right, face.path, report);
  }
  checkBridges(device, report);
  checkOneGateway(device, report);
  checkOverlaps(device, report);
  checkRoutes(device, report);
}

function checkMac({ mac }: InterfaceEntry, path: Named<unknown>['path'], report: Report): void {
  const address = mac === undefined ? undefined : parseMac(mac);
  if (address === undefined) return;
  if (isGroupMac(address))
    report(
      [...path, 'mac'],
      `${mac} is a multicast address`,
      'should be a unicast one, whose first octet is even, such as "02:00:00:00:00:01"',
    );
  if (address === 0)
    report([...path, 'mac'], `${mac} is nobody's`, 'should be another, such as "02:00:00:00:00:01"');
}

function checkAddress({ ipv4: text }: InterfaceEntry, path: Named<unknown>['path'], report: Report): void {
  const cidr = text === undefined ? undefined : parseCidr(text);
  if (cidr === undefined) return;
  const why = whyNoHost(cidr.address, cidr);
  if (why) report([...path, 'ipv4'], `${text} ${why}`, 'should be the address of one machine');
}

/** Why an address cannot be that of a machine in its network; undefined if it can. */
export function whyNoHost(address: Ipv4Address, network: Ipv4Cidr): string | undefined {
  if (address >>> 24 === 0) return 'is of network 0, which no machine has';
  if (isLoopbackIpv4(address)) return 'is a loopback address';
  if (isMulticastIpv4(address)) return 'is a multicast address';
  if (address >>> 28 === 0xf) return 'is a reserved address';
  if (network.prefixLength === 0) return 'has the whole Internet for its network';
  if (network.prefixLength < 31 && address === networkOf(network)) return 'is the address of its network';
  if (address === broadcastOf(network)) return 'is the broadcast address of its network';
  return undefined;
}

function checkGateway(face: InterfaceEntry, path: Named<unknown>['path'], report: Report): void {
  if (face.gateway === undefined) return;
  const place = [...path, 'gateway'];
  if (face.ipv4 === undefined)
    return report(
      place,
      'a gateway without an address',
      `give the interface an "ipv4", or remove the gateway`,
    );
  const own = parseCidr(face.ipv4);
  if (own === undefined) return report(place, 'a gateway beside "dhcp"', 'remove it: DHCP tells the gateway');
  const gateway = ipv4(face.gateway);
  if (!inNetwork(gateway, own))
    return report(
      place,
      `${face.gateway} is outside ${networkText(own)}`,
      'should be an address in the network of its interface',
    );
  const why = gateway === own.address ? 'is the interface itself' : whyNoHost(gateway, own);
  if (why) report(place, `${face.gateway} ${why}`, 'should be the address of a neighbour');
}

function checkBridges(device: DraftDevice, report: Report): void {
  const owners = new Map<string, string>();
  const names = new Map(device.interfaces.map((face) => [face.name, face]));
  for (const { name, path, entry } of device.interfaces)
    for (const [index, port] of (entry?.bridge ?? []).entries()) {
      const place = [...path, 'bridge', index];
      const owner = owners.get(port);
      const same = names.get(port);
      if (owner !== undefined) report(place, `${port} is a port of ${owner} already`, 'name each port once');
      else if (same?.entry?.ipv4 !== undefined)
        report(
          place,
          `${port} is bridged and has an address of its own`,
          `give the address to ${name}, or take ${port} out of the bridge`,
        );
      else if (same !== undefined)
        report(place, `${port} is an interface already`, `remove the interface ${port}, or rename the port`);
      else if (port === 'lo')
        report(place, 'lo is the loopback, which every device has', 'give the port another name');
      owners.set(port, name);
    }
}

function checkOneGateway(device: DraftDevice, report: Report): void {
  const [first, ...more] = device.interfaces.filter((face) => face.entry?.gateway !== undefined);
  for (const face of more)
    report(
      [...face.path, 'gateway'],
      `a second default gateway beside that of ${first?.name}`,
      'keep one, and give "routes" for the rest',
    );
}

function checkOverlaps(device: DraftDevice, report: Report): void {
  const earlier: { name: string; cidr: Ipv4Cidr }[] = [];
  for (const { name, path, right } of device.interfaces) {
    const cidr = right.ipv4 === undefined ? undefined : parseCidr(right.ipv4);
    if (cidr === undefined) continue;
    for (const other of earlier)
      if (overlap(cidr, other.cidr))
        report(
          [...path, 'ipv4'],
          `${formatCidr(cidr)} overlaps ${formatCidr(other.cidr)} of ${other.name}`,
          'give each interface a network of its own',
        );
    earlier.push({ name, cidr });
  }
}

function overlap(a: Ipv4Cidr, b: Ipv4Cidr): boolean {
  const shorter = prefixMask(Math.min(a.prefixLength, b.prefixLength));
  return (a.address & shorter) === (b.address & shorter);
}

function checkRoutes(device: DraftDevice, report: Report): void {
  const addresses = device.interfaces.map((face) => face.entry?.ipv4);
  const networks = addresses.flatMap((text) => parseCidr(text ?? '') ?? []);
  // What DHCP will give nobody knows yet.
  const known = device.complete && !addresses.includes('dhcp');
  for (const [index, { to, via }] of (device.entry.routes ?? []).entries()) {
    const path = [...device.path, 'routes', index];
    const target = parseCidr(to);
    if (target && target.address !== networkOf(target))
      report([...path, 'to'], `${to} has bits beyond its prefix`, `should be "${networkText(target)}"`);
    const hop = ipv4(via);
    if (networks.some((network) => network.address === hop))
      report([...path, 'via'], `${via} is the device itself`, 'should be the address of a neighbour');
    else if (known && !networks.some((network) => inNetwork(hop, network)))
      report(
        [...path, 'via'],
        `${via} is in none of the networks of ${device.name}`,
        `should be an address in ${networks.map(networkText).join(' or ') || 'one; the device has no address'}`,
      );
  }
}

export function networkText(cidr: Ipv4Cidr): string {
  return `${formatIpv4(networkOf(cidr))}/${cidr.prefixLength}`;
}
