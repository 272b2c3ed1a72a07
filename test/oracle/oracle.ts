// Runs the judges from outside: npm run test:oracle [-- FILE…]. Exit code 2 if the machine lacks something,
// which is then told all at once; --packages prints only the Debian packages that are missing.

import { execa } from 'execa';
import { missing, missingPackages } from './requirements.ts';

const args = process.argv.slice(2);
if (args.includes('--packages')) {
  process.stdout.write(missingPackages().join(' '));
  process.exit();
}
const lacking = missing();
if (lacking.length > 0) {
  const packages = missingPackages();
  const mend = packages.length > 0 ? `\nOn Debian: apt-get install ${packages.join(' ')}` : '';
  process.stderr.write(
    `The judges from outside need\n${lacking.map((line) => `  ${line}`).join('\n')}${mend}\n`,
  );
  process.exit(2);
}
const { exitCode } = await execa(
  'npx',
  ['vitest', 'run', '--config', 'test/oracle/vitest.config.ts', ...args],
  {
    stdio: 'inherit',
    reject: false,
    env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  },
);
process.exit(exitCode ?? 1);
