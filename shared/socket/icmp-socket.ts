// An ICMP echo socket, as Linux's ping socket: requests out, the replies of its own identifier in.

import { EventEmitter } from 'node:events';
import { formatIpv4, ipv4 } from '../core/address.ts';
import type { Clock } from '../core/clock.ts';
import type { EchoApi, EchoEndpoint } from '../stack/datagram-api.ts';
import { datagramOptions, errorReport } from './datagrams.ts';
import type { EchoReply, IcmpSocket, UdpSendOptions } from './sockets.ts';

export class IcmpEchoSocket extends EventEmitter implements IcmpSocket {
  readonly #endpoint: EchoEndpoint;

  constructor(echo: EchoApi, clock: Clock) {
    super();
    this.#endpoint = echo.open({
      replied: ({ from, sequence, ttl, data }) => {
        const time = clock.now();
        const reply: EchoReply = {
          from: formatIpv4(from),
          id: this.id,
          sequence,
          ttl,
          data: Buffer.from(data),
          time,
        };
        this.emit('reply', reply);
      },
      failed: (error, sequence) => this.emit('report', { ...errorReport(error, 0), sequence }),
    });
  }

  get id(): number {
    return this.#endpoint.id;
  }

  sendEcho(destination: string, sequence: number, data: Uint8Array, options: UdpSendOptions = {}): void {
    this.#endpoint.send(ipv4(destination), sequence, data, datagramOptions(options));
  }

  close(): void {
    this.#endpoint.close();
  }
}
