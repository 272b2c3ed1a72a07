// The project's own packet scripts pass, and those that say what a right TCP does not do fail, where and as
// they say.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { playScript } from './play/play-script.ts';

const SCRIPTS = join(import.meta.dirname, 'scripts');
const WRONG = 'wrong';

function scriptsIn(folder: string): string[] {
  return readdirSync(join(SCRIPTS, folder))
    .filter((name) => name.endsWith('.pkt'))
    .sort();
}

const folders = readdirSync(SCRIPTS).sort();
const right = folders
  .filter((folder) => folder !== WRONG)
  .flatMap((folder) => scriptsIn(folder).map((name) => join(folder, name)));

function read(name: string): string {
  return readFileSync(join(SCRIPTS, name), 'utf8');
}

/** The statement that a script is about: the first word of its first comment. */
function statementOf(name: string): string {
  const [, id] = /^\/\/ (TCP-\d+): /.exec(read(name)) ?? [];
  if (id === undefined) throw new Error(`${name} does not begin with the statement that it is about`);
  return id;
}

describe.each([{ strict: false }, { strict: true }])('own packet scripts, strict: $strict', (options) => {
  test.each(right.map((name) => ({ name, id: statementOf(name) })))('$id: $name', ({ name }) => {
    const verdict = playScript(read(name), options);
    expect(verdict).toMatchObject({ kind: 'passed' });
    // Whatever our TCP sends is in the script.
    expect(verdict).toMatchObject({ leftOver: [], notes: [] });
  });
});

test.each(Array.from({ length: 17 }, (_, index) => ({ id: `TCP-${index + 1}` })))(
  '$id has scripts',
  ({ id }) => {
    expect(right.map(statementOf)).toContain(id);
  },
);

describe('scripts that say what a right TCP does not do', () => {
  test.each(scriptsIn(WRONG))('%s', (name) => {
    const text = read(join(WRONG, name));
    const [, line, why] = /^\/\/ fails at line (\d+): (.*)/.exec(text) ?? [];
    const verdict = playScript(text, { strict: false });
    expect(verdict).toMatchObject({ kind: 'failed', line: Number(line), why: expect.stringMatching(why!) });
  });
});
