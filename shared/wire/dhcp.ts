// DHCP messages (RFC 2131 §2, options RFC 2132) between bytes and fields.

import { type Ipv4Address, isGroupMac, type MacAddress } from '../core/address.ts';
import { concatBytes, readU16, readU32, readU48, writeU16, writeU32, writeU48 } from '../core/bytes.ts';
import { Malformed } from '../core/errors.ts';

export const DHCP_SERVER_PORT = 67;
export const DHCP_CLIENT_PORT = 68;

/** RFC 2132 §9.6. */
export const DHCP_TYPES = {
  DISCOVER: 1,
  OFFER: 2,
  REQUEST: 3,
  DECLINE: 4,
  ACK: 5,
  NAK: 6,
  RELEASE: 7,
  INFORM: 8,
} as const;

/** Option codes (RFC 2132) that somebody here reads or writes. */
export const DHCP_OPTIONS = {
  SUBNET_MASK: 1,
  ROUTER: 3,
  NAME_SERVER: 6,
  HOSTNAME: 12,
  DOMAIN: 15,
  BROADCAST_ADDRESS: 28,
  REQUESTED_ADDRESS: 50,
  LEASE_TIME: 51,
  OVERLOAD: 52,
  MESSAGE_TYPE: 53,
  SERVER_ID: 54,
  PARAMETER_LIST: 55,
  MESSAGE: 56,
  RENEWAL_TIME: 58,
  REBINDING_TIME: 59,
  CLIENT_ID: 61,
} as const;

/** Option code to value, in the order in which they stand in the message; without pad, end and overload. */
export type DhcpOptions = ReadonlyMap<number, Uint8Array>;

/** A message on Ethernet (htype 1, hlen 6); fields are named as in RFC 2131 §2. */
export interface DhcpMessage {
  /** 1 is a client's (BOOTREQUEST), 2 a server's (BOOTREPLY). */
  readonly op: 1 | 2;
  readonly hops: number;
  readonly xid: number;
  /** Seconds since the client began. */
  readonly secs: number;
  /** The one flag that is defined: the client asks for a broadcast reply. */
  readonly broadcast: boolean;
  readonly ciaddr: Ipv4Address;
  readonly yiaddr: Ipv4Address;
  readonly siaddr: Ipv4Address;
  readonly giaddr: Ipv4Address;
  readonly chaddr: MacAddress;
  /** Empty also when the field carries options (overload). */
  readonly sname: string;
  readonly file: string;
  readonly options: DhcpOptions;
}

//  0 op  1 htype  2 hlen  3 hops  4 xid  8 secs  10 flags  12 ciaddr  16 yiaddr  20 siaddr  24 giaddr
// 28 chaddr (16)  44 sname (64)  108 file (128)  236 magic cookie  240 options
const CHADDR = 28;
const SNAME = 44;
const FILE = 108;
const COOKIE = 236;
const OPTIONS = 240;

const ETHERNET = 1;
const MAC_LENGTH = 6;
const MAGIC_COOKIE = 0x63825363;
/** The shortest BOOTP message (RFC 951), which some relays and clients insist on. */
const SHORTEST_MESSAGE = 300;
const PAD = 0;
const END = 255;
const BROADCAST_FLAG = 0x8000;
const OVERLOADS_FILE = 1;
const OVERLOADS_SNAME = 2;

/**
 * Adds the options of one field to `found`; a repeated option is one long one (RFC 3396 §7). Returns why
 * the field is malformed, if it is.
 */
function readOptions(field: Uint8Array, found: Map<number, Uint8Array[]>): Malformed | undefined {
  let offset = 0;
  while (offset < field.length) {
    const code = field[offset++]!;
    if (code === PAD) continue;
    if (code === END) return undefined;
    const length = field[offset++];
    if (length === undefined || offset + length > field.length) return new Malformed('option-too-long');
    const value = field.subarray(offset, offset + length);
    const before = found.get(code);
    if (before) before.push(value);
    else found.set(code, [value]);
    offset += length;
  }
  return new Malformed('no-end-option');
}

/** Text that a NUL ends, or the field's end. */
function readText(field: Uint8Array): string {
  const end = field.indexOf(0);
  return Buffer.from(end < 0 ? field : field.subarray(0, end)).toString('latin1');
}

