import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatIpv4, ipv4, mac } from '../../shared/core/address.ts';
import { fromHex, toHex } from '../../shared/core/bytes.ts';
import { Malformed } from '../../shared/core/errors.ts';
import {
  DHCP_OPTIONS,
  DHCP_TYPES,
  type DhcpMessage,
  decodeDhcp,
  dhcpAddress,
  dhcpAddresses,
  dhcpText,
  dhcpType,
  dhcpU32,
  encodeDhcp,
} from '../../shared/wire/dhcp.ts';

const zeros = (count: number): string => '00'.repeat(count);

// A dhclient's DISCOVER and dnsmasq's OFFER to it, captured between Linux kernels.
const DISCOVER = fromHex(
  `010106001d1ba35200000000 ${zeros(16)} aaaaaaaaaaaa ${zeros(10)} ${zeros(192)} 63825363
   350101 0c02766d 370d011c02030f06770c2c2f1a792a ff ${zeros(37)}`,
);
const OFFER = fromHex(
  `020106001d1ba35200000000 00000000c0a80018c0a8000100000000 aaaaaaaaaaaa ${zeros(10)} ${zeros(192)} 63825363
   350102 3604c0a80001 330400000e10 3a0400000708 3b0400000c4e 0104ffffff00 1c04c0a800ff 060408080808
   0304c0a80001 ff ${zeros(8)}`,
);

function decoded(bytes: Uint8Array): DhcpMessage {
  const message = decodeDhcp(bytes);
  if (message instanceof Malformed) throw new Error(message.reason);
  return message;
}

function reasonOf(bytes: Uint8Array): string | undefined {
  const message = decodeDhcp(bytes);
  return message instanceof Malformed ? message.reason : undefined;
}

describe('known messages', () => {
  test('a DISCOVER of dhclient', () => {
    const message = decoded(DISCOVER);
    expect(message).toMatchObject({ op: 1, xid: 0x1d1ba352, broadcast: false, ciaddr: 0 });
    expect(message.chaddr).toBe(mac('aa:aa:aa:aa:aa:aa'));
    expect(dhcpType(message)).toBe(DHCP_TYPES.DISCOVER);
    expect(dhcpText(message, DHCP_OPTIONS.HOSTNAME)).toBe('vm');
    expect(toHex(encodeDhcp(message))).toBe(toHex(DISCOVER));
  });

  test('an OFFER of dnsmasq', () => {
    const message = decoded(OFFER);
    expect(message.op).toBe(2);
    expect(formatIpv4(message.yiaddr)).toBe('192.168.0.24');
    expect(dhcpU32(message, DHCP_OPTIONS.LEASE_TIME)).toBe(3600);
    expect(dhcpAddress(message, DHCP_OPTIONS.SERVER_ID)).toBe(ipv4('192.168.0.1'));
    expect(dhcpAddresses(message, DHCP_OPTIONS.NAME_SERVER)).toEqual([ipv4('8.8.8.8')]);
    expect(toHex(encodeDhcp(message))).toBe(toHex(OFFER));
  });
});

/** The fixed part of DISCOVER with other options behind it. */
function withOptions(hex: string, fields: { sname?: string; file?: string } = {}): Uint8Array {
  const bytes = Uint8Array.from([...DISCOVER.subarray(0, 240), ...fromHex(hex)]);
  bytes.set(fromHex(fields.sname ?? ''), 44);
  bytes.set(fromHex(fields.file ?? ''), 108);
  return bytes;
}

describe('options', () => {
  test('DHCP-6: overload (52) has options read from file, then sname', () => {
    const bytes = withOptions('350101 340103 0c0161 ff', { file: '0c0162 ff', sname: '0c0163 0f0164 ff' });
    const message = decoded(bytes);
    expect(dhcpText(message, DHCP_OPTIONS.HOSTNAME)).toBe('abc');
    expect(dhcpText(message, DHCP_OPTIONS.DOMAIN)).toBe('d');
    expect(message).toMatchObject({ file: '', sname: '' });
    expect(message.options.has(DHCP_OPTIONS.OVERLOAD)).toBe(false);
  });

  test('without overload file and sname are text', () => {
    const message = decoded(withOptions('350101 ff', { file: '626f6f7400', sname: '7372760000' }));
    expect(message).toMatchObject({ file: 'boot', sname: 'srv' });
  });

  test('a repeated option is one long one (RFC 3396), and a long one is split again', () => {
    const message = decoded(withOptions('350101 0c0161 00 0c026263 ff'));
    expect(dhcpText(message, DHCP_OPTIONS.HOSTNAME)).toBe('abc');
    const long = new Uint8Array(600).fill(7);
    const again = decoded(encodeDhcp({ ...message, options: new Map([...message.options, [200, long]]) }));
    expect(again.options.get(200)).toEqual(long);
  });

  test('text loses what would garble a terminal', () => {
    const message = decoded(withOptions('350101 0c06 61 1b 5b 00 0a 62 ff'));
    expect(dhcpText(message, DHCP_OPTIONS.HOSTNAME)).toBe('a[b');
  });

  test.each([
    ['too-short', DISCOVER.subarray(0, 239)],
    ['option-too-long', withOptions('350101 0c0561')],
    ['option-too-long', withOptions('350101 0c')],
    ['no-end-option', withOptions('350101')],
    ['no-end-option', withOptions('350101 340101 ff', { file: '00'.repeat(128) })],
    ['no-message-type', withOptions('ff')],
    ['no-message-type', withOptions('35020101 ff')],
    ['no-magic-cookie', Uint8Array.from(DISCOVER).fill(0, 236, 240)],
    ['unknown-op', Uint8Array.from(DISCOVER).fill(3, 0, 1)],
    ['not-ethernet', Uint8Array.from(DISCOVER).fill(16, 2, 3)],
    ['group-chaddr', Uint8Array.from(DISCOVER).fill(0xff, 28, 34)],
  ])('%s', (reason, bytes) => {
    expect(reasonOf(bytes)).toBe(reason);
  });
});

describe('properties', () => {
  const text = fc.string({
    maxLength: 40,
    unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)),
  });
  const u32 = fc.nat(0xffffffff);
  const message: fc.Arbitrary<DhcpMessage> = fc.record({
    op: fc.constantFrom(1 as const, 2 as const),
    hops: fc.nat(255),
    xid: u32,
    secs: fc.nat(0xffff),
    broadcast: fc.boolean(),
    ciaddr: u32,
    yiaddr: u32,
    siaddr: u32,
    giaddr: u32,
    chaddr: fc.nat(0xfeffffff).map((low) => 0x020000000000 + low),
    sname: text,
    file: text,
    options: fc
      .uniqueArray(
        fc.tuple(
          fc.integer({ min: 1, max: 254 }).filter((code) => code !== 52 && code !== 53),
          fc.uint8Array({ maxLength: 700 }),
        ),
        { maxLength: 8, selector: ([code]) => code },
      )
      .map((options) => new Map([[53, Uint8Array.of(1)] as [number, Uint8Array], ...options])),
  });

  test('what is encoded decodes to the same', () => {
    fc.assert(
      fc.property(message, (original) => {
        const bytes = encodeDhcp(original);
        expect(bytes.length).toBeGreaterThanOrEqual(300);
        expect(decodeDhcp(bytes)).toEqual(original);
      }),
    );
  });

  test('random bytes never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (tail) => {
        decodeDhcp(tail);
        decodeDhcp(Uint8Array.from([...DISCOVER.subarray(0, 240), ...tail]));
      }),
    );
  });
});
