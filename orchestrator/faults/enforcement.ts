// Puts faults in force, one after the other: each at all of its places or at none. And lifts them.

import { Failure, messageOf } from '../failure.ts';
import type { FaultBench } from './bench.ts';
import type { Fault } from './fault.ts';
import type { FaultList } from './fault-list.ts';
import type { CablePlace } from './places.ts';
import { refuseFrozen } from './refusals.ts';
import { BOOT_TIMEOUT, CONFIRM_TIMEOUT } from './timeouts.ts';

export class Enforcement {
  #queue: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly bench: FaultBench,
    private readonly list: FaultList,
  ) {}

  /** Puts a fault everywhere. @throws Failure; then it is nowhere */
  apply(fault: Fault): Promise<void> {
    return this.oneAtATime(async () => {
      const asleep = fault.devices.filter((device) => this.bench.device(device).frozen);
      if (!fault.oneEndIsEnough || asleep.length === fault.devices.length)
        refuseFrozen(this.bench, asleep, 'nothing was changed');
      this.list.add(fault);
      const steps = fault.steps();
      const results = await Promise.allSettled(steps.map((step) => step.put(this.#patience(step.device))));
      fault.from = this.list.now();
      const failed = steps.flatMap(({ at }, index) => {
        const result = results[index];
        return result?.status === 'rejected' ? [`${at} did not confirm it: ${messageOf(result.reason)}`] : [];
      });
      if (failed.length > 0) throw new Failure(await this.#rollBack(fault, failed));
      this.list.made(fault);
    });
  }

  /** Takes a fault away everywhere. @throws Failure; then it is in force everywhere */
  lift(fault: Fault): Promise<void> {
    return this.oneAtATime(async () => {
      refuseFrozen(this.bench, fault.confirmedBy, `${fault.id} is still in force`);
      fault.lifting = true;
      const results = await Promise.allSettled(
        fault.steps().map((step) => step.lift(this.#patience(step.device))),
      );
      const failed = results.flatMap((result) =>
        result.status === 'rejected' ? [messageOf(result.reason)] : [],
      );
      if (failed.length === 0) return this.list.close(fault);
      // Still in force somewhere: then it stays in force everywhere, and can be healed again.
      fault.lifting = false;
      await Promise.allSettled(fault.steps().map((step) => step.put(this.#patience(step.device))));
      throw new Failure(`${fault.id} is still in force: ${failed.join('; ')}`);
    });
  }

  /** Has devices that were frozen, or too slow, take up what they have not confirmed. */
  async catchUp(): Promise<void> {
    if (this.#behind().length === 0) return;
    await this.oneAtATime(async () => {
      const behind = this.#behind();
      await Promise.allSettled(behind.map((place) => this.list.ends.settle(place, CONFIRM_TIMEOUT)));
      const places = behind.map(({ at }) => at);
      const steps = this.list.inForce.flatMap((fault) =>
        fault.steps().filter(({ at }) => places.includes(at)),
      );
      await Promise.allSettled(steps.map((step) => step.put(CONFIRM_TIMEOUT)));
    });
  }

  /** After all that was begun before. */
  oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => {});
    return done;
  }

  /** Undoes what was done of a fault that could not be made. @returns what to tell of it */
  async #rollBack(fault: Fault, failed: readonly string[]): Promise<string> {
    this.list.drop(fault);
    const steps = fault.steps();
    const results = await Promise.allSettled(steps.map((step) => step.lift(this.#patience(step.device))));
    const isUndone = (result: PromiseSettledResult<boolean> | undefined) =>
      result?.status === 'fulfilled' && result.value;
    const at = (done: boolean) =>
      steps.filter((_, index) => isUndone(results[index]) === done).map((step) => step.at);
    const [undone, left] = [at(true), at(false)];
    return [
      `${fault.name} is not in effect: ${failed.join('; ')}`,
      undone.length > 0 ? `undone at ${undone.join(', ')}` : 'nothing was undone',
      ...(left.length > 0
        ? [`what became of it at ${left.join(', ')} is not known: thaw or restart what hangs`]
        : []),
    ].join('; ');
  }

  /** Ends whose device could be told now. */
  #behind(): CablePlace[] {
    if (this.list.isNew) return [];
    return this.list.ends.behind().filter(({ device }) => {
      const { frozen, booted } = this.bench.device(device);
      return booted && !frozen;
    });
  }

  #patience(device: string): number {
    return this.bench.device(device).booted ? CONFIRM_TIMEOUT : BOOT_TIMEOUT;
  }
}
