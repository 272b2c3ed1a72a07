import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/build.ts',
    reporters: ['default', './test/support/statements-reporter.ts'],
    // Both cores of the smallest machine; what is slow here waits for processes, not for the processor.
    maxWorkers: 2,
    // Of tests that say that they may run side by side: nets that wait more than they work.
    maxConcurrency: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
