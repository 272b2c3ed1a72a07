import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The file that waits most and works least starts first, beside all the others. */
class LossyFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLossy = ({ moduleId }: TestSpecification) => Number(moduleId.endsWith('lossy.oracle.ts'));
    return [...files].sort((a, b) => isLossy(b) - isLossy(a) || a.moduleId.localeCompare(b.moduleId));
  }
}

export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/oracle/**/*.oracle.ts'],
    globalSetup: 'test/support/build.ts',
    // Not *.test.ts: `npm test` needs no rights.
    sequence: { sequencer: LossyFirst },
    maxWorkers: 2,
    maxConcurrency: 3,
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
