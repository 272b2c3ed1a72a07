import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  broadcastOf,
  formatCidr,
  formatIpv4,
  formatMac,
  inNetwork,
  ipv4,
  isGroupMac,
  isMulticastIpv4,
  isPrivateIpv4,
  mac,
  maskPrefix,
  networkOf,
  parseCidr,
  parseIpv4,
  parseMac,
  prefixMask,
} from '../../shared/core/address.ts';

describe('IPv4 addresses', () => {
  test('are 32-bit numbers in host order', () => {
    expect(ipv4('192.168.0.1')).toBe(0xc0a80001);
    expect(ipv4('255.255.255.255')).toBe(0xffffffff);
  });

  test.each(['', '1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', '1.2.3.4 ', 'a.b.c.d', '0x1.2.3.4'])(
    '%j is none',
    (text) => {
      expect(parseIpv4(text)).toBeUndefined();
    },
  );

  test('text and number are two forms of the same', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0xffffffff }),
        (address) => parseIpv4(formatIpv4(address)) === address,
      ),
    );
  });

  test('networks', () => {
    const lan = parseCidr('192.168.0.7/24')!;
    expect(formatIpv4(networkOf(lan))).toBe('192.168.0.0');
    expect(formatIpv4(broadcastOf(lan)!)).toBe('192.168.0.255');
    expect(inNetwork(ipv4('192.168.0.255'), lan)).toBe(true);
    expect(inNetwork(ipv4('192.168.1.0'), lan)).toBe(false);
    expect(inNetwork(ipv4('8.8.8.8'), parseCidr('0.0.0.0/0')!)).toBe(true);
    expect(broadcastOf(parseCidr('10.0.0.0/31')!)).toBeUndefined();
    expect(formatCidr(lan)).toBe('192.168.0.7/24');
    expect(parseCidr('1.2.3.4/33')).toBeUndefined();
    expect(parseCidr('1.2.3.4')).toBeUndefined();
  });

  test('masks and prefix lengths are two forms of the same', () => {
    for (let length = 0; length <= 32; length++) expect(maskPrefix(prefixMask(length))).toBe(length);
    expect(maskPrefix(ipv4('255.0.255.0'))).toBeUndefined();
  });

  test('kinds of addresses', () => {
    expect(isMulticastIpv4(ipv4('224.0.0.1'))).toBe(true);
    expect(isMulticastIpv4(ipv4('240.0.0.1'))).toBe(false);
    expect(
      ['10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.9.9'].map((text) => isPrivateIpv4(ipv4(text))),
    ).toEqual(Array(4).fill(true));
    expect(['172.32.0.1', '11.0.0.1', '192.169.0.1'].map((text) => isPrivateIpv4(ipv4(text)))).toEqual(
      Array(3).fill(false),
    );
  });
});

describe('MAC addresses', () => {
  test('are 48-bit numbers', () => {
    expect(mac('aa:bb:cc:dd:ee:ff')).toBe(0xaabbccddeeff);
    expect(formatMac(0x020000000001)).toBe('02:00:00:00:00:01');
    expect(parseMac('aa:bb:cc:dd:ee')).toBeUndefined();
    expect(parseMac('aa-bb-cc-dd-ee-ff')).toBeUndefined();
  });

  test('the group bit tells broadcast and multicast', () => {
    expect(isGroupMac(0xffffffffffff)).toBe(true);
    expect(isGroupMac(mac('01:00:5e:00:00:01'))).toBe(true);
    expect(isGroupMac(mac('aa:aa:aa:aa:aa:aa'))).toBe(false);
  });
});
