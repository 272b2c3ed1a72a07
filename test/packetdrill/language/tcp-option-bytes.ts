// TCP options as bytes, in just the order and with just the padding that a script gives.

import { writeU16, writeU32 } from '../../../shared/core/bytes.ts';
import type { TcpOptionSpec } from './script.ts';

const EOL = 0;
const NOP = 1;
const MSS = 2;
const WINDOW_SCALE = 3;
const SACK_PERMITTED = 4;
const SACK = 5;
const TIMESTAMPS = 8;

export function optionsLength(options: readonly TcpOptionSpec[]): number {
  return options.reduce((length, option) => length + optionLength(option), 0);
}

function optionLength(option: TcpOptionSpec): number {
  switch (option.kind) {
    case 'nop':
    case 'eol':
      return 1;
    case 'sackOK':
      return 2;
    case 'wscale':
      return 3;
    case 'mss':
      return 4;
    case 'TS':
      return 10;
    case 'sack':
      return 2 + 8 * option.blocks.length;
    case 'other':
      return 2 + option.data.length;
  }
}

export function encodeOptions(options: readonly TcpOptionSpec[]): Uint8Array {
  const bytes = new Uint8Array(optionsLength(options));
  let at = 0;
  for (const option of options) {
    writeOption(bytes, at, option);
    at += optionLength(option);
  }
  return bytes;
}

function writeOption(bytes: Uint8Array, at: number, option: TcpOptionSpec): void {
  const { kind } = option;
  if (kind === 'eol') bytes[at] = EOL;
  else if (kind === 'nop') bytes[at] = NOP;
  else {
    bytes[at] = CODES[kind] ?? (kind === 'other' ? option.code : 0);
    bytes[at + 1] = optionLength(option);
    writeValue(bytes, at + 2, option);
  }
}

const CODES: Partial<Record<TcpOptionSpec['kind'], number>> = {
  mss: MSS,
  wscale: WINDOW_SCALE,
  sackOK: SACK_PERMITTED,
  sack: SACK,
  TS: TIMESTAMPS,
};

function writeValue(bytes: Uint8Array, at: number, option: TcpOptionSpec): void {
  if (option.kind === 'mss') writeU16(bytes, at, option.value);
  else if (option.kind === 'wscale') bytes[at] = option.value;
  else if (option.kind === 'TS') {
    writeU32(bytes, at, option.value ?? 0);
    writeU32(bytes, at + 4, option.echo ?? 0);
  } else if (option.kind === 'sack')
    option.blocks.forEach(({ start, end }, index) => {
      writeU32(bytes, at + 8 * index, start);
      writeU32(bytes, at + 8 * index + 4, end);
    });
  else if (option.kind === 'other') bytes.set(option.data, at);
}

/** Reads options back, each where it stands; what is cut off ends the list. */
export function decodeOptions(bytes: Uint8Array): TcpOptionSpec[] {
  const options: TcpOptionSpec[] = [];
  for (let at = 0; at < bytes.length; ) {
    const code = bytes[at]!;
    if (code === EOL || code === NOP) {
      options.push({ kind: code === EOL ? 'eol' : 'nop' });
      at++;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    if (length < 2 || at + length > bytes.length) break;
    options.push(decodeOption(code, bytes.subarray(at + 2, at + length)));
    at += length;
  }
  return options;
}

function decodeOption(code: number, data: Uint8Array): TcpOptionSpec {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  if (code === MSS && data.length === 2) return { kind: 'mss', value: view.getUint16(0) };
  if (code === WINDOW_SCALE && data.length === 1) return { kind: 'wscale', value: data[0]! };
  if (code === SACK_PERMITTED && data.length === 0) return { kind: 'sackOK' };
  if (code === TIMESTAMPS && data.length === 8)
    return { kind: 'TS', value: view.getInt32(0), echo: view.getInt32(4), absoluteEcho: false };
  if (code === SACK && data.length > 0 && data.length % 8 === 0) {
    const blocks = Array.from({ length: data.length / 8 }, (_, index) => ({
      start: view.getInt32(8 * index),
      end: view.getInt32(8 * index + 4),
    }));
    return { kind: 'sack', blocks };
  }
  return { kind: 'other', name: `option ${code}`, code, data };
}
