import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '../../../shared/core/bytes.ts';
import { Malformed } from '../../../shared/core/errors.ts';
import { decodeName, isWithin, NameWriter, parentOf, parseName } from '../../../shared/wire/dns/name.ts';

function decode(bytes: Uint8Array, offset: number): { name: string; end: number } | string {
  const decoded = decodeName(bytes, offset);
  return decoded instanceof Malformed ? decoded.reason : decoded;
}

describe('compression', () => {
  // RFC 1035 §4.1.4: F.ISI.ARPA at 20, FOO.F.ISI.ARPA at 40, ARPA at 64, the root at 92.
  const EXAMPLE = new Uint8Array(93);
  EXAMPLE.set(fromHex('01 46 03 495349 04 41525041 00'), 20);
  EXAMPLE.set(fromHex('03 464f4f c014'), 40);
  EXAMPLE.set(fromHex('c01a'), 64);

  test('the example of RFC 1035 §4.1.4 is read', () => {
    expect(decode(EXAMPLE, 20)).toMatchObject({ name: 'F.ISI.ARPA', end: 32 });
    expect(decode(EXAMPLE, 40)).toMatchObject({ name: 'FOO.F.ISI.ARPA', end: 46 });
    expect(decode(EXAMPLE, 64)).toMatchObject({ name: 'ARPA', end: 66 });
    expect(decode(EXAMPLE, 92)).toMatchObject({ name: '.', end: 93 });
  });

  test('the example of RFC 1035 §4.1.4 is written', () => {
    const writer = new NameWriter();
    expect(toHex(writer.encode('F.ISI.ARPA', 20))).toBe('01460349534904415250 4100'.replace(' ', ''));
    expect(toHex(writer.encode('FOO.F.ISI.ARPA', 40))).toBe('03464f4fc014');
    expect(toHex(writer.encode('ARPA', 64))).toBe('c01a');
    expect(toHex(writer.encode('.', 92))).toBe('00');
  });

  test('names of another case and beyond offset 16383 are written out', () => {
    const writer = new NameWriter();
    writer.encode('example.com', 0x3ffc);
    expect(writer.encode('EXAMPLE.com', 0x4100).length).toBe(13);
    expect(writer.encode('example.com', 0x4200)).toHaveLength(2);
    expect(writer.encode('com', 0x4300)).toHaveLength(5);
  });
});

describe('what is no name is rejected', () => {
  const header = '00'.repeat(12);
  test.each([
    ['a pointer to itself', `${header} c00c`, 'bad-pointer'],
    ['a pointer forwards', `${header} c00e 0161 00`, 'bad-pointer'],
    ['a pointer into the header', `${header} c004`, 'bad-pointer'],
    ['a label over 63', `${header} 40 ${'61'.repeat(64)} 00`, 'label-type'],
    ['a truncated label', `${header} 0361`, 'name-truncated'],
    ['a truncated pointer', `${header} c0`, 'name-truncated'],
    ['no end', `${header} 0161`, 'name-truncated'],
  ])('DNS-2: %s', (_, hex, reason) => {
    expect(decode(fromHex(hex), 12)).toBe(reason);
  });

  test('DNS-2: two pointers at each other', () => {
    expect(decode(fromHex(`${header} c00e c00c`), 14)).toBe('bad-pointer');
  });

  test('DNS-2: a name over 255 bytes, by pointers too', () => {
    const label = `3f ${'61'.repeat(63)}`;
    const longest = `${label} ${label} ${label} 3d ${'61'.repeat(61)} 00`;
    const decoded = decodeName(fromHex(longest), 0);
    expect(decoded).toMatchObject({ end: 255 });
    expect(decode(fromHex(`${header} ${longest} 0161 c00c`), 12 + 255)).toBe('name-too-long');
  });
});

describe('text', () => {
  test.each([
    ['www.example.com', 'www.example.com'],
    ['www.Example.com.', 'www.Example.com'],
    ['.', '.'],
    ['a\\.b.c', 'a\\.b.c'],
    ['a\\046b.c', 'a\\.b.c'],
    ['\\\\.x', '\\\\.x'],
    ['a b', 'a\\032b'],
    [`${'a'.repeat(63)}.x`, `${'a'.repeat(63)}.x`],
  ])('%s', (text, name) => {
    expect(parseName(text)).toBe(name);
  });

  test.each([
    '',
    '..',
    '.a',
    'a..b',
    `${'a'.repeat(64)}`,
    'a\\',
    'a\\25',
    'a\\256',
    'ü.de',
    'a.'.repeat(128),
  ])('no name: %s', (text) => {
    expect(parseName(text)).toBeUndefined();
  });

  test('being within, and parents, go by labels and not by characters', () => {
    expect(isWithin('www.Example.com', 'example.COM')).toBe(true);
    expect(isWithin('wwwexample.com', 'example.com')).toBe(false);
    expect(isWithin('a\\.example.com', 'example.com')).toBe(false);
    expect(isWithin('com', '.')).toBe(true);
    expect(parentOf('a\\.b.c')).toBe('c');
    expect(parentOf('c')).toBe('.');
    expect(parentOf('.')).toBeUndefined();
  });

  test('any bytes in labels survive the way to text and back', () => {
    const label = fc.uint8Array({ minLength: 1, maxLength: 63 });
    fc.assert(
      fc.property(fc.array(label, { maxLength: 3 }), (labels) => {
        const bytes = Uint8Array.from([...labels.flatMap((each) => [each.length, ...each]), 0]);
        const decoded = decodeName(bytes, 0);
        if (decoded instanceof Malformed) throw new Error(decoded.reason);
        expect(decoded.end).toBe(bytes.length);
        expect(new NameWriter().encode(decoded.name, 0)).toEqual(bytes);
        expect(parseName(decoded.name)).toBe(decoded.name);
      }),
    );
  });
});
