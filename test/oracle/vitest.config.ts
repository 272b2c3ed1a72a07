import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/oracle/**/*.oracle.ts'],
    globalSetup: 'test/support/build.ts',
    // Not *.test.ts: `npm test` needs no rights.
    // Each file runs whole nets and the kernel's stack beside them: one at a time, on the smallest machine.
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
