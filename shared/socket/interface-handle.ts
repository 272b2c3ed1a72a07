// An interface as one who administers it sees it: addresses, the default route through it, and whether an
// address is free on its link.

import { EventEmitter } from 'node:events';
import { formatIpv4, type Ipv4Address, type Ipv4Cidr, type MacAddress } from '../core/address.ts';
import type { NetworkInterface } from '../stack/interface.ts';
import type { InterfaceHandle } from './sockets.ts';

/** What of an interface's administration the stack as a whole does. */
export interface InterfaceAdministration {
  setDefaultGateway(network: NetworkInterface, gateway: Ipv4Address): void;
  removeDefaultGateway(network: NetworkInterface): void;
  probe(
    network: NetworkInterface,
    address: Ipv4Address,
    timing: 'fast' | 'rfc',
  ): Promise<MacAddress | undefined>;
  announce(network: NetworkInterface, address: Ipv4Address, timing: 'fast' | 'rfc'): void;
}

export class StackInterfaceHandle extends EventEmitter implements InterfaceHandle {
  constructor(
    private readonly network: NetworkInterface,
    private readonly administration: InterfaceAdministration,
  ) {
    super();
    network.observe({
      carrier: (up) => this.emit('carrier', up),
      conflict: (address, mac) => this.emit('conflict', { address: formatIpv4(address), mac }),
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

  setDefaultGateway(gateway: Ipv4Address): void {
    this.administration.setDefaultGateway(this.network, gateway);
  }

  removeDefaultGateway(): void {
    this.administration.removeDefaultGateway(this.network);
  }

  probe(address: Ipv4Address, timing: 'fast' | 'rfc'): Promise<MacAddress | undefined> {
    return this.administration.probe(this.network, address, timing);
  }

  announce(address: Ipv4Address, timing: 'fast' | 'rfc'): void {
    this.administration.announce(this.network, address, timing);
  }
}
