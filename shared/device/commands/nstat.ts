// nstat: what this device has dropped or refused so far, by reason.

import type { CounterRow, StacklessContext } from '../command.ts';
import { tableCommand } from './table-command.ts';

export const nstat = tableCommand<CounterRow, StacklessContext['tables']>({
  name: 'nstat',
  what: 'counters',
  rows: (tables) => tables.counters?.(),
  columns: [
    ['COUNTER', (row) => row.counter],
    ['PORT', (row) => row.port ?? '-'],
    ['COUNT', (row) => String(row.count)],
  ],
});
