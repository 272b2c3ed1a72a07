// One query to one server, over UDP or TCP, and the response that belongs to it (RFC 5452 §3).

import { Malformed, type SystemError, systemError } from '../../core/errors.ts';
import type { Sockets } from '../../socket/sockets.ts';
import { DNS_PORT, decodeDns, encodeDns } from '../../wire/dns/message.ts';
import { canonicalName } from '../../wire/dns/name.ts';
import type { DnsMessage } from '../../wire/dns/types.ts';
import { frameMessage, MessageSplitter } from './framing.ts';

export interface ExchangeOptions {
  /** Address of the server. */
  readonly server: string;
  /** 53 unless told. */
  readonly port?: number;
  /** `dnsQuery` makes one. */
  readonly query: DnsMessage;
  readonly transport: 'udp' | 'tcp';
  /** ms to wait for the response; over TCP, for the connection too. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
  /** Told the bytes of the message that is the response. */
  onSize?(bytes: number): void;
}

/** Whether a response is to this query: same id and question. A server that could not read the query may leave the question out. */
function answers(response: DnsMessage, query: DnsMessage): boolean {
  if (!response.qr || response.id !== query.id || response.opcode !== query.opcode) return false;
  if (response.questions.length === 0 && response.rcode !== 0) return true;
  const [asked] = query.questions;
  const [repeated, ...others] = response.questions;
  if (!asked || !repeated) return asked === repeated;
  return (
    others.length === 0 &&
    repeated.type === asked.type &&
    repeated.class === asked.class &&
    canonicalName(repeated.name) === canonicalName(asked.name)
  );
}

interface Settle {
  respond(response: DnsMessage): void;
  fail(error: Error): void;
}

/**
 * Resolves with the response. What does not belong to the query is counted and waited past, so that a
 * forged answer has to guess id and port.
 * @throws SystemError (as a rejection) ETIMEDOUT, ECONNREFUSED, ECONNRESET, ENETUNREACH, …; the signal's reason
 */
export function exchange(sockets: Sockets, options: ExchangeOptions): Promise<DnsMessage> {
  return new Promise((resolve, reject) => {
    let close = (): void => {};
    const timer = sockets.clock.after(options.timeout, () => settle.fail(timeoutError(options)));
    const abort = (): void => settle.fail(options.signal?.reason as Error);
    const end = (): void => {
      timer.cancel();
      options.signal?.removeEventListener('abort', abort);
      close();
    };
    const settle: Settle = {
      respond(response) {
        end();
        resolve(response);
      },
      fail(error) {
        end();
        reject(error);
      },
    };
    options.signal?.addEventListener('abort', abort);
    if (options.signal?.aborted) return abort();
    try {
      close = (options.transport === 'udp' ? overUdp : overTcp)(sockets, options, settle);
    } catch (error) {
      settle.fail(error as Error);
    }
  });
}

function timeoutError(options: ExchangeOptions): SystemError {
  return systemError('ETIMEDOUT', 'query', options.server, options.port ?? DNS_PORT);
}

/** Hands on a message if it answers the query. */
function receive(sockets: Sockets, bytes: Uint8Array, options: ExchangeOptions, settle: Settle): void {
  const message = decodeDns(bytes);
  if (message instanceof Malformed) sockets.counters.add(`dns.${message.reason}`);
  else if (!answers(message, options.query)) sockets.counters.add('dns.unasked-response');
  else {
    options.onSize?.(bytes.length);
    settle.respond(message);
  }
}

/** A socket of its own for each query gives each a random source port; connected, it takes from the server alone. */
function overUdp(sockets: Sockets, options: ExchangeOptions, settle: Settle): () => void {
  const socket = sockets.createUdpSocket();
  let open = true;
  const close = (): void => {
    if (open) socket.close();
    open = false;
  };
  try {
    socket.on('message', (bytes: Uint8Array) => {
      if (open) receive(sockets, bytes, options, settle);
    });
    socket.on('error', (error: Error) => {
      if (open) settle.fail(error);
    });
    socket.bind();
    socket.connect(options.port ?? DNS_PORT, options.server);
    socket.send(encodeDns(options.query));
  } catch (error) {
    close();
    throw error;
  }
  return close;
}

function overTcp(sockets: Sockets, options: ExchangeOptions, settle: Settle): () => void {
  const splitter = new MessageSplitter();
  const socket = sockets.connect({ host: options.server, port: options.port ?? DNS_PORT });
  let open = true;
  socket.on('data', (bytes: Uint8Array) => {
    for (const message of splitter.push(bytes)) if (open) receive(sockets, message, options, settle);
  });
  socket.on('error', (error: Error) => {
    if (open) settle.fail(error);
  });
  socket.on('end', () => {
    if (open) settle.fail(systemError('ECONNRESET', 'read', options.server, options.port ?? DNS_PORT));
  });
  socket.write(frameMessage(encodeDns(options.query)));
  return () => {
    open = false;
    if (socket.connecting) socket.destroy();
    else socket.destroySoon();
  };
}
