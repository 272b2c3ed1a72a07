// The DNS server: authoritative for its zones, over UDP and TCP (RFC 1034, 1035, 6891, 7766), forwarding
// the rest if it has somebody to ask.

import type { Ipv4Address } from '../../core/address.ts';
import { Malformed } from '../../core/errors.ts';
import type { DatagramInfo, Service, Sockets, TcpSocket } from '../../socket/sockets.ts';
import type { DnsServerSpec } from '../../topology/types.ts';
import {
  DNS_HEADER_LENGTH,
  DNS_PORT,
  DNS_SMALLEST_UDP_SIZE,
  decodeDns,
  encodeDns,
} from '../../wire/dns/message.ts';
import { formatData } from '../../wire/dns/text.ts';
import {
  DNS_CLASS,
  type DnsMessage,
  type DnsQuestion,
  type DnsRecord,
  OPCODE_QUERY,
  RCODE,
  rcodeName,
} from '../../wire/dns/types.ts';
import { Behaviour, type Wrong } from '../behaviour.ts';
import { frameMessage, MessageSplitter } from './framing.ts';
import { createResolver, type Resolver } from './resolver.ts';
import { type ZoneAnswer, Zones } from './zones.ts';

/** Bytes that fit any path without fragments (DNS flag day 2020), offered by EDNS and kept to. */
const LARGEST_UDP_SIZE = 1232;
const LARGEST_MESSAGE = 0xffff;
/** ms a TCP connection may be idle (RFC 7766 §6.2.3). */
const TCP_IDLE_TIMEOUT = 10_000;
const MOST_TCP_CONNECTIONS = 200;
/** Answers that a client does not take while it goes on asking: bytes after which it is cut off. */
const MOST_UNREAD = 1_000_000;

const NO_RECORDS = { answers: [], authorities: [], additionals: [] } as const;

/** A response to `query` that says nothing yet: id, opcode, question and RD repeated, OPT only if asked. */
function responseTo(query: DnsMessage, rcode: number): DnsMessage {
  return {
    id: query.id,
    qr: true,
    opcode: query.opcode,
    aa: false,
    tc: false,
    rd: query.rd,
    ra: false,
    ad: false,
    cd: query.cd,
    rcode,
    questions: query.questions,
    ...NO_RECORDS,
    edns: query.edns && { udpSize: LARGEST_UDP_SIZE, version: 0, dnssecOk: query.edns.dnssecOk, options: [] },
  };
}

/** FORMERR for bytes with a header that can be read and says that they are a query; else undefined. */
function formErr(bytes: Uint8Array): DnsMessage | undefined {
  if (bytes.length < DNS_HEADER_LENGTH) return undefined;
  // The header alone is a whole message once the counts of what could not be read are 0.
  const header = new Uint8Array(DNS_HEADER_LENGTH);
  header.set(bytes.subarray(0, 4));
  const query = decodeDns(header);
  if (query instanceof Malformed || query.qr) return undefined;
  return responseTo(query, query.opcode === OPCODE_QUERY ? RCODE.FORMERR : RCODE.NOTIMP);
}

/** How many bytes the asker takes over UDP (RFC 6891 §6.2.3: less than 512 counts as 512). */
function udpLimit(query: DnsMessage): number {
  return Math.min(Math.max(query.edns?.udpSize ?? 0, DNS_SMALLEST_UDP_SIZE), LARGEST_UDP_SIZE);
}

/** What is too long goes without its records and with TC; the asker comes again over TCP. */
function encodeWithin(response: DnsMessage, limit: number): Uint8Array {
  const bytes = encodeDns(response);
  return bytes.length <= limit ? bytes : encodeDns({ ...response, ...NO_RECORDS, tc: true });
}

/** What a server that was told to err says instead of `response`. */
function misled(response: DnsMessage, { servfail, address }: Wrong): DnsMessage {
  if (servfail) return { ...response, ...NO_RECORDS, aa: false, rcode: RCODE.SERVFAIL };
  if (address === undefined) return response;
  return { ...response, answers: response.answers.map((record) => withAddress(record, address)) };
}

function withAddress(record: DnsRecord, address: Ipv4Address): DnsRecord {
  return record.type === 'A' ? { ...record, address } : record;
}

interface Said {
  /** Undefined for what could not be read as one. */
  readonly query?: DnsMessage;
  readonly response: DnsMessage;
}

class DnsServer {
  readonly #zones: Zones;
  readonly #resolver: Resolver | undefined;

  constructor(
    private readonly sockets: Sockets,
    spec: DnsServerSpec,
    private readonly behaviour: Behaviour,
  ) {
    this.#zones = new Zones(spec.zones);
    if (spec.forwarders.length > 0)
      this.#resolver = createResolver(sockets, { servers: () => spec.forwarders });
  }

  /** Forgets what it was told by those that it forwards to; returns how many answers that were. */
  flush(): number {
    const entries = this.#resolver?.cache().length ?? 0;
    this.#resolver?.flush();
    return entries;
  }

