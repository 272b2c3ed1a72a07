// A short soak of real processes. The long one, with 200 faults and the time for timers to run out, is
// npm run soak.

import { expect, test } from 'vitest';
import { soak } from './run.ts';

test('a few faults of each kind on a busy net leave nothing behind', { timeout: 300_000 }, async () => {
  const said: string[] = [];
  const problems = await soak({ faults: 14, seed: 3, settle: 0, say: (line) => said.push(line) });
  expect(problems, said.join('\n')).toEqual([]);
});
