// What is inside a connection, for figures that the connection API does not give.

import { Connection } from '../../../shared/stack/tcp/connection.ts';
import type { TcpConnection } from '../../../shared/stack/tcp/connection-api.ts';
import type { Tcb } from '../../../shared/stack/tcp/tcb.ts';

export function tcbOf(connection: TcpConnection): Tcb {
  if (connection instanceof Connection) return connection.tcb;
  throw new Error('not a connection of our stack');
}
