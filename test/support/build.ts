// Builds once before the suite, so that the real processes run what the sources say.

import { execa } from 'execa';

export default async function build(): Promise<void> {
  await execa('npm', ['run', '--silent', 'build'], { stdio: ['ignore', 'ignore', 'inherit'] });
}
