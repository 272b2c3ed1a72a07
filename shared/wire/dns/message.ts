// DNS messages (RFC 1035 §4, RFC 6891) between bytes and fields.

import { concatBytes, readU16, readU32, writeU16, writeU32 } from '../../core/bytes.ts';
import { Malformed } from '../../core/errors.ts';
import { decodeName, NameWriter, ROOT } from './name.ts';
import {
  type DnsData,
  type DnsMessage,
  type DnsQuestion,
  type DnsRecord,
  type DnsType,
  type Edns,
  typeName,
  typeNumber,
} from './types.ts';

export const DNS_PORT = 53;
export const DNS_HEADER_LENGTH = 12;
/** What every receiver can take over UDP (RFC 1035 §2.3.4). */
export const DNS_SMALLEST_UDP_SIZE = 512;

const QR = 0x8000;
const AA = 0x0400;
const TC = 0x0200;
const RD = 0x0100;
const RA = 0x0080;
const AD = 0x0020;
const CD = 0x0010;
const DNSSEC_OK = 0x8000;

/**
 * Labels and pointers that the names of one message may have: several times what 64 KiB of records have. A
 * pointer of two bytes stands for a name of 127 labels, and thousands of them are in no answer.
 */
const MOST_NAME_STEPS = 65_536;

/** Ends the decoding of a message from within; never leaves this file. */
class DecodeFault extends Error {
  constructor(readonly malformed: Malformed) {
    super(malformed.reason);
  }
}

class Reader {
  offset = 0;
  edns: Edns | undefined;
  extendedRcode = 0;
  #nameSteps = 0;

  constructor(readonly bytes: Uint8Array) {}

  fail(reason: string): never {
    throw new DecodeFault(new Malformed(reason));
  }

  take(length: number): number {
    const start = this.offset;
    if (start + length > this.bytes.length) this.fail('truncated');
    this.offset += length;
    return start;
  }

  u16(): number {
    return readU16(this.bytes, this.take(2));
  }

  u32(): number {
    return readU32(this.bytes, this.take(4));
  }

