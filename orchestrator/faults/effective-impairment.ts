// What a cable's end does while several faults are set on it: of each value, what the newest active fault
// says that names it, else what the topology says.

import type { Impairment } from '../../shared/topology/types.ts';
import type { Cause } from './receipt.ts';

/** The values that a fault names; null for none. Those that it does not name are not there. */
export type ImpairmentValues = { readonly [Field in keyof Impairment]?: Impairment[Field] | null };

export interface ImpairmentClaim {
  /** Of the fault. */
  readonly id: string;
  readonly values: ImpairmentValues;
}

export interface EffectiveImpairment {
  readonly impairment: Impairment;
  /** Whose value is in force, by what it does to frames; nobody's where it is the topology's. */
  readonly owners: ReadonlyMap<Cause, readonly string[]>;
}

export const IMPAIRMENT_FIELDS = [
  'delay',
  'jitter',
  'distribution',
  'loss',
  'gemodel',
  'duplicate',
  'corrupt',
  'reorder',
  'rate',
  'limit',
] as const satisfies readonly (keyof Impairment)[];

type Field = (typeof IMPAIRMENT_FIELDS)[number];

/** Which values make frames meet a cause. A limit comes with every rate, be it named or not. */
const FIELDS_BEHIND = {
  delay: ['delay', 'jitter', 'distribution'],
  loss: ['loss', 'gemodel'],
  duplicate: ['duplicate'],
  corrupt: ['corrupt'],
  reorder: ['reorder'],
  rate: ['rate'],
  limit: ['limit', 'rate'],
} as const satisfies Partial<Record<Cause, readonly Field[]>>;

export type ImpairmentCause = keyof typeof FIELDS_BEHIND;

const CAUSES = Object.keys(FIELDS_BEHIND) as ImpairmentCause[];

/** @param claims of the active faults, the oldest first */
export function effectiveImpairment(
  base: Impairment,
  claims: readonly ImpairmentClaim[],
): EffectiveImpairment {
  const merged: Record<string, unknown> = { ...base };
  const ownerOf = new Map<Field, string>();
  for (const { id, values } of claims)
    for (const [field, value] of Object.entries(values)) {
      if (value === undefined) continue;
      if (value === null) delete merged[field];
      else merged[field] = value;
      ownerOf.set(field as Field, id);
    }
  const owners = CAUSES.map((cause) => {
    const inForce = FIELDS_BEHIND[cause].filter((field) => merged[field] !== undefined);
    return [cause, [...new Set(inForce.flatMap((field) => ownerOf.get(field) ?? []))]] as const;
  });
  return { impairment: merged, owners: new Map(owners) };
}

/** The causes that a fault with these values can have. */
export function causesOf(values: ImpairmentValues): ImpairmentCause[] {
  return CAUSES.filter((cause) =>
    FIELDS_BEHIND[cause].some((field) => values[field] !== undefined && values[field] !== null),
  );
}
