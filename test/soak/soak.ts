// npm run soak -- [--faults N] [--seed N]: random faults on a busy net, and whether anything of them stays.
// The last line on standard output is the verdict; exit code 0, 1 if it failed, 2 for wrong usage.

import { randomInt } from 'node:crypto';
import { readArguments } from './arguments.ts';
import { soak } from './run.ts';

/** ms in which TIME-WAIT (60 s) and the NAT's ICMP sessions (60 s) run out. */
const SETTLE = 70_000;

const USAGE = 'usage: npm run soak -- [--faults N] [--seed N]';
if (process.argv.includes('--help')) {
  console.log(USAGE);
  process.exit(0);
}
const given = readArguments(process.argv.slice(2));
if (typeof given === 'string') {
  console.error(`soak: ${given}\n${USAGE}`);
  process.exit(2);
}
const { faults = 200, seed = randomInt(1_000_000) } = given;
const replay = `npm run soak -- --faults ${faults} --seed ${seed}`;
process.on('SIGINT', () => process.exit(130));

console.log(`soak of ${faults} faults, seed ${seed}`);
const problems = await soak({ faults, seed, settle: SETTLE, say: (line) => console.log(line) });
for (const problem of problems) console.log(`problem: ${problem}`);
console.log(
  problems.length === 0
    ? `passed: ${faults} faults, seed ${seed}`
    : `FAILED: ${problems.length} problems after ${faults} faults, seed ${seed}; again: ${replay}`,
);
process.exit(problems.length === 0 ? 0 : 1);
