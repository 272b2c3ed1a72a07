// The DNS server: authoritative for its zones (RFC 1034, 1035, 6891). The rest it asks its forwarders, or
// finds out from the root on, as the topology says. transports.ts has how it is reached.

import type { Ipv4Address } from '../../core/address.ts';
import { Malformed } from '../../core/errors.ts';
import type { Service, Sockets } from '../../socket/sockets.ts';
import type { DnsServerSpec } from '../../topology/types.ts';
import { DNS_HEADER_LENGTH, decodeDns } from '../../wire/dns/message.ts';
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
import { Recursor } from './recursion.ts';
import { createResolver, type Resolver } from './resolver.ts';
import { LARGEST_UDP_SIZE, type Responder, type Said, serveTcp, serveUdp } from './transports.ts';
import { WaitingClients } from './waiting.ts';
import { Zones } from './zones.ts';

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

/** What a server that was told to err says instead of `response`. */
function misled(response: DnsMessage, { servfail, address }: Wrong): DnsMessage {
  if (servfail) return { ...response, ...NO_RECORDS, aa: false, rcode: RCODE.SERVFAIL };
  if (address === undefined) return response;
  return { ...response, answers: response.answers.map((record) => withAddress(record, address)) };
}

function withAddress(record: DnsRecord, address: Ipv4Address): DnsRecord {
  return record.type === 'A' ? { ...record, address } : record;
}

/** ms to wait for a forwarder: so short that a client is still there when none of them answers. */
const FORWARDER_TIMEOUT = 1000;

class DnsServer implements Responder {
  readonly #zones: Zones;
  readonly #recursion: Recursor | undefined;
  /** Who finds out what is not ours: the forwarders first (BIND's `forward first`). */
  readonly #resolvers: readonly (Resolver | Recursor)[];
  readonly #waiting = new WaitingClients();

  constructor(
    private readonly sockets: Sockets,
    { zones, forwarders, roots }: DnsServerSpec,
    private readonly behaviour: Behaviour,
  ) {
    this.#zones = new Zones(zones);
    const authority = (question: DnsQuestion) => this.#zones.answer(question);
    if (Object.keys(roots).length > 0) this.#recursion = new Recursor(sockets, { roots, authority });
    const forwarding = { servers: () => forwarders, timeout: FORWARDER_TIMEOUT };
    this.#resolvers = [
      ...(forwarders.length > 0 ? [createResolver(sockets, forwarding)] : []),
      ...(this.#recursion ? [this.#recursion] : []),
    ];
  }

  /** Forgets what it was told by others; returns how many answers and delegations that were. */
  flush(): number {
    return this.#resolvers.reduce((entries, resolver) => entries + resolver.flush(), 0);
  }

  async respond(bytes: Uint8Array, client: string): Promise<Said | undefined> {
    if (!this.behaviour.hears()) return new Promise(() => {});
    const said = await this.#understand(bytes, client);
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

  async #understand(bytes: Uint8Array, client: string): Promise<Said | undefined> {
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
    return { query, response: await this.#answer(query, client) };
  }

  async #answer(query: DnsMessage, client: string): Promise<DnsMessage> {
    if (query.opcode !== OPCODE_QUERY) return responseTo(query, RCODE.NOTIMP);
    if (query.edns && query.edns.version > 0) return responseTo(query, RCODE.BADVERS);
    const [question, ...others] = query.questions;
    if (!question || others.length > 0) return responseTo(query, RCODE.FORMERR);
    if (question.type === 'OPT') return responseTo(query, RCODE.FORMERR);
    if (question.class !== DNS_CLASS.IN && question.class !== DNS_CLASS.ANY)
      return responseTo(query, RCODE.REFUSED);
    if (question.type === 'AXFR' || question.type === 'IXFR') return responseTo(query, RCODE.REFUSED);

    const ra = this.#resolvers.length > 0;
    const answer = await this.#find(question, ra && query.rd, client);
    return { ...responseTo(query, RCODE.NOERROR), ra, ...answer };
  }

  /** @param others whether others may be asked */
  async #find(question: DnsQuestion, others: boolean, client: string): Promise<Partial<DnsMessage>> {
    const own = this.#zones.answer(question);
    if (own && (!others || (own.aa && own.next === undefined))) return own;
    if (!others) return this.#recursion?.known(question.name, question.type) ?? { rcode: RCODE.REFUSED };
    // It begins with an alias of ours, which leads to a name that we have no authority for.
    const begun = own?.aa ? own.answers : [];
    const rest = await this.#askOthers({ ...question, name: own?.next ?? question.name }, client);
    return { ...rest, aa: own?.aa ?? false, answers: [...begun, ...(rest.answers ?? [])] };
  }

  async #askOthers(question: DnsQuestion, client: string): Promise<Partial<DnsMessage>> {
    if (!this.#waiting.enter(client)) {
      this.sockets.counters.add('dns.too-many-clients');
      return { rcode: RCODE.SERVFAIL };
    }
    try {
      return await this.#askInTurn(question);
    } finally {
      this.#waiting.leave(client);
    }
  }

  async #askInTurn({ name, type }: DnsQuestion): Promise<Partial<DnsMessage>> {
    for (const resolver of this.#resolvers) {
      const answer = await resolver.query(name, type).catch(() => undefined);
      if (answer) return { rcode: answer.rcode, answers: answer.answers, authorities: answer.authorities };
    }
    return { rcode: RCODE.SERVFAIL };
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

export interface DnsService extends Service {
  /** Forgets what it was told by others; returns how many answers and delegations that were. */
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
