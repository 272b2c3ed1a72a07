// What DNS messages are made of: types, classes and codes by name, records and their data.

import type { Ipv4Address } from '../../core/address.ts';

const TYPE_NUMBERS = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;

/** A type by name; one that has none here as RFC 3597 §5 writes it: `TYPE65`. */
export type DnsType = keyof typeof TYPE_NUMBERS | `TYPE${number}`;

const TYPE_NAMES = new Map<number, DnsType>(
  Object.entries(TYPE_NUMBERS).map(([name, number]) => [number, name as DnsType]),
);

export function typeName(number: number): DnsType {
  return TYPE_NAMES.get(number) ?? `TYPE${number}`;
}

export function typeNumber(type: DnsType): number {
  return type in TYPE_NUMBERS ? TYPE_NUMBERS[type as keyof typeof TYPE_NUMBERS] : Number(type.slice(4));
}

/** Reads `a`, `MX`, `TYPE65`, …; undefined for what is no type. */
export function parseType(text: string): DnsType | undefined {
  const name = text.toUpperCase();
  if (name in TYPE_NUMBERS) return name as DnsType;
  const match = /^TYPE(\d{1,5})$/.exec(name);
  const number = match ? Number(match[1]) : Number.NaN;
  return number <= 0xffff ? typeName(number) : undefined;
}

export const DNS_CLASS = { IN: 1, CH: 3, ANY: 255 } as const;

export const OPCODE_QUERY = 0;

/** RFC 1035 §4.1.1 and RFC 6891 §9. */
export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;

const RCODE_NAMES = new Map<number, string>(Object.entries(RCODE).map(([name, number]) => [number, name]));

/** `NOERROR`, `NXDOMAIN`, …; `RCODE9` for one without a name here. */
export function rcodeName(rcode: number): string {
  return RCODE_NAMES.get(rcode) ?? `RCODE${rcode}`;
}

export interface SoaData {
  readonly mname: string;
  readonly rname: string;
  readonly serial: number;
  /** Seconds, as the other times here. */
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  /** How long the absence of a record may be remembered (RFC 2308 §4). */
  readonly minimum: number;
}

/** The data of a record, by its type. */
export type DnsData =
  | { readonly type: 'A'; readonly address: Ipv4Address }
  /** 16 bytes. */
  | { readonly type: 'AAAA'; readonly address: Uint8Array }
  | { readonly type: 'NS' | 'CNAME' | 'PTR'; readonly target: string }
  | ({ readonly type: 'SOA' } & SoaData)
  | { readonly type: 'MX'; readonly preference: number; readonly exchange: string }
  /** Character strings of up to 255 bytes. */
  | { readonly type: 'TXT'; readonly strings: readonly Uint8Array[] }
  /** Any other: its RDATA as it is (RFC 3597). */
  | { readonly type: `TYPE${number}` | 'IXFR' | 'AXFR' | 'ANY'; readonly rdata: Uint8Array };

export type DnsRecord = {
  readonly name: string;
  readonly class: number;
  /** Seconds. */
  readonly ttl: number;
} & DnsData;

export interface DnsQuestion {
  readonly name: string;
  readonly type: DnsType;
  readonly class: number;
}

/** The OPT pseudo-record (RFC 6891 §6.1); its extended RCODE bits are part of the message's `rcode`. */
export interface Edns {
  /** The largest UDP message in bytes that the sender can take. */
  readonly udpSize: number;
  readonly version: number;
  /** The DO bit (RFC 3225). */
  readonly dnssecOk: boolean;
  readonly options: readonly { readonly code: number; readonly data: Uint8Array }[];
}

/** Header bits are named as in RFC 1035 §4.1.1 and RFC 4035 §3 (ad, cd). */
export interface DnsMessage {
  readonly id: number;
  /** Set in a response. */
  readonly qr: boolean;
  readonly opcode: number;
  readonly aa: boolean;
  readonly tc: boolean;
  readonly rd: boolean;
  readonly ra: boolean;
  readonly ad: boolean;
  readonly cd: boolean;
  /** 4 bits, 12 with EDNS. */
  readonly rcode: number;
  readonly questions: readonly DnsQuestion[];
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  /** Without OPT, which is `edns`. */
  readonly additionals: readonly DnsRecord[];
  readonly edns?: Edns | undefined;
}
