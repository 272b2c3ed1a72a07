// Looks through a msgpack value before anybody decodes it, and admits only what is plain data: no
// extensions (timestamps, records, references, classes), so that a decoder builds none of them.

/** Deeper values are refused: decoders recurse. */
const DEEPEST = 32;

const NOT_PLAIN = -1;

/** Whether `bytes` is exactly one msgpack value made of nil, booleans, numbers, str, bin, arrays and maps with str keys. */
export function isPlainMsgpack(bytes: Uint8Array): boolean {
  return skipValue(bytes, 0, 0) === bytes.length;
}

/** The offset behind the value at `offset`, or NOT_PLAIN. */
function skipValue(bytes: Uint8Array, offset: number, depth: number): number {
  if (offset >= bytes.length || depth > DEEPEST) return NOT_PLAIN;
  const type = bytes[offset]!;
  const next = offset + 1;
  if (type <= 0x7f || type >= 0xe0) return next; // positive and negative fixint
  if (type <= 0x8f) return skipValues(bytes, next, type & 0x0f, true, depth); // fixmap
  if (type <= 0x9f) return skipValues(bytes, next, type & 0x0f, false, depth); // fixarray
  if (type <= 0xbf) return within(bytes, next + (type & 0x1f)); // fixstr
  switch (type) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      return next;
    case 0xc4: // bin 8
    case 0xd9: // str 8
      return within(bytes, next + 1 + readLength(bytes, next, 1));
    case 0xc5: // bin 16
    case 0xda: // str 16
      return within(bytes, next + 2 + readLength(bytes, next, 2));
    case 0xc6: // bin 32
    case 0xdb: // str 32
      return within(bytes, next + 4 + readLength(bytes, next, 4));
    case 0xcc: // uint 8
    case 0xd0: // int 8
      return within(bytes, next + 1);
    case 0xcd: // uint 16
    case 0xd1: // int 16
      return within(bytes, next + 2);
    case 0xca: // float 32
    case 0xce: // uint 32
    case 0xd2: // int 32
      return within(bytes, next + 4);
    case 0xcb: // float 64
    case 0xcf: // uint 64
    case 0xd3: // int 64
      return within(bytes, next + 8);
    case 0xdc: // array 16
      return skipValues(bytes, next + 2, readLength(bytes, next, 2), false, depth);
    case 0xdd: // array 32
      return skipValues(bytes, next + 4, readLength(bytes, next, 4), false, depth);
    case 0xde: // map 16
      return skipValues(bytes, next + 2, readLength(bytes, next, 2), true, depth);
    case 0xdf: // map 32
      return skipValues(bytes, next + 4, readLength(bytes, next, 4), true, depth);
    default: // 0xc1 (never used), ext 8 to 32, fixext 1 to 16
      return NOT_PLAIN;
  }
}

/** Skips `count` values, or keys with their values; each takes a byte at least, so a false count ends soon. */
function skipValues(bytes: Uint8Array, offset: number, count: number, keyed: boolean, depth: number): number {
  let next = offset;
  for (let index = 0; index < count; index++) {
    if (keyed && !isStr(bytes[next])) return NOT_PLAIN;
    if (keyed) next = skipValue(bytes, next, depth + 1);
    if (next !== NOT_PLAIN) next = skipValue(bytes, next, depth + 1);
    if (next === NOT_PLAIN) return NOT_PLAIN;
  }
  return next;
}

function isStr(type: number | undefined): boolean {
  return type !== undefined && ((type >= 0xa0 && type <= 0xbf) || (type >= 0xd9 && type <= 0xdb));
}

/** A big-endian length; beyond the end it reads as if zeros followed, and `within` then refuses. */
function readLength(bytes: Uint8Array, offset: number, size: number): number {
  let length = 0;
  for (let index = 0; index < size; index++) length = length * 256 + (bytes[offset + index] ?? 0);
  return length;
}

function within(bytes: Uint8Array, offset: number): number {
  return offset <= bytes.length ? offset : NOT_PLAIN;
}
