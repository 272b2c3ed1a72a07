import { expect, it } from 'vitest';
import { requestedRange } from '../../../shared/apps/http/preconditions.ts';

const validators = { etag: '"1"', lastModified: new Date(0).toUTCString() };
const range = (text: string) => requestedRange({ range: text }, 1000, validators);

it('a range may have white space between its parts', () => {
  expect(range('bytes= 5 - 9 ')).toEqual({ first: 5, last: 9 });
  expect(range('bytes= - 9')).toEqual({ first: 991, last: 999 });
});

it('a long line that is no range is read once, not once for each of its characters', () => {
  for (const part of [' ', '1', '1 ', '-'])
    expect(range(`bytes=${part}${part.repeat(500_000)}x`)).toBeUndefined();
  expect(range(`bytes=1${' '.repeat(500_000)}x`)).toBeUndefined();
});
