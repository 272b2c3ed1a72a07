// The messages of /control: each a msgpack map in one binary WebSocket message. Either side checks all that
// it is sent before it looks at it.

import { Packr } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import { Malformed } from '../core/errors.ts';
import { isPlainMsgpack } from '../core/plain-msgpack.ts';

/** The subprotocol of the WebSocket. */
export const CONTROL_PROTOCOL = 'tincan.control.v1';

/** Bytes. */
export const LONGEST_MESSAGE = 1024 * 1024;

/** Bytes of a stream that may be under way or unread; both sides begin with this much credit for each. */
export const WINDOW = 256 * 1024;

export type StreamName = 'stdin' | 'stdout' | 'stderr';

/** What the caller sends. `id` is its own number for the call. */
export type CallerMessage =
  | { readonly t: 'call'; readonly id: number; readonly method: string; readonly params: unknown }
  | { readonly t: 'signal'; readonly id: number; readonly name: string }
  | { readonly t: 'cancel'; readonly id: number }
  | StreamMessage;

/** What the server answers. */
export type ServerMessage =
  | { readonly t: 'result'; readonly id: number; readonly value: unknown }
  | {
      readonly t: 'error';
      readonly id: number;
      readonly code?: string | undefined;
      readonly message: string;
    }
  | StreamMessage;

/** Both: `data` and `end` by who writes the stream, `credit` by who reads it, for bytes that were read. */
export type StreamMessage =
  | { readonly t: 'data'; readonly id: number; readonly stream: StreamName; readonly data: Uint8Array }
  | { readonly t: 'end'; readonly id: number; readonly stream: StreamName }
  | { readonly t: 'credit'; readonly id: number; readonly stream: StreamName; readonly bytes: number };

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });

/**
 * Properties that are undefined are left out, as JSON does.
 * @throws Error EMSGSIZE if it is longer than 1 MiB; TypeError for what msgpack can't carry, such as a Map
 */
export function encodeMessage(message: CallerMessage | ServerMessage): Uint8Array {
  const bytes = packr.pack(plainValue(message));
  if (bytes.length <= LONGEST_MESSAGE) return bytes;
  const error = new Error(`a message of ${bytes.length} bytes is too long: at most ${LONGEST_MESSAGE}`);
  throw Object.assign(error, { code: 'EMSGSIZE' });
}

export function decodeCallerMessage(bytes: Uint8Array): CallerMessage | Malformed {
  const fields = decodeFields(bytes);
  if (fields instanceof Malformed) return fields;
  const { t, id, method, params, name } = fields;
  if (!isCount(id)) return new Malformed('bad-id');
  switch (t) {
    case 'call':
      return typeof method === 'string' ? { t, id, method, params } : new Malformed('bad-method');
    case 'signal':
      return typeof name === 'string' && /^SIG[A-Z0-9]{1,12}$/.test(name)
        ? { t, id, name }
        : new Malformed('bad-signal');
    case 'cancel':
      return { t, id };
    default:
      return decodeStreamMessage(fields, id, ['stdin'], ['stdout', 'stderr']);
  }
}

export function decodeServerMessage(bytes: Uint8Array): ServerMessage | Malformed {
  const fields = decodeFields(bytes);
  if (fields instanceof Malformed) return fields;
  const { t, id, value, code, message } = fields;
  if (!isCount(id)) return new Malformed('bad-id');
  switch (t) {
    case 'result':
      return { t, id, value };
    case 'error':
      if (typeof message !== 'string' || (code !== undefined && typeof code !== 'string'))
        return new Malformed('bad-error');
      return { t, id, code, message };
    default:
      return decodeStreamMessage(fields, id, ['stdout', 'stderr'], ['stdin']);
  }
}

/** @param written streams that the sender writes; @param read those that it reads */
function decodeStreamMessage(
  fields: Readonly<Record<string, unknown>>,
  id: number,
  written: readonly StreamName[],
  read: readonly StreamName[],
): StreamMessage | Malformed {
  const { t, data, bytes } = fields;
  const stream = (t === 'credit' ? read : written).find((name) => name === fields.stream);
  if (t !== 'data' && t !== 'end' && t !== 'credit') return new Malformed('unknown-message');
  if (stream === undefined) return new Malformed('bad-stream');
  if (t === 'end') return { t, id, stream };
  if (t === 'data') return data instanceof Uint8Array ? { t, id, stream, data } : new Malformed('bad-data');
  return isCount(bytes) && bytes <= WINDOW ? { t, id, stream, bytes } : new Malformed('bad-credit');
}

function decodeFields(bytes: Uint8Array): Readonly<Record<string, unknown>> | Malformed {
  if (!isPlainMsgpack(bytes)) return new Malformed('not-plain-msgpack');
  const value: unknown = unpackr.unpack(bytes);
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array)
    return new Malformed('not-a-map');
  return value as Readonly<Record<string, unknown>>;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** Nothing that would need an extension of msgpack to be sent. */
function plainValue(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === 'function' || typeof value === 'symbol')
    throw new TypeError(`a ${typeof value} can't be sent`);
  if (typeof value !== 'object' || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(plainValue);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null)
    throw new TypeError(`a ${value.constructor.name} can't be sent`);
  const entries = Object.entries(value).filter(([, part]) => part !== undefined);
  return Object.fromEntries(entries.map(([key, part]) => [key, plainValue(part)]));
}
