// The RST that answers a segment which belongs to nothing (RFC 9293 §3.10.7.1).

import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN, type TcpSegment } from '../../wire/tcp.ts';
import type { TcpEndpoint } from './connection-api.ts';
import type { TcpContext } from './context.ts';
import { seqAdd } from './sequence.ts';
import { transmit } from './transmit.ts';

/** A RST is never answered. */
export function resetFor(
  context: TcpContext,
  local: TcpEndpoint,
  remote: TcpEndpoint,
  segment: TcpSegment,
): void {
  const { flags, payload } = segment;
  if (flags & TCP_RST) return;
  const length = payload.length + (flags & TCP_SYN ? 1 : 0) + (flags & TCP_FIN ? 1 : 0);
  const acknowledges = (flags & TCP_ACK) !== 0;
  transmit(context, {
    local,
    remote,
    sequence: acknowledges ? segment.acknowledgment : 0,
    acknowledgment: acknowledges ? 0 : seqAdd(segment.sequence, length),
    flags: acknowledges ? TCP_RST : TCP_RST | TCP_ACK,
    window: 0,
    options: {},
  });
}
