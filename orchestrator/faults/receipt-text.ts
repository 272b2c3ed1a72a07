// Receipts for people.

import { formatTable } from '../table.ts';
import type { Receipt } from './receipt.ts';

/** What a fault is aimed at comes first, the rest by name. */
const TARGETS = ['cable', 'device', 'at', 'groups', 'service', 'table'] as const;

/** `uplink from=router loss=10%`, `laptop,phone -> web`. */
export function describeAsked({ asked }: Receipt): string {
  const targets = TARGETS.flatMap((key) => {
    const value = asked[key];
    if (value === undefined) return [];
    return [key === 'groups' ? describeGroups(value, asked.oneWay === true) : String(value)];
  });
  const rest = Object.entries(asked).flatMap(([key, value]) => {
    if (TARGETS.some((target) => target === key) || key === 'oneWay' || value === undefined) return [];
    return [value === true ? key : `${key}=${Array.isArray(value) ? value.join(',') : String(value)}`];
  });
  return [...targets, ...rest].join(' ');
}

function describeGroups(groups: unknown, oneWay: boolean): string {
  const sides = (groups as readonly (readonly string[])[]).map((names) => names.join(','));
  return sides.join(oneWay ? ' -> ' : ' <-> ');
}

/** Some lines for one receipt. */
export function formatReceipt(receipt: Receipt): string {
  const { id, fault, applied, from, until } = receipt;
  const places = applied.map(({ at, waits }) => (waits === undefined ? at : `${at} (${waits})`));
  return [
    `${id} ${fault} ${describeAsked(receipt)}`,
    `  ${until === null ? `in force since ${from}` : `from ${from} until ${until}`}`,
    `  at ${places.join(', ')}`,
    `  ${describeCounts(receipt)}`,
  ]
    .map((line) => `${line}\n`)
    .join('');
}

function describeCounts({ seen, affected }: Receipt): string {
  return `${seen} seen, affected: ${describeAffected(affected)}`;
}

/** `loss 12, delay 100`. */
function describeAffected(affected: Receipt['affected']): string {
  return (
    Object.entries(affected)
      .map(([cause, count]) => `${cause} ${count}`)
      .join(', ') || 'none'
  );
}

/** One line for each. */
export function formatReceipts(receipts: readonly Receipt[]): string {
  const rows = receipts.map((receipt) => [
    receipt.id,
    receipt.fault,
    describeAsked(receipt),
    receipt.until === null ? 'active' : 'over',
    receipt.from,
    receipt.until ?? '-',
    String(receipt.seen),
    describeAffected(receipt.affected),
  ]);
  const heading = ['ID', 'FAULT', 'WHAT', 'STATE', 'FROM', 'UNTIL', 'SEEN', 'AFFECTED'];
  return `${formatTable([heading, ...rows], new Set(['SEEN']))}\n`;
}
