// What the names in an experiment file stand for. Who names what is not there is told what is.

import { portsOf } from '../../shared/topology/ports.ts';
import { suggest } from '../../shared/topology/suggest.ts';
import type { PathPart, Report } from '../../shared/topology/topology-error.ts';
import type { DeviceSpec, Topology } from '../../shared/topology/types.ts';
import type { Action } from './actions.ts';
import type { Draft, Item } from './draft.ts';
import type { Probe } from './probe-schema.ts';

export type Path = readonly PathPart[];

/** Each look-up reports a name that is not there; without a topology no device and no cable is looked up. */
export class Names {
  readonly #topology: Topology | undefined;
  readonly #probes: ReadonlyMap<string, Probe | undefined>;
  readonly #entries: ReadonlyMap<string, Action | undefined>;

  constructor(
    { topology, probes, timeline }: Draft,
    private readonly report: Report,
  ) {
    this.#topology = topology;
    this.#probes = byName(probes);
    this.#entries = byName(timeline);
  }

  device(name: string, path: Path): DeviceSpec | undefined {
    if (!this.#topology) return undefined;
    const { devices } = this.#topology;
    const found = devices.find((device) => device.name === name);
    const known = devices.map((device) => device.name);
    if (!found) this.report(path, `no device "${name}"`, suggest(name, known));
    return found;
  }

  cable(name: string, path: Path): void {
    if (!this.#topology) return;
    const known = this.#topology.cables.map((cable) => cable.name);
    if (!known.includes(name)) this.report(path, `no cable "${name}"`, suggest(name, known));
  }

  /** A cable, or a cable's end as `device:interface`. */
  cableOrEnd(name: string, path: Path): void {
    const [device = '', port] = name.split(':', 2);
    if (port === undefined) return this.cable(name, path);
    const spec = this.device(device, path);
    if (!spec || !this.#topology) return;
    const known = portsOf(this.#topology, spec).flatMap((each) => (each.cable ? [each.name] : []));
    if (!known.includes(port))
      this.report(path, `no cable ends at "${port}" of ${device}`, suggest(port, known));
  }

  /** A device, or one of its interfaces as `device:interface`, or a cable. */
  place(name: string, path: Path): void {
    if (!this.#topology) return;
    const [device = '', port] = name.split(':', 2);
    const { devices, cables } = this.#topology;
    if (port === undefined) {
      const known = [...cables, ...devices].map((each) => each.name);
      if (!known.includes(name)) this.report(path, `no cable or device "${name}"`, suggest(name, known));
      return;
    }
    const spec = this.device(device, path);
    const known = spec ? portsOf(this.#topology, spec).map((each) => each.name) : [port];
    if (!known.includes(port)) this.report(path, `no interface "${port}" on ${device}`, suggest(port, known));
  }

  /** An end of that cable, as `device:interface`, or its device. */
  endOf(cable: string, end: string, path: Path): void {
    const ends = this.#topology?.cables.find(({ name }) => name === cable)?.ends ?? [];
    const known = ends.map((each) => `${each.device}:${each.interface}`);
    if (known.length > 0 && !known.some((each) => each === end || each.startsWith(`${end}:`)))
      this.report(path, `"${end}" is no end of ${cable}`, suggest(end, known));
  }

  probe(name: string, path: Path): Probe | undefined {
    if (!this.#probes.has(name)) this.report(path, `no probe "${name}"`, suggest(name, this.#probes.keys()));
    return this.#probes.get(name);
  }

  /** An entry of the timeline. */
  entry(name: string, path: Path): Action | undefined {
    if (!this.#entries.has(name))
      this.report(path, `no entry of the timeline is named "${name}"`, suggest(name, this.#entries.keys()));
    return this.#entries.get(name);
  }
}

/** Reports names that two items of a list share. */
export function checkUnique(items: readonly Item<unknown>[], path: Path, report: Report): void {
  const seen = new Set<string>();
  for (const [index, { name }] of items.entries()) {
    if (name === undefined) continue;
    if (seen.has(name))
      report([...path, index, 'name'], `"${name}" is there already`, 'give each a name of its own');
    seen.add(name);
  }
}

function byName<T>(items: readonly Item<T>[]): Map<string, T | undefined> {
  return new Map(items.flatMap(({ name, value }) => (name === undefined ? [] : [[name, value] as const])));
}
