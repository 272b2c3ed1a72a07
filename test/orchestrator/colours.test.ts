import { WriteStream } from 'node:tty';
import { afterEach, expect, test, vi } from 'vitest';
import { takesColours } from '../../orchestrator/colours.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A terminal, as far as colours go. */
function terminal(isTTY: boolean): NodeJS.WriteStream & { fd: 1 } {
  return Object.assign(Object.create(WriteStream.prototype), { isTTY });
}

test.each([
  ['a terminal', true, {}, true],
  ['a pipe', false, {}, false],
  ['a terminal with NO_COLOR', true, { NO_COLOR: '1' }, false],
  ['a terminal that is dumb', true, { TERM: 'dumb' }, false],
])('%s', (_, isTTY, env, expected) => {
  for (const name of ['NO_COLOR', 'FORCE_COLOR', 'NODE_DISABLE_COLORS', 'CI']) vi.stubEnv(name, undefined);
  vi.stubEnv('TERM', 'xterm-256color');
  for (const [name, value] of Object.entries<string>(env)) vi.stubEnv(name, value);
  expect(takesColours(terminal(isTTY))).toBe(expected);
});
