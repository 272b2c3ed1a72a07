// What is wrong with an experiment file: every fault with its place and what would be right.

import type { Fault } from '../../shared/topology/topology-error.ts';
import { WrongUsage } from '../failure.ts';

/** All faults of a file at once; the message has one a line. */
export class ExperimentError extends WrongUsage {
  constructor(
    readonly file: string,
    readonly faults: readonly Fault[],
  ) {
    super(
      faults
        .map(({ path, problem, mend }) => `${file}: ${path === '' ? '' : `${path}: `}${problem}; ${mend}`)
        .join('\n'),
    );
  }
}
