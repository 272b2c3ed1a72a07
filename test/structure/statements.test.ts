import { expect, test } from 'vitest';
import { holds, idsIn, STATEMENTS, statementLine, tallyStatements } from '../support/statements.ts';

test('a title carries ids as whole words', () => {
  expect(idsIn('ARP-2, ARP-4: requests > TCP-1x NAT-10 ARP-2 XIP-5')).toEqual(['ARP-2', 'ARP-4', 'NAT-10']);
});

test('a statement holds when a test passed and none failed', () => {
  const tallies = tallyStatements([
    { title: 'ARP-1: one', state: 'passed' },
    { title: 'ARP-1, ARP-2: two', state: 'passed' },
    { title: 'ARP-2: three', state: 'failed' },
    { title: 'ARP-3: four', state: 'skipped' },
    { title: 'NAT-10: five', state: 'passed' },
  ]);
  expect(tallies.map(({ id }) => id)).toEqual(Object.keys(STATEMENTS));
  expect(tallies.filter(holds).map(({ id }) => id)).toEqual(['ARP-1', 'NAT-10']);
  const line = (id: string) => statementLine(tallies.find((tally) => tally.id === id)!);
  expect(line('ARP-1')).toMatch(/^ ✓ ARP-1 {3}2 passed/);
  expect(line('ARP-2')).toMatch(/^ × ARP-2 {3}1 passed, 1 failed/);
  expect(line('ARP-3')).toMatch(/^ × ARP-3 {3}no test passed, 1 skipped/);
});
