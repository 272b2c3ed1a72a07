// Names in requests, and what they stand for in the topology. Who names what is not there is told what is.

import { portsOf } from '../../shared/topology/ports.ts';
import { suggest } from '../../shared/topology/suggest.ts';
import type { CableEnd, CableSpec, DeviceSpec, Topology } from '../../shared/topology/types.ts';
import { Failure, WrongUsage } from '../failure.ts';

/** One end of a cable. */
export interface CablePlace {
  readonly cable: CableSpec;
  readonly index: 0 | 1;
  /** `device:interface` */
  readonly at: string;
  readonly device: string;
  readonly interface: string;
}

export function placeAt(cable: CableSpec, index: 0 | 1): CablePlace {
  const { device, interface: name } = cable.ends[index];
  return { cable, index, at: formatPlace(cable.ends[index]), device, interface: name };
}

export function bothPlaces(cable: CableSpec): readonly [CablePlace, CablePlace] {
  return [placeAt(cable, 0), placeAt(cable, 1)];
}

export function otherPlace({ cable, index }: CablePlace): CablePlace {
  return placeAt(cable, index === 0 ? 1 : 0);
}

function formatPlace(end: CableEnd): string {
  return `${end.device}:${end.interface}`;
}

/** @throws Failure */
export function deviceNamed({ name: net, devices }: Topology, name: string): DeviceSpec {
  const names = devices.map((device) => device.name);
  const found = devices.find((device) => device.name === name);
  if (found) return found;
  throw new Failure(`no device "${name}" in ${net}; ${suggest(name, names)}`);
}

/** Each once. @throws Failure */
export function devicesNamed(topology: Topology, devices: readonly string[]): string[] {
  const names = [...new Set(devices)];
  if (names.length === 0) throw new WrongUsage('names no device');
  for (const name of names) deviceNamed(topology, name);
  return names;
}

/** @throws Failure */
export function cableNamed({ name: net, cables }: Topology, name: string): CableSpec {
  const names = cables.map((cable) => cable.name);
  const found = cables.find((cable) => cable.name === name);
  if (found) return found;
  throw new Failure(`no cable "${name}" in ${net}; ${suggest(name, names)}`);
}

/**
 * @param from an end as `device:interface`, or its device; both ends if absent
 * @throws Failure
 */
export function placesOf(cable: CableSpec, from: string | undefined): readonly CablePlace[] {
  const places = bothPlaces(cable);
  if (from === undefined) return places;
  const found = places.filter((place) => place.at === from || place.device === from);
  if (found.length === 1) return found;
  const ends = places.map(({ at }) => at).join(' or ');
  throw new Failure(
    found.length === 0
      ? `${from} is at neither end of ${cable.name}; it should be ${ends}`
      : `${from} is at both ends of ${cable.name}; say ${ends}`,
  );
}

/** The cabled ports of a device. */
export function placesOn({ cables }: Topology, device: string): CablePlace[] {
  return cables.flatMap((cable) => bothPlaces(cable).filter((place) => place.device === device));
}

/** The ends at `from` of the cables that join two devices directly. */
export function placesTowards(topology: Topology, from: string, to: string): CablePlace[] {
  return placesOn(topology, from).filter((place) => otherPlace(place).device === to);
}

/** What a fault on frames may be aimed at. */
export type Target =
  | { readonly cable: CableSpec }
  | { readonly device: string; readonly interface: string | undefined };

/** @throws Failure */
export function targetNamed(topology: Topology, name: string): Target {
  const [device = '', port] = name.split(':', 2);
  if (port !== undefined) {
    const ports = portsOf(topology, deviceNamed(topology, device)).map((each) => each.name);
    if (ports.includes(port)) return { device, interface: port };
    throw new Failure(`no interface "${port}" on ${device}; ${suggest(port, ports)}`);
  }
  const cable = topology.cables.find((each) => each.name === name);
  const isDevice = topology.devices.some((each) => each.name === name);
  if (cable && isDevice)
    throw new Failure(`${name} is a cable and a device; say one end, such as ${placeAt(cable, 0).at}`);
  if (cable) return { cable };
  if (isDevice) return { device: name, interface: undefined };
  const names = [...topology.cables, ...topology.devices].map((each) => each.name);
  throw new Failure(`no cable or device "${name}" in ${topology.name}; ${suggest(name, names)}`);
}
