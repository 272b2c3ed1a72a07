// An interface as one who administers it sees it: addresses, the default route through it, and whether an
// address is free on its link.

import { EventEmitter } from 'node:events';
import { IPV4_ANY, type Ipv4Address, type Ipv4Cidr, type MacAddress } from '../core/address.ts';
import type { NetworkInterface } from '../stack/interface.ts';
import type { Stack } from '../stack/stack.ts';
import type { InterfaceHandle } from './sockets.ts';

const EVERYWHERE: Ipv4Cidr = { address: IPV4_ANY, prefixLength: 0 };

/** What of a stack the administration of an interface needs. */
export type InterfaceAdministration = Pick<Stack, 'arp' | 'routes'>;

export class StackInterfaceHandle extends EventEmitter implements InterfaceHandle {
  constructor(
    private readonly network: NetworkInterface,
    private readonly stack: InterfaceAdministration,
  ) {
    super();
    network.observe({
      carrier: (up) => this.emit('carrier', up),
      conflict: (address, mac, again) => this.emit('conflict', { address, mac, again }),
    });
  }

  get name(): string {
    return this.network.name;
  }

  get mac(): MacAddress {
    return this.network.mac;
  }

  get mtu(): number {
    return this.network.mtu;
  }

  get carrier(): boolean {
    return this.network.carrier;
  }

  get addresses(): readonly Ipv4Cidr[] {
    return this.network.addresses;
  }

  addAddress(cidr: Ipv4Cidr): void {
    this.network.addAddress(cidr);
  }

  removeAddress(address: Ipv4Address): void {
    this.network.removeAddress(address);
  }

  /** Takes the place of the one that was set here before. */
  setDefaultGateway(gateway: Ipv4Address): void {
    this.removeDefaultGateway();
    const { network } = this;
    this.stack.routes.add({ destination: EVERYWHERE, via: gateway, interface: network, protocol: 'dhcp' });
  }

  removeDefaultGateway(): void {
    this.stack.routes.remove(
      (route) =>
        route.interface === this.network && route.protocol === 'dhcp' && route.destination.prefixLength === 0,
    );
  }

  probe(address: Ipv4Address, timing: 'fast' | 'rfc'): Promise<MacAddress | undefined> {
    return new Promise((resolve) => this.stack.arp(this.name).probe(address, timing, resolve));
  }

  announce(address: Ipv4Address, timing: 'fast' | 'rfc'): void {
    this.stack.arp(this.name).announce(address, timing);
  }
}