  /** The response to whatever came; undefined for what deserves none. May take its time, or never come. */
  async respond(bytes: Uint8Array, client: string): Promise<Said | undefined> {
    if (!this.behaviour.hears()) return new Promise(() => {});
    const said = await this.#understand(bytes);
    if (!said) return undefined;
    const { query, response } = said;
    const hasAddress = response.answers.some(({ type }) => type === 'A');
    return new Promise((resolve) =>
      this.behaviour.answer(hasAddress, (wrong) => {
        const told = { ...said, response: misled(response, wrong) };
        if (query) this.#log(query, told.response, client);
        resolve(told);
      }),
    );
  }

  async #understand(bytes: Uint8Array): Promise<Said | undefined> {
    const query = decodeDns(bytes);
    if (query instanceof Malformed) {
      this.sockets.counters.add(`dns.${query.reason}`);
      const response = formErr(bytes);
      return response && { response };
    }
    if (query.qr) {
      this.sockets.counters.add('dns.response-to-server');
      return undefined;
    }
    return { query, response: await this.#answer(query) };
  }

  async #answer(query: DnsMessage): Promise<DnsMessage> {
    if (query.opcode !== OPCODE_QUERY) return responseTo(query, RCODE.NOTIMP);
    if (query.edns && query.edns.version > 0) return responseTo(query, RCODE.BADVERS);
    const [question, ...others] = query.questions;
    if (!question || others.length > 0) return responseTo(query, RCODE.FORMERR);
    if (question.type === 'OPT') return responseTo(query, RCODE.FORMERR);
    if (question.class !== DNS_CLASS.IN && question.class !== DNS_CLASS.ANY)
      return responseTo(query, RCODE.REFUSED);
    if (question.type === 'AXFR' || question.type === 'IXFR') return responseTo(query, RCODE.REFUSED);

    const ra = this.#resolver !== undefined;
    const own = this.#zones.answer(question);
    if (own) return { ...responseTo(query, own.rcode), ra, ...(await this.#complete(own, query, question)) };
    if (!this.#resolver || !query.rd) return { ...responseTo(query, RCODE.REFUSED), ra };
    return { ...responseTo(query, RCODE.NOERROR), ra, ...(await this.#forward(this.#resolver, question)) };
  }

  /** Goes on where an alias leads out of the zones, if we may ask others. */
  async #complete(own: ZoneAnswer, query: DnsMessage, question: DnsQuestion): Promise<Partial<DnsMessage>> {
    const { outside, ...answer } = own;
    if (outside === undefined || !this.#resolver || !query.rd) return answer;
    const rest = await this.#forward(this.#resolver, { ...question, name: outside });
    return { ...answer, ...rest, answers: [...answer.answers, ...(rest.answers ?? [])] };
  }

  async #forward(resolver: Resolver, question: DnsQuestion): Promise<Partial<DnsMessage>> {
    try {
      const { rcode, answers, authorities } = await resolver.query(question.name, question.type);
      return { rcode, answers, authorities };
    } catch {
      return { rcode: RCODE.SERVFAIL };
    }
  }

  #log(query: DnsMessage, response: DnsMessage, client: string): void {
    const [question] = query.questions;
    const name = question?.name ?? '';
    const type = question?.type ?? '';
    const rcode = rcodeName(response.rcode);
    const data = response.answers.map(formatData);
    this.sockets.log.info(
      'dns.serve',
      { client, name, type, rcode, answers: data, authoritative: response.aa },
      `answers ${client}: ${name} ${type} is ${data.join(', ') || rcode}`,
    );
  }
}

function serveUdp(sockets: Sockets, server: DnsServer): Service {
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
function serveConnection(server: DnsServer, socket: TcpSocket): void {
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
    endIfDone();
  }
}

function serveTcp(sockets: Sockets, server: DnsServer): Service {
  const connections = new Set<TcpSocket>();
  const listener = sockets.createServer({ allowHalfOpen: true }, (socket) => {
    if (connections.size >= MOST_TCP_CONNECTIONS) {
      sockets.counters.add('dns.too-many-connections');
      socket.destroy();
      return;
    }
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    serveConnection(server, socket);
  });
  listener.on('error', () => sockets.counters.add('dns.socket-error'));
  listener.listen({ port: DNS_PORT });
  return {
    close() {
      listener.close();
      for (const socket of connections) socket.destroy();
    },
  };
}

export interface DnsService extends Service {
  /** Forgets what it was told by those that it forwards to; returns how many answers that were. */
  flush(): number;
}

/** Listens on port 53 of every address of the device. @throws TypeError for a zone that is none */
export function startDnsServer(
  sockets: Sockets,
  spec: DnsServerSpec,
  behaviour = new Behaviour(sockets.clock),
): DnsService {
  const server = new DnsServer(sockets, spec, behaviour);
  const transports = [serveUdp(sockets, server), serveTcp(sockets, server)];
  return {
    flush: () => server.flush(),
    async close() {
      for (const transport of transports) await transport.close();
    },
  };
}
