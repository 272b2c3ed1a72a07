// The first message each side of a cable sends: who it is. `{ t: "hello", v: 1, device, interface, mac, mtu }`

import { Packr } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import { isGroupMac, parseMac } from '../core/address.ts';
import { Malformed } from '../core/errors.ts';
import { isPlainMsgpack } from '../core/plain-msgpack.ts';

export interface Hello {
  readonly device: string;
  readonly interface: string;
  /** aa:bb:cc:dd:ee:ff */
  readonly mac: string;
  /** Bytes. */
  readonly mtu: number;
}

const VERSION = 1;

/** A hello has some 80 bytes. */
const LONGEST_HELLO = 1024;

/** Printable, so that it can be shown and logged: an outside program may call itself as it likes. */
const NAME = /^[\x21-\x7e]{1,64}$/;

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });

export function encodeHello(hello: Hello): Uint8Array {
  const { device, interface: name, mac, mtu } = hello;
  return packr.pack({ t: 'hello', v: VERSION, device, interface: name, mac, mtu });
}

export function decodeHello(message: Uint8Array): Hello | Malformed {
  if (message.length > LONGEST_HELLO || !isPlainMsgpack(message)) return new Malformed('not-a-hello');
  const value: unknown = unpackr.unpack(message);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return new Malformed('not-a-hello');
  const { t, v, device, interface: name, mac, mtu } = value as Record<string, unknown>;
  if (t !== 'hello') return new Malformed('not-a-hello');
  if (v !== VERSION) return new Malformed('unknown-version');
  if (typeof device !== 'string' || !NAME.test(device)) return new Malformed('bad-device');
  if (typeof name !== 'string' || !NAME.test(name)) return new Malformed('bad-interface');
  const station = typeof mac === 'string' ? parseMac(mac) : undefined;
  if (typeof mac !== 'string' || station === undefined || isGroupMac(station))
    return new Malformed('bad-mac');
  if (typeof mtu !== 'number' || !Number.isInteger(mtu) || mtu < 68 || mtu > 65_535)
    return new Malformed('bad-mtu');
  return { device, interface: name, mac, mtu };
}
