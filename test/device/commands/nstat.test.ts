import { expect, test } from 'vitest';
import { runOnTables } from '../../support/command-bench.ts';

test('nstat lists counters by reason, with the port that counted', async () => {
  const counters = () => [
    { counter: 'nat.unsolicited', count: 3 },
    { counter: 'cable.no-carrier', port: 'wan', count: 12 },
  ];
  const { stdout, code } = await runOnTables('nstat', { counters });
  expect(code).toBe(0);
  expect(stdout).toBe(
    ['COUNTER           PORT  COUNT', 'nat.unsolicited   -     3', 'cable.no-carrier  wan   12', ''].join(
      '\n',
    ),
  );
});
