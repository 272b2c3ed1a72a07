import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OptionError, parseNumber, parseOptions } from '../../../shared/device/commands/options.ts';

const SPECS = {
  all: { short: 'a', long: 'all' },
  quiet: { short: 'q' },
  count: { short: 'c', long: 'count', value: true },
};

function parsed(line: string): string {
  const { options, operands } = parseOptions(line.split(' '), SPECS);
  return [...options.map(({ name, value }) => `${name}=${value}`), '|', ...operands].join(' ');
}

function fault(line: string): string {
  try {
    parseOptions(line.split(' '), SPECS);
  } catch (error) {
    if (error instanceof OptionError) return error.text;
  }
  return 'none';
}

describe('parseOptions', () => {
  test.each([
    ['-aq', 'all= quiet= |'],
    ['-c 3 host', 'count=3 | host'],
    ['-c3 host', 'count=3 | host'],
    ['-aqc3 host', 'all= quiet= count=3 | host'],
    ['--count=3', 'count=3 |'],
    ['--count 3 --all', 'count=3 all= |'],
    ['--count=', 'count= |'],
    ['host -a other -c -1', 'all= count=-1 | host other'],
    ['-a -- -q --all', 'all= | -q --all'],
    ['- -a', 'all= | -'],
  ])('%s', (line, expected) => {
    expect(parsed(line)).toBe(expected);
  });

  test.each([
    ['-aZ', "invalid option -- 'Z'"],
    ['--nope', "unrecognized option '--nope'"],
    ['--nope=1', "unrecognized option '--nope'"],
    ['-c', "option requires an argument -- 'c'"],
    ['--count', "option '--count' requires an argument"],
    ['--all=1', "option '--all' doesn't allow an argument"],
  ])('%s is a fault', (line, expected) => {
    expect(fault(line)).toBe(expected);
  });

  test('random words give options and operands, or an OptionError', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (words) => {
        try {
          parseOptions(words, SPECS);
        } catch (error) {
          expect(error).toBeInstanceOf(OptionError);
        }
      }),
    );
  });
});

test.each([
  ['12', false, 12],
  ['1.5', false, undefined],
  ['1.5', true, 1.5],
  ['.5', true, 0.5],
  ['', true, undefined],
  ['-1', true, undefined],
  ['1e3', true, undefined],
  ['0x10', false, undefined],
])('parseNumber(%j, %j)', (text, fraction, expected) => {
  expect(parseNumber(text, fraction)).toBe(expected);
});
