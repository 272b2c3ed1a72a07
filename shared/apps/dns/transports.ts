// How the DNS server is reached: by UDP, and by TCP (RFC 7766).

import type { DatagramInfo, Service, Sockets, TcpSocket } from '../../socket/sockets.ts';
import { DNS_PORT, DNS_SMALLEST_UDP_SIZE, encodeDns } from '../../wire/dns/message.ts';
import type { DnsMessage } from '../../wire/dns/types.ts';
import { ConnectionLimit } from '../connection-limit.ts';
import { frameMessage, MessageSplitter } from './framing.ts';

/** Bytes that fit any path without fragments (DNS flag day 2020), offered by EDNS and kept to. */
export const LARGEST_UDP_SIZE = 1232;
const LARGEST_MESSAGE = 0xffff;
/** ms a TCP connection may be idle (RFC 7766 §6.2.3). */
const TCP_IDLE_TIMEOUT = 10_000;
/** Beyond them the idlest makes room. */
const MOST_TCP_CONNECTIONS = 200;
/** Answers that a client does not take while it goes on asking: bytes after which it is cut off. */
const MOST_UNREAD = 1_000_000;

/** What a server says to what came. */
export interface Said {
  /** Undefined for what could not be read as one. */
  readonly query?: DnsMessage;
  readonly response: DnsMessage;
}

export interface Responder {
  /** The response to whatever came; undefined for what deserves none. May take its time, or never come. */
  respond(bytes: Uint8Array, client: string): Promise<Said | undefined>;
}

/** How many bytes the asker takes over UDP (RFC 6891 §6.2.3: less than 512 counts as 512). */
function udpLimit(query: DnsMessage): number {
  return Math.min(Math.max(query.edns?.udpSize ?? 0, DNS_SMALLEST_UDP_SIZE), LARGEST_UDP_SIZE);
}

/**
 * What is too long goes without what was only added to help (RFC 2181 §9), but for a referral, which is
 * nothing without it (RFC 9471 §2.1). If that does not do it goes without records and with TC, and the asker
 * comes again over TCP.
 */
function encodeWithin(response: DnsMessage, limit: number): Uint8Array {
  const bytes = encodeDns(response);
  if (bytes.length <= limit) return bytes;
  const isReferral = response.answers.length === 0 && !response.aa;
  const bare = isReferral ? bytes : encodeDns({ ...response, additionals: [] });
  if (bare.length <= limit) return bare;
  return encodeDns({ ...response, answers: [], authorities: [], additionals: [], tc: true });
}

export function serveUdp(sockets: Sockets, server: Responder): Service {
  const socket = sockets.createUdpSocket();
  let open = true;
  socket.on('message', (bytes: Uint8Array, from: DatagramInfo) => {
    void server.respond(bytes, from.address).then((said) => {
      if (!said || !open) return;
      const limit = said.query ? udpLimit(said.query) : DNS_SMALLEST_UDP_SIZE;
      try {
        socket.send(encodeWithin(said.response, limit), from.port, from.address, {
          source: from.destination,
        });
      } catch {
        sockets.counters.add('dns.unsent');
      }
    });
  });
  socket.on('error', () => sockets.counters.add('dns.socket-error'));
  socket.bind({ port: DNS_PORT });
  return {
    close() {
      open = false;
      socket.close();
    },
  };
}

/** Several queries may come on a connection; each is answered as soon as it can be (RFC 7766 §6.2.1.1). */
function serveConnection(server: Responder, socket: TcpSocket, answered: () => void): void {
  const splitter = new MessageSplitter();
  let unanswered = 0;
  let ended = false;
  const endIfDone = (): void => {
    if (ended && unanswered === 0) socket.end();
  };
  socket.setTimeout(TCP_IDLE_TIMEOUT, () => socket.destroy());
  socket.on('error', () => {});
  socket.on('end', () => {
    ended = true;
    endIfDone();
  });
  socket.on('data', (bytes: Uint8Array) => {
    for (const message of splitter.push(bytes)) {
      unanswered++;
      void server.respond(message, socket.remoteAddress ?? '').then((said) => answer(said?.response));
    }
  });

  function answer(response: DnsMessage | undefined): void {
    unanswered--;
    if (socket.destroyed) return;
    // Garbage gets no second chance on a stream: the next length may be garbage too.
    if (!response || socket.writableLength > MOST_UNREAD) {
      socket.destroy();
      return;
    }
    socket.write(frameMessage(encodeWithin(response, LARGEST_MESSAGE)));
    answered();
    endIfDone();
  }
}

export function serveTcp(sockets: Sockets, server: Responder): Service {
  const connections = new ConnectionLimit(MOST_TCP_CONNECTIONS, sockets.counters, 'dns.too-many-connections');
  const listener = sockets.createServer({ allowHalfOpen: true }, (socket) => {
    connections.add(socket);
    serveConnection(server, socket, () => connections.used(socket));
  });
  listener.on('error', () => sockets.counters.add('dns.socket-error'));
  listener.listen({ port: DNS_PORT });
  return {
    close() {
      listener.close();
      connections.destroyAll();
    },
  };
}
