// Partitions while addresses come and go: their rules on the devices are those for the addresses of now.

import { isDeepStrictEqual } from 'node:util';
import type { FilterRule } from '../../shared/topology/faults.ts';
import { Failure, WrongUsage } from '../failure.ts';
import type { FaultBench } from './bench.ts';
import { DeviceRule } from './device-rule.ts';
import type { Fault } from './fault.ts';
import { type PartitionSides, partitionRules } from './partition-rules.ts';
import { deviceNamed, placesTowards } from './places.ts';

export class Partitions {
  readonly #sides = new WeakMap<Fault, PartitionSides>();

  constructor(
    private readonly bench: FaultBench,
    private readonly active: () => readonly Fault[],
  ) {}

  /** Gives a new fault its rules. */
  begin(fault: Fault, sides: PartitionSides): void {
    this.#sides.set(fault, sides);
    for (const [device, rules] of this.#rules(sides))
      fault.rules.push(new DeviceRule(this.bench, device, fault.id, { rules }));
  }

  /** Those whose rules are for other addresses than those of now. */
  outdated(): Fault[] {
    return this.active().filter((fault) => {
      const sides = this.#sides.get(fault);
      return sides !== undefined && !isDeepStrictEqual(this.#rules(sides), standing(fault));
    });
  }

  /** Other rules in the place of those that it has; the devices count on. */
  async renew(fault: Fault, timeout: number): Promise<void> {
    const sides = this.#sides.get(fault);
    if (sides === undefined || !fault.inForce) return;
    const wanted = this.#rules(sides);
    for (const device of wanted.keys())
      if (!fault.rules.some((rule) => rule.device === device))
        fault.rules.push(new DeviceRule(this.bench, device, fault.id, { rules: [] }));
    const changed = fault.rules.flatMap((rule) => {
      const rules = wanted.get(rule.device) ?? [];
      const same = 'rules' in rule.content && isDeepStrictEqual(rules, rule.content.rules);
      return same || this.bench.device(rule.device).frozen ? [] : [{ rule, rules }];
    });
    await Promise.allSettled(
      changed.map(({ rule, rules }) => {
        rule.content = { rules };
        return rule.put(timeout);
      }),
    );
  }

  #rules(sides: PartitionSides): ReadonlyMap<string, readonly FilterRule[]> {
    return partitionRules(this.bench.topology, sides, (device) => this.bench.device(device).addresses);
  }
}

function standing(fault: Fault): Map<string, readonly FilterRule[]> {
  return new Map(
    fault.rules.flatMap(({ device, content }) =>
      'rules' in content && content.rules.length > 0 ? [[device, content.rules] as const] : [],
    ),
  );
}

/** @throws Failure */
export function checkPartition(
  { topology }: Pick<FaultBench, 'topology'>,
  groups: readonly [readonly string[], readonly string[]],
): void {
  const [left, right] = groups;
  const addressed = (name: string) =>
    deviceNamed(topology, name).interfaces.some(({ ipv4 }) => ipv4 !== undefined);
  for (const name of [...left, ...right]) deviceNamed(topology, name);
  const both = left.find((name) => right.includes(name));
  if (both !== undefined) throw new WrongUsage(`${both} is in both groups: a device always reaches itself`);
  for (const a of left)
    for (const b of right) {
      if (placesTowards(topology, a, b).length > 0) continue;
      const mute = [a, b].find((name) => !addressed(name));
      if (mute !== undefined)
        throw new Failure(
          `${mute} has no address and no cable to ${mute === a ? b : a}: nothing that passes between them can be told`,
        );
    }
}