/** Also reads options in `file` and `sname` (RFC 2132 §9.3). A BOOTP message without DHCP options is malformed. */
export function decodeDhcp(bytes: Uint8Array): DhcpMessage | Malformed {
  if (bytes.length < OPTIONS) return new Malformed('too-short');
  const op = bytes[0];
  if (op !== 1 && op !== 2) return new Malformed('unknown-op');
  if (bytes[1] !== ETHERNET || bytes[2] !== MAC_LENGTH) return new Malformed('not-ethernet');
  if (readU32(bytes, COOKIE) !== MAGIC_COOKIE) return new Malformed('no-magic-cookie');
  const chaddr = readU48(bytes, CHADDR);
  if (isGroupMac(chaddr)) return new Malformed('group-chaddr');

  const sname = bytes.subarray(SNAME, FILE);
  const file = bytes.subarray(FILE, COOKIE);
  const parts = new Map<number, Uint8Array[]>();
  let fault = readOptions(bytes.subarray(OPTIONS), parts);
  const overload = parts.get(DHCP_OPTIONS.OVERLOAD)?.find((part) => part.length > 0)?.[0] ?? 0;
  // RFC 3396 §5 gives the order: options, then file, then sname.
  if (overload & OVERLOADS_FILE) fault ??= readOptions(file, parts);
  if (overload & OVERLOADS_SNAME) fault ??= readOptions(sname, parts);
  if (fault) return fault;
  parts.delete(DHCP_OPTIONS.OVERLOAD);
  const options = new Map([...parts].map(([code, values]) => [code, concatBytes(values)] as const));
  if (options.get(DHCP_OPTIONS.MESSAGE_TYPE)?.length !== 1) return new Malformed('no-message-type');

  return {
    op,
    hops: bytes[3]!,
    xid: readU32(bytes, 4),
    secs: readU16(bytes, 8),
    broadcast: (readU16(bytes, 10) & BROADCAST_FLAG) !== 0,
    ciaddr: readU32(bytes, 12),
    yiaddr: readU32(bytes, 16),
    siaddr: readU32(bytes, 20),
    giaddr: readU32(bytes, 24),
    chaddr,
    sname: overload & OVERLOADS_SNAME ? '' : readText(sname),
    file: overload & OVERLOADS_FILE ? '' : readText(file),
    options,
  };
}

/** A value over 255 bytes becomes several options of the same code (RFC 3396 §6). */
function encodeOption(code: number, value: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let offset = 0; offset === 0 || offset < value.length; offset += 255) {
    const part = value.subarray(offset, offset + 255);
    parts.push(Uint8Array.of(code, part.length), part);
  }
  return parts;
}

/** The message, padded to 300 bytes. */
export function encodeDhcp(message: DhcpMessage): Uint8Array {
  const options = concatBytes([...message.options].flatMap(([code, value]) => encodeOption(code, value)));
  const bytes = new Uint8Array(Math.max(OPTIONS + options.length + 1, SHORTEST_MESSAGE));
  bytes[0] = message.op;
  bytes[1] = ETHERNET;
  bytes[2] = MAC_LENGTH;
  bytes[3] = message.hops;
  writeU32(bytes, 4, message.xid);
  writeU16(bytes, 8, message.secs);
  writeU16(bytes, 10, message.broadcast ? BROADCAST_FLAG : 0);
  writeU32(bytes, 12, message.ciaddr);
  writeU32(bytes, 16, message.yiaddr);
  writeU32(bytes, 20, message.siaddr);
  writeU32(bytes, 24, message.giaddr);
  writeU48(bytes, CHADDR, message.chaddr);
  bytes.set(Buffer.from(message.sname, 'latin1').subarray(0, FILE - SNAME), SNAME);
  bytes.set(Buffer.from(message.file, 'latin1').subarray(0, COOKIE - FILE), FILE);
  writeU32(bytes, COOKIE, MAGIC_COOKIE);
  bytes.set(options, OPTIONS);
  bytes[OPTIONS + options.length] = END;
  return bytes;
}

/** The value of option 53; `decodeDhcp` has made sure that there is one. */
export function dhcpType(message: DhcpMessage): number | undefined {
  return message.options.get(DHCP_OPTIONS.MESSAGE_TYPE)?.[0];
}

/** A 32-bit option: a time in seconds. Undefined if it is absent or of another length. */
export function dhcpU32(message: DhcpMessage, code: number): number | undefined {
  const value = message.options.get(code);
  return value?.length === 4 ? readU32(value, 0) : undefined;
}

/** An option that is one address. */
export function dhcpAddress(message: DhcpMessage, code: number): Ipv4Address | undefined {
  return dhcpU32(message, code);
}

/** An option that is a list of addresses; empty if it is absent or of a wrong length. */
export function dhcpAddresses(message: DhcpMessage, code: number): Ipv4Address[] {
  const value = message.options.get(code);
  if (!value || value.length % 4 !== 0) return [];
  return Array.from({ length: value.length / 4 }, (_, index) => readU32(value, index * 4));
}

/** An option that is text; control characters, which would garble a terminal or a log, are left out. */
export function dhcpText(message: DhcpMessage, code: number): string | undefined {
  const value = message.options.get(code);
  if (!value) return undefined;
  const text = Buffer.from(value).toString('utf8').replace(/\p{C}/gu, '');
  return text === '' ? undefined : text;
}

/** The value of a 32-bit option, or of several addresses. */
export function dhcpU32Value(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  values.forEach((value, index) => {
    writeU32(bytes, index * 4, value);
  });
  return bytes;
}
