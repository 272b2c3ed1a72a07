// A filter or a misbehaviour that stands on one device for one fault, and what it has met in every run of it.

import type { FilterRule, Misbehaviour, RuleCounts } from '../../shared/topology/faults.ts';
import { codeOf } from '../failure.ts';
import type { FaultBench } from './bench.ts';
import { DeviceOff } from './bench.ts';
import { readRuleCounts } from './counts.ts';

export type RuleContent = { readonly rules: readonly FilterRule[] } | { readonly misbehaviour: Misbehaviour };

const METHODS = {
  filter: { put: 'filter', lift: 'unfilter', read: 'filtered' },
  misbehave: { put: 'misbehave', lift: 'behave', read: 'misbehaved' },
} as const;

export class DeviceRule {
  /** Whether the device has taken it up; one that was off starts with it. */
  confirmed = false;
  begins?: boolean;
  /** By run of the device: those of a run that is over are what it said last. */
  readonly #counts = new Map<number, RuleCounts>();

  constructor(
    private readonly bench: FaultBench,
    readonly device: string,
    readonly id: string,
    public content: RuleContent,
  ) {}

  /** Where it works, for a receipt: the one port that it is at, or the device. */
  get at(): string {
    const [port, ...others] =
      'rules' in this.content ? new Set(this.content.rules.map((rule) => rule.interface)) : [];
    return port === undefined || others.length > 0 ? this.device : `${this.device}:${port}`;
  }

  get detail(): Readonly<Record<string, unknown>> {
    return { ...this.content };
  }

  get #methods() {
    return 'rules' in this.content ? METHODS.filter : METHODS.misbehave;
  }

  get counts(): RuleCounts {
    const all = [...this.#counts.values()];
    return {
      seen: all.reduce((sum, { seen }) => sum + seen, 0),
      affected: all.reduce((sum, { affected }) => sum + affected, 0),
    };
  }

  /** One that is off takes it up when it starts. */
  async put(timeout: number): Promise<void> {
    if (await this.#ask(this.#methods.put, { id: this.id, ...this.content }, timeout)) this.confirmed = true;
  }

  async lift(timeout: number): Promise<void> {
    try {
      await this.#ask(this.#methods.lift, { id: this.id }, timeout);
    } catch (error) {
      // It never came that far, or is undone already.
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }

  /** Reads the counts, if the device answers. */
  async count(timeout: number): Promise<void> {
    const { frozen, booted } = this.bench.device(this.device);
    if (!frozen && booted) await this.#ask(this.#methods.read, { id: this.id }, timeout);
  }

  async #ask(method: string, params: unknown, timeout: number): Promise<boolean> {
    const device = this.bench.device(this.device);
    const { run } = device;
    try {
      const counts = readRuleCounts(await device.ask(method, params, timeout));
      if (run !== undefined) this.#counts.set(run, counts);
      return true;
    } catch (error) {
      if (error instanceof DeviceOff) return false;
      throw error;
    }
  }
}
