// A UDP socket, as dgram.Socket shows it, with Linux's error queue as 'report' events.

import { EventEmitter } from 'node:events';
import { formatIpv4, ipv4, parseIpv4 } from '../core/address.ts';
import { systemError } from '../core/errors.ts';
import type { ReceivedDatagram, UdpApi, UdpEndpoint } from '../stack/datagram-api.ts';
import type { ReceivedError } from '../stack/network-layer.ts';
import { datagramOptions, errorReport } from './datagrams.ts';
import { codedError, toSystemError } from './errors.ts';
import type { AddressInfo, DatagramInfo, UdpBindOptions, UdpSendOptions, UdpSocket } from './sockets.ts';

/** Codes of unreachable that Linux hands to a connected socket at once; the others only tell of a bad moment. */
const HARD_ERRORS = new Map([
  [2, 'ENOPROTOOPT'],
  [3, 'ECONNREFUSED'],
]);

export class UdpDatagramSocket extends EventEmitter implements UdpSocket {
  #endpoint: UdpEndpoint | undefined;
  #closed = false;

  constructor(
    private readonly udp: UdpApi,
    private readonly mayBind: (port: number) => boolean,
  ) {
    super();
  }

  bind(options: UdpBindOptions = {}): this {
    if (this.#closed) throw notRunning();
    if (this.#endpoint) throw codedError('ERR_SOCKET_ALREADY_BOUND', 'Socket is already bound');
    const { port = 0, address = '0.0.0.0' } = options;
    const own = parseIpv4(address);
    if (own === undefined) throw systemError('EADDRNOTAVAIL', 'bind', address, port);
    if (!this.mayBind(port)) throw systemError('EACCES', 'bind', address, port);
    try {
      this.#endpoint = this.udp.bind({
        address: own,
        port,
        ...(options.interface !== undefined && { interface: options.interface }),
        ...(options.broadcast !== undefined && { broadcast: options.broadcast }),
        user: {
          received: (datagram) => this.#received(datagram),
          failed: (error, peerPort) => this.#failed(error, peerPort),
        },
      });
    } catch (error) {
      throw systemError(toSystemError(error, 'bind').code, 'bind', address, port);
    }
    return this;
  }

  connect(port: number, address: string): this {
    const endpoint = this.#bound();
    if (endpoint.peer) throw codedError('ERR_SOCKET_DGRAM_IS_CONNECTED', 'Already connected');
    try {
      endpoint.connect(ipv4(address), port);
    } catch (error) {
      throw systemError(toSystemError(error, 'connect').code, 'connect', address, port);
    }
    return this;
  }

  send(data: Uint8Array, port?: number, address?: string, options: UdpSendOptions = {}): void {
    const endpoint = this.#bound();
    const { peer } = endpoint;
    const to = address === undefined ? peer?.address : ipv4(address);
    const toPort = port ?? peer?.port;
    if (to === undefined || toPort === undefined) throw systemError('EDESTADDRREQ', 'send');
    endpoint.send(data, to, toPort, datagramOptions(options));
  }

  address(): AddressInfo {
    const { address, port } = this.#bound();
    return { address: formatIpv4(address), family: 'IPv4', port };
  }

  close(): void {
    if (this.#closed) throw notRunning();
    this.#closed = true;
    this.#endpoint?.close();
    this.#endpoint = undefined;
    process.nextTick(() => this.emit('close'));
  }

  /** A socket that sends without having been bound gets a port, as in dgram. */
  #bound(): UdpEndpoint {
    if (!this.#endpoint) this.bind();
    if (!this.#endpoint) throw notRunning();
    return this.#endpoint;
  }

  #received(datagram: ReceivedDatagram): void {
    const { data, source, port, destination, ttl } = datagram;
    const info: DatagramInfo = {
      address: formatIpv4(source),
      port,
      size: data.length,
      ttl,
      destination: formatIpv4(destination),
      interface: datagram.interface,
    };
    // The stack's view is gone after this call; what an application is given, it may keep.
    this.emit('message', Buffer.from(data), info);
  }

  #failed(error: ReceivedError, port: number): void {
    if (this.#closed) return;
    this.emit('report', errorReport(error, port));
    const code = error.kind === 'unreachable' ? HARD_ERRORS.get(error.code) : undefined;
    if (code && this.#endpoint?.peer) this.emit('error', systemError(code, 'recvmsg'));
  }
}

function notRunning(): Error {
  return codedError('ERR_SOCKET_DGRAM_NOT_RUNNING', 'Not running');
}
