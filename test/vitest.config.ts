import { defineConfig } from 'vitest/config';

/** The example experiments judge real time, so they have a run of their own: npm run test:examples. */
const examples = process.env.TINCAN_EXAMPLES !== undefined;

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: [examples ? 'test/**/*.examples.ts' : 'test/**/*.test.ts'],
    globalSetup: 'test/support/build.ts',
    reporters: examples ? ['default'] : ['default', './test/support/statements-reporter.ts'],
    // Both cores of the smallest machine; what is slow here waits for processes, not for the processor.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
