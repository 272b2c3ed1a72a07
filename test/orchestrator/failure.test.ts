import { expect, test } from 'vitest';
import { loadExperiment } from '../../orchestrator/experiment/load.ts';
import { printable } from '../../orchestrator/failure.ts';

test('control characters that a person typed come back as text; lines stay lines', () => {
  expect(printable('no device "lap\u001b[2Jtop\u0007\u009b\r"\nand ü')).toBe(
    'no device "lap\\x1b[2Jtop\\x07\\x9b\\x0d"\nand ü',
  );
});

test('an experiment that never ends is not read for ever', async () => {
  await expect(loadExperiment('/dev/zero')).rejects.toThrow('/dev/zero: it is longer than 4 MiB');
});