  name(): string {
    const decoded = decodeName(this.bytes, this.offset);
    if (decoded instanceof Malformed) throw new DecodeFault(decoded);
    this.offset = decoded.end;
    this.#nameSteps += decoded.steps;
    if (this.#nameSteps > MOST_NAME_STEPS) this.fail('names-too-long');
    return decoded.name;
  }

  bytesOf(length: number): Uint8Array {
    const start = this.take(length);
    return new Uint8Array(this.bytes.subarray(start, start + length));
  }
}

function readQuestion(reader: Reader): DnsQuestion {
  return { name: reader.name(), type: typeName(reader.u16()), class: reader.u16() };
}

function readStrings(reader: Reader, end: number): Uint8Array[] {
  const strings: Uint8Array[] = [];
  while (reader.offset < end) {
    const length = reader.bytes[reader.take(1)]!;
    if (reader.offset + length > end) reader.fail('bad-rdata');
    strings.push(reader.bytesOf(length));
  }
  return strings;
}

function readData(reader: Reader, type: Exclude<DnsType, 'OPT'>, length: number): DnsData {
  const end = reader.offset + length;
  if (end > reader.bytes.length) reader.fail('truncated');
  switch (type) {
    case 'A':
      if (length !== 4) reader.fail('bad-rdata');
      return { type, address: reader.u32() };
    case 'AAAA':
      if (length !== 16) reader.fail('bad-rdata');
      return { type, address: reader.bytesOf(16) };
    case 'NS':
    case 'CNAME':
    case 'PTR':
      return { type, target: reader.name() };
    case 'MX':
      return { type, preference: reader.u16(), exchange: reader.name() };
    case 'TXT':
      if (length === 0) reader.fail('bad-rdata');
      return { type, strings: readStrings(reader, end) };
    case 'SOA':
      return {
        type,
        mname: reader.name(),
        rname: reader.name(),
        serial: reader.u32(),
        refresh: reader.u32(),
        retry: reader.u32(),
        expire: reader.u32(),
        minimum: reader.u32(),
      };
    default:
      return { type, rdata: reader.bytesOf(length) };
  }
}

/** The class is the UDP size, the TTL is extended RCODE, version and flags (RFC 6891 §6.1.3). */
function readOpt(reader: Reader, name: string): void {
  if (reader.edns) reader.fail('two-opts');
  if (name !== ROOT) reader.fail('opt-not-at-root');
  const udpSize = reader.u16();
  reader.extendedRcode = reader.bytes[reader.take(1)]!;
  const version = reader.bytes[reader.take(1)]!;
  const flags = reader.u16();
  const length = reader.u16();
  const end = reader.offset + length;
  const options: Edns['options'][number][] = [];
  while (reader.offset < end) {
    const code = reader.u16();
    options.push({ code, data: reader.bytesOf(reader.u16()) });
  }
  if (reader.offset !== end) reader.fail('bad-rdata');
  reader.edns = { udpSize, version, dnssecOk: (flags & DNSSEC_OK) !== 0, options };
}

function readRecords(reader: Reader, count: number, additional: boolean): DnsRecord[] {
  const records: DnsRecord[] = [];
  for (let index = 0; index < count; index++) {
    const name = reader.name();
    const type = typeName(reader.u16());
    if (type === 'OPT') {
      if (!additional) reader.fail('opt-misplaced');
      readOpt(reader, name);
      continue;
    }
    const dnsClass = reader.u16();
    const ttl = reader.u32();
    const length = reader.u16();
    const end = reader.offset + length;
    const data = readData(reader, type, length);
    if (reader.offset !== end) reader.fail('bad-rdata');
    records.push({ name, class: dnsClass, ttl, ...data });
  }
  return records;
}

/** Bytes behind the last record are malformed too. */
export function decodeDns(bytes: Uint8Array): DnsMessage | Malformed {
  try {
    const reader = new Reader(bytes);
    const id = reader.u16();
    const flags = reader.u16();
    const [questionCount, answerCount, authorityCount, additionalCount] = [
      reader.u16(),
      reader.u16(),
      reader.u16(),
      reader.u16(),
    ];
    const questions: DnsQuestion[] = [];
    for (let index = 0; index < questionCount; index++) questions.push(readQuestion(reader));
    const answers = readRecords(reader, answerCount, false);
    const authorities = readRecords(reader, authorityCount, false);
    const additionals = readRecords(reader, additionalCount, true);
    if (reader.offset !== bytes.length) return new Malformed('trailing-bytes');
    return {
      id,
      qr: (flags & QR) !== 0,
      opcode: (flags >>> 11) & 15,
      aa: (flags & AA) !== 0,
      tc: (flags & TC) !== 0,
      rd: (flags & RD) !== 0,
      ra: (flags & RA) !== 0,
      ad: (flags & AD) !== 0,
      cd: (flags & CD) !== 0,
      rcode: (reader.extendedRcode << 4) | (flags & 15),
      questions,
      answers,
      authorities,
      additionals,
      edns: reader.edns,
    };
  } catch (error) {
    if (error instanceof DecodeFault) return error.malformed;
    throw error;
  }
}

class Writer {
  readonly #parts: Uint8Array[] = [];
  readonly #names = new NameWriter();
  length = 0;

  bytes(part: Uint8Array): void {
    this.#parts.push(part);
    this.length += part.length;
  }

  u8(value: number): void {
    this.bytes(Uint8Array.of(value));
  }

  u16(...values: readonly number[]): void {
    const part = new Uint8Array(values.length * 2);
    values.forEach((value, index) => {
      writeU16(part, index * 2, value);
    });
    this.bytes(part);
  }

