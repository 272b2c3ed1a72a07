// leases: what a DHCP server has given out.

import type { LeaseRow } from '../command.ts';
import { formatDuration } from './columns.ts';
import { tableCommand } from './table-command.ts';

export const leases = tableCommand<LeaseRow>({
  name: 'leases',
  what: 'lease table: it is no DHCP server',
  rows: (tables) => tables.leases?.(),
  columns: [
    ['MAC', (row) => row.mac],
    ['ADDRESS', (row) => row.address],
    ['HOSTNAME', (row) => row.hostname ?? '-'],
    ['STATE', (row) => row.state],
    ['EXPIRES', (row) => formatDuration(row.expiresIn)],
  ],
});
