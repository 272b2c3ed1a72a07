// nat: the sessions that a router translates.

import type { NatRow } from '../command.ts';
import { formatDuration } from './columns.ts';
import { tableCommand } from './table-command.ts';

export const nat = tableCommand<NatRow>({
  name: 'nat',
  what: 'NAT table: it does not translate addresses',
  rows: (tables) => tables.nat?.(),
  columns: [
    ['PROTO', (row) => row.protocol],
    ['INSIDE', (row) => row.inside],
    ['OUTSIDE', (row) => row.outside],
    ['DESTINATION', (row) => row.destination],
    ['STATE', (row) => row.state],
    ['AGE', (row) => formatDuration(row.age)],
    ['EXPIRES', (row) => formatDuration(row.expiresIn)],
  ],
});
