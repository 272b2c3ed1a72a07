// The file as far as its form is right, so that the checks can go on with what there is and every fault
// comes out in one report.

import type { z } from 'zod';
import type { CableEntry, DeviceEntry, InterfaceEntry } from './schema.ts';
import { cableSchema, deviceSchema, interfaceSchema } from './schema.ts';
import type { PathPart } from './topology-error.ts';

/** An entry of a block that the user names; undefined where its form is wrong. */
export interface Named<T> {
  readonly name: string;
  readonly path: readonly PathPart[];
  readonly entry: T | undefined;
  /** Only the keys whose form is right. */
  readonly right: Partial<T>;
}

export interface DraftDevice {
  readonly name: string;
  readonly path: readonly PathPart[];
  /** Only the keys whose form is right. */
  readonly entry: Partial<DeviceEntry>;
  readonly interfaces: readonly Named<InterfaceEntry>[];
  /** Whether all interfaces can be trusted, so that what is not among them is nowhere. */
  readonly complete: boolean;
}

export interface Draft {
  readonly devices: readonly DraftDevice[];
  readonly cables: readonly Named<CableEntry>[];
}

export function draftOf(json: unknown): Draft {
  return {
    devices: named(json, 'devices', []).map(({ name, path, raw }) => draftDevice(name, path, raw)),
    cables: named(json, 'cables', []).map(({ name, path, raw }) => ({
      name,
      path,
      entry: rightForm(cableSchema, raw),
      right: rightKeys(cableSchema, raw),
    })),
  };
}

function draftDevice(name: string, path: readonly PathPart[], raw: unknown): DraftDevice {
  const entry: Partial<DeviceEntry> = rightKeys(deviceSchema, raw);
  const interfaces = named(raw, 'interfaces', path).map((found) => ({
    name: found.name,
    path: found.path,
    entry: rightForm(interfaceSchema, found.raw),
    right: rightKeys(interfaceSchema, found.raw),
  }));
  const complete = entry.interfaces !== undefined;
  return { name, path, entry, interfaces, complete };
}

function rightForm<T extends z.ZodType>(schema: T, raw: unknown): z.output<T> | undefined {
  return schema.safeParse(raw).data;
}

function rightKeys<T extends z.ZodObject>(schema: T, raw: unknown): Partial<z.output<T>> {
  const right: Record<string, unknown> = {};
  for (const [key, form] of Object.entries<z.ZodType>(schema.shape))
    if (isObject(raw) && Object.hasOwn(raw, key)) {
      const value = rightForm(form, raw[key]);
      if (value !== undefined) right[key] = value;
    }
  return right as Partial<z.output<T>>;
}

function named(owner: unknown, key: string, path: readonly PathPart[]) {
  const block = isObject(owner) && Object.hasOwn(owner, key) ? owner[key] : undefined;
  if (!isObject(block)) return [];
  return Object.keys(block).map((name) => ({ name, path: [...path, key, name], raw: block[name] }));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
