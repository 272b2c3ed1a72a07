import fc from 'fast-check';
import { Packr } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import { describe, expect, it } from 'vitest';
import { decodeHello, encodeHello } from '../../shared/cable/hello.ts';
import { Malformed } from '../../shared/core/errors.ts';

const hello = { device: 'router', interface: 'lan1', mac: '02:00:00:00:00:01', mtu: 1500 };
const packr = new Packr({ useRecords: false });
const message = { t: 'hello', v: 1, ...hello };

describe('a hello', () => {
  it('is a map with its type and version', () => {
    expect(new Unpackr({ useRecords: false }).unpack(encodeHello(hello))).toEqual(message);
    expect(decodeHello(encodeHello(hello))).toEqual(hello);
  });

  it('may say more than is known here', () => {
    expect(decodeHello(packr.pack({ ...message, os: 'linux' }))).toEqual(hello);
  });

  it.each([
    [{ ...message, t: 'hi' }, 'not-a-hello'],
    [{ ...message, v: 2 }, 'unknown-version'],
    [{ ...message, v: '1' }, 'unknown-version'],
    [{ ...message, device: 7 }, 'bad-device'],
    [{ ...message, device: '' }, 'bad-device'],
    [{ ...message, interface: 'a\nb' }, 'bad-interface'],
    [{ ...message, mac: 'aa:bb' }, 'bad-mac'],
    [{ ...message, mac: 'ff:ff:ff:ff:ff:ff' }, 'bad-mac'],
    [{ ...message, mtu: 1500.5 }, 'bad-mtu'],
    [{ ...message, mtu: 67 }, 'bad-mtu'],
    [{ ...message, padding: 'x'.repeat(2000) }, 'not-a-hello'],
    [['hello', 1], 'not-a-hello'],
    ['hello', 'not-a-hello'],
    [null, 'not-a-hello'],
    [{ ...message, when: new Date(0) }, 'not-a-hello'],
  ])('is not %j', (value, reason) => {
    expect(decodeHello(packr.pack(value))).toEqual(new Malformed(reason));
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => void decodeHello(bytes)));
  });
});