  u32(...values: readonly number[]): void {
    const part = new Uint8Array(values.length * 4);
    values.forEach((value, index) => {
      writeU32(part, index * 4, value);
    });
    this.bytes(part);
  }

  name(name: string): void {
    this.bytes(this.#names.encode(name, this.length));
  }

  /** Writes what `body` writes behind its length in 16 bits. */
  counted(body: () => void): void {
    const length = new Uint8Array(2);
    this.bytes(length);
    const start = this.length;
    body();
    writeU16(length, 0, this.length - start);
  }

  finish(): Uint8Array {
    return concatBytes(this.#parts);
  }
}

function writeData(writer: Writer, data: DnsData): void {
  switch (data.type) {
    case 'A':
      return writer.u32(data.address);
    case 'AAAA':
      return writer.bytes(data.address);
    case 'NS':
    case 'CNAME':
    case 'PTR':
      return writer.name(data.target);
    case 'MX':
      writer.u16(data.preference);
      return writer.name(data.exchange);
    case 'TXT':
      for (const string of data.strings) {
        writer.u8(string.length);
        writer.bytes(string);
      }
      return;
    case 'SOA':
      writer.name(data.mname);
      writer.name(data.rname);
      return writer.u32(data.serial, data.refresh, data.retry, data.expire, data.minimum);
    default:
      return writer.bytes(data.rdata);
  }
}

function writeRecord(writer: Writer, record: DnsRecord): void {
  writer.name(record.name);
  writer.u16(typeNumber(record.type), record.class);
  writer.u32(record.ttl);
  writer.counted(() => writeData(writer, record));
}

function writeOpt(writer: Writer, edns: Edns, rcode: number): void {
  writer.name(ROOT);
  writer.u16(typeNumber('OPT'), edns.udpSize, ((rcode >>> 4) << 8) | edns.version);
  writer.u16(edns.dnssecOk ? DNSSEC_OK : 0);
  writer.counted(() => {
    for (const option of edns.options) {
      writer.u16(option.code, option.data.length);
      writer.bytes(option.data);
    }
  });
}

/** Names are compressed; OPT stands last. */
export function encodeDns(message: DnsMessage): Uint8Array {
  const writer = new Writer();
  const flags =
    (message.qr ? QR : 0) |
    (message.opcode << 11) |
    (message.aa ? AA : 0) |
    (message.tc ? TC : 0) |
    (message.rd ? RD : 0) |
    (message.ra ? RA : 0) |
    (message.ad ? AD : 0) |
    (message.cd ? CD : 0) |
    (message.rcode & 15);
  writer.u16(
    message.id,
    flags,
    message.questions.length,
    message.answers.length,
    message.authorities.length,
    message.additionals.length + (message.edns ? 1 : 0),
  );
  for (const question of message.questions) {
    writer.name(question.name);
    writer.u16(typeNumber(question.type), question.class);
  }
  for (const record of message.answers) writeRecord(writer, record);
  for (const record of message.authorities) writeRecord(writer, record);
  for (const record of message.additionals) writeRecord(writer, record);
  if (message.edns) writeOpt(writer, message.edns, message.rcode);
  return writer.finish();
}

export interface QueryFields {
  readonly id: number;
  readonly name: string;
  readonly type: DnsType;
  /** IN unless told. */
  readonly class?: number;
  readonly opcode?: number;
  /** Set unless told. */
  readonly rd?: boolean;
  readonly edns?: Edns;
}

/** A query with one question. */
export function dnsQuery(fields: QueryFields): DnsMessage {
  return {
    id: fields.id,
    qr: false,
    opcode: fields.opcode ?? 0,
    aa: false,
    tc: false,
    rd: fields.rd ?? true,
    ra: false,
    ad: false,
    cd: false,
    rcode: 0,
    questions: [{ name: fields.name, type: fields.type, class: fields.class ?? 1 }],
    answers: [],
    authorities: [],
    additionals: [],
    edns: fields.edns,
  };
}
