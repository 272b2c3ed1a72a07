// One question to one server, over whatever it takes: TCP where UDP cuts the answer off (RFC 7766 §5), and
// without EDNS where the server does not know it (RFC 6891 §7).

import type { Random } from '../../core/random.ts';
import type { Sockets } from '../../socket/sockets.ts';
import { dnsQuery } from '../../wire/dns/message.ts';
import { type DnsMessage, type DnsType, type Edns, RCODE } from '../../wire/dns/types.ts';
import { exchange } from './exchange.ts';

export interface Asking {
  /** Address. */
  readonly server: string;
  readonly name: string;
  readonly type: DnsType;
  /** Whether the server shall ask others. */
  readonly rd: boolean;
  readonly edns?: Edns | undefined;
  /** ms to wait for the next response; called for each. */
  timeout(): number;
}

/** @throws as `exchange` does */
export async function ask(sockets: Sockets, random: Random, asking: Asking): Promise<DnsMessage> {
  const { server, name, type, rd, edns } = asking;
  const { log } = sockets;
  const query = dnsQuery({ id: random.uint32() & 0xffff, name, type, rd, edns });
  const options = { server, query };
  log.info('dns.query', { name, type, server, id: query.id }, `asks ${server} for ${name} ${type}`);
  const response = await exchange(sockets, { ...options, transport: 'udp', timeout: asking.timeout() });
  if (edns && response.rcode === RCODE.FORMERR) return ask(sockets, random, { ...asking, edns: undefined });
  if (!response.tc) return response;
  log.debug?.('dns.truncated', { name, type, server }, `The answer of ${server} was cut off; asks over TCP`);
  return exchange(sockets, { ...options, transport: 'tcp', timeout: asking.timeout() });
}
