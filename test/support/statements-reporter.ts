// After the whole suite: what the stack must do, a line each, with the tests that show it. The default
// reporter leaves out the titles of what passed.

import type { Reporter, SerializedError, TestModule, TestRunEndReason, Vitest } from 'vitest/node';
import { holds, idsIn, STATEMENTS, statementLine, type TestOutcome, tallyStatements } from './statements.ts';

export default class StatementsReporter implements Reporter {
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  async onTestRunEnd(
    modules: readonly TestModule[],
    _errors: readonly SerializedError[],
    reason: TestRunEndReason,
  ): Promise<void> {
    if (reason === 'interrupted' || !(await this.#isWholeSuite(modules))) return;
    const outcomes = modules.flatMap((module) => [...module.children.allTests()].map(outcomeOf));
    const tallies = tallyStatements(outcomes);
    const unknown = outcomes.flatMap(({ title }) => idsIn(title)).filter((id) => !(id in STATEMENTS));
    const failing = tallies.filter((tally) => !holds(tally)).map(({ id }) => id);
    const lines = [
      '',
      ' What the stack must do, and how many tests show it:',
      ...tallies.map(statementLine),
      '',
      ...(failing.length > 0 ? [` Not shown: ${failing.join(', ')}`, ''] : []),
      ...(unknown.length > 0 ? [` Ids that stand for nothing: ${[...new Set(unknown)].join(', ')}`, ''] : []),
    ];
    this.#vitest?.logger.log(lines.join('\n'));
    if (failing.length + unknown.length > 0) process.exitCode = 1;
  }

  /** A run of some files, or of some titles, says nothing about the statements of the others. */
  async #isWholeSuite(modules: readonly TestModule[]): Promise<boolean> {
    if (!this.#vitest || this.#vitest.getGlobalTestNamePattern()) return false;
    const files = await this.#vitest.globTestSpecifications();
    const run = new Set(modules.map(({ moduleId }) => moduleId));
    return files.every(({ moduleId }) => run.has(moduleId));
  }
}

function outcomeOf(test: { fullName: string; result(): { state: TestOutcome['state'] } }): TestOutcome {
  return { title: test.fullName, state: test.result().state };
}
