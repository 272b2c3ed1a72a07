// The messages that a DHCP client sends (RFC 2131 §4.4, table 5).

import type { Ipv4Address, MacAddress } from '../../core/address.ts';
import { writeU48 } from '../../core/bytes.ts';
import { DHCP_OPTIONS, DHCP_TYPES, type DhcpMessage, dhcpU32Value } from '../../wire/dhcp.ts';

export interface ClientMessageFields {
  readonly type: keyof typeof DHCP_TYPES;
  readonly xid: number;
  /** Seconds since the client began. */
  readonly secs: number;
  readonly mac: MacAddress;
  readonly hostname: string;
  /** Only when the client has the address and can answer ARP for it. */
  readonly ciaddr?: Ipv4Address | undefined;
  /** Option 50. */
  readonly requested?: Ipv4Address | undefined;
  /** Option 54. */
  readonly server?: Ipv4Address | undefined;
}

const PARAMETER_LIST = [
  DHCP_OPTIONS.SUBNET_MASK,
  DHCP_OPTIONS.BROADCAST_ADDRESS,
  DHCP_OPTIONS.ROUTER,
  DHCP_OPTIONS.DOMAIN,
  DHCP_OPTIONS.NAME_SERVER,
  DHCP_OPTIONS.LEASE_TIME,
  DHCP_OPTIONS.RENEWAL_TIME,
  DHCP_OPTIONS.REBINDING_TIME,
];

/** Hardware type and MAC (RFC 2132 §9.14). */
function clientId(mac: MacAddress): Uint8Array {
  const id = Uint8Array.of(1, 0, 0, 0, 0, 0, 0);
  writeU48(id, 1, mac);
  return id;
}

export function clientMessage(fields: ClientMessageFields): DhcpMessage {
  const options = new Map<number, Uint8Array>([
    [DHCP_OPTIONS.MESSAGE_TYPE, Uint8Array.of(DHCP_TYPES[fields.type])],
    [DHCP_OPTIONS.CLIENT_ID, clientId(fields.mac)],
  ]);
  if (fields.server !== undefined) options.set(DHCP_OPTIONS.SERVER_ID, dhcpU32Value(fields.server));
  if (fields.requested !== undefined)
    options.set(DHCP_OPTIONS.REQUESTED_ADDRESS, dhcpU32Value(fields.requested));
  if (fields.type === 'DISCOVER' || fields.type === 'REQUEST') {
    if (fields.hostname !== '')
      options.set(DHCP_OPTIONS.HOSTNAME, Uint8Array.from(Buffer.from(fields.hostname)));
    options.set(DHCP_OPTIONS.PARAMETER_LIST, Uint8Array.from(PARAMETER_LIST));
  }
  return {
    op: 1,
    hops: 0,
    xid: fields.xid,
    secs: Math.min(fields.secs, 0xffff),
    // Unicast replies reach us: the socket takes them while the interface has no address.
    broadcast: false,
    ciaddr: fields.ciaddr ?? 0,
    yiaddr: 0,
    siaddr: 0,
    giaddr: 0,
    chaddr: fields.mac,
    sname: '',
    file: '',
    options,
  };
}
