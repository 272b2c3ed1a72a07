import { expect, test } from 'vitest';
import { parseDuration, parsePercentage, parseRate } from '../../shared/core/units.ts';

test.each([
  ['8ms', 8],
  ['1.5s', 1500],
  ['250us', 0.25],
  ['5m', 300_000],
  ['1h', 3_600_000],
  ['2d', 172_800_000],
])('%s is %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

test.each([
  ['56kbit', 56_000],
  ['100mbit', 1e8],
  ['1gbit', 1e9],
])('%s is %d bits/s', (text, rate) => expect(parseRate(text)).toBe(rate));

test.each(['8', 'ms', '-8ms', '8 ms', '8parsec', '1e3ms', ''])('%j has no unit that fits', (text) => {
  expect(parseDuration(text)).toBeUndefined();
  expect(parseRate(text)).toBeUndefined();
});

test('percentages', () => {
  expect(parsePercentage('0.1%')).toBeCloseTo(0.001);
  expect(parsePercentage('100%')).toBe(1);
  expect(parsePercentage('101%')).toBeUndefined();
  expect(parsePercentage('0.1')).toBeUndefined();
});
