import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    // The example experiments judge real time, so they have a run of their own: npm run test:examples.
    include: [process.env.TINCAN_EXAMPLES ? 'test/**/*.examples.ts' : 'test/**/*.test.ts'],
    globalSetup: 'test/support/build.ts',
    // Both cores of the smallest machine; what is slow here waits for processes, not for the processor.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
