// The typed methods of a device on /control, for programs: what shared/control/device-calls.ts lists.

import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { exchange } from '../apps/dns/exchange.ts';
import { decodedBody, fetchUrl } from '../apps/http/client.ts';
import { ping } from '../apps/ping/ping.ts';
import type {
  ConnectCall,
  ConnectHead,
  ErrorFields,
  FetchCall,
  FetchHead,
  Outcome,
  PingCall,
  PingLine,
  PingResult,
  ResolveCall,
  ResolvedRecord,
  ResolveResult,
} from '../control/device-calls.ts';
import type { ControlHandler, IncomingCall } from '../control/peer.ts';
import { formatIpv4 } from '../core/address.ts';
import { systemError } from '../core/errors.ts';
import type { TcpSocket } from '../socket/sockets.ts';
import { dnsQuery } from '../wire/dns/message.ts';
import { parseName } from '../wire/dns/name.ts';
import { formatData } from '../wire/dns/text.ts';
import { type DnsRecord, type DnsType, parseType, RCODE, rcodeName } from '../wire/dns/types.ts';
import { resolveHost, unlessAborted } from './commands/host.ts';
import type { Device } from './device.ts';

/** Types whose data is given as values. */
const RESOLVABLE: ReadonlySet<string> = new Set(['A', 'AAAA', 'CNAME', 'NS', 'PTR', 'MX', 'TXT']);

/** ms that a name server which was named has to answer in, unless told. */
const SERVER_TIMEOUT = 5000;

/** @param device absent if there is no stack: a switch, a tap */
export function apiMethods(device: Device | undefined): [name: string, handler: ControlHandler][] {
  const serve =
    <P, T>(method: (device: Device, params: P, call: IncomingCall) => Promise<T>): ControlHandler =>
    (call) =>
      outcomeOf(async () => {
        if (!device) throw systemError('ENOTSUP', 'a device of this kind has no network stack:');
        return method(device, call.params as P, call);
      });
  return [
    ['fetch', serve(fetchOnce)],
    ['ping', serve(pingHost)],
    ['resolve', serve(resolveName)],
    ['connect', serve(connectTcp)],
  ];
}

/** Errors with a code are what can happen on a network; any other is a fault of the program. */
async function outcomeOf<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    const fields = error as ErrorFields;
    if (typeof fields.code !== 'string') throw error;
    const { message, code, errno, syscall, hostname, address, port } = fields;
    return { failure: { message, code, errno, syscall, hostname, address, port } };
  }
}

function writeHead(call: IncomingCall, head: FetchHead | ConnectHead): void {
  call.stderr.write(`${JSON.stringify(head)}\n`);
}

/** Writes all of a stream, as fast as the reader takes it; what came before a failure is written. */
async function pump(from: AsyncIterable<Uint8Array>, to: Writable, signal: AbortSignal): Promise<void> {
  for await (const chunk of from) if (!to.write(chunk)) await once(to, 'drain', { signal });
}

async function fetchOnce({ sockets }: Device, params: FetchCall, call: IncomingCall): Promise<null> {
  const response = await fetchUrl(sockets.unprivileged, params.url, {
    method: params.method,
    headers: requestHeaders(params),
    signal: call.interrupt,
    ...(params.hasBody && { body: call.stdin }),
  });
  const { status, statusText, rawHeaders } = response;
  const headers = Array.from(
    { length: rawHeaders.length / 2 },
    (_, index) => [rawHeaders[2 * index]!, rawHeaders[2 * index + 1]!] as const,
  );
  writeHead(call, { status, statusText, headers });
  await pump(decodedBody(response), call.stdout, call.interrupt);
  return null;
}

function requestHeaders({ headers, bodyLength }: FetchCall): Record<string, string[]> {
  const fields: Record<string, string[]> = {};
  for (const [name, value] of headers) fields[name] = [...(fields[name] ?? []), value];
  if (bodyLength !== undefined) fields['content-length'] = [String(bodyLength)];
  return fields;
}

async function pingHost(
  { sockets: { unprivileged: sockets } }: Device,
  params: PingCall,
  call: IncomingCall,
): Promise<PingResult> {
  const address = await resolveHost(sockets, params.destination, call.interrupt);
  const tell = (line: PingLine): void => void call.stdout.write(`${JSON.stringify(line)}\n`);
  const { count, interval, size, timeout } = params;
  const summary = await ping(sockets, {
    destination: address,
    count,
    interval,
    size,
    timeout,
    linger: timeout,
    signal: call.interrupt,
    onReply: (reply) => tell({ reply }),
    onReport: ({ kind, from }, sequence) => tell({ error: { sequence, reason: kind, from } }),
    onSendError: ({ code }, sequence) => tell({ error: { sequence, reason: code } }),
  });
  const { transmitted, received, duplicates, loss, time, rtt } = summary;
  return { address, transmitted, received, duplicates, loss, time, rtt };
}

async function resolveName(device: Device, params: ResolveCall, call: IncomingCall): Promise<ResolveResult> {
  const { timeout } = params;
  const asked = new AbortController();
  const abort = (): void => asked.abort(call.interrupt.reason);
  call.interrupt.addEventListener('abort', abort);
  const overdue = (): void => asked.abort(dnsError('ETIMEDOUT', params.name));
  const timer = timeout === undefined ? undefined : device.clock.after(timeout, overdue);
  try {
    return await answerTo(device, params, asked.signal);
  } finally {
    timer?.cancel();
    call.interrupt.removeEventListener('abort', abort);
  }
}

async function answerTo(
  device: Device,
  { name: text, type: typeText, server }: ResolveCall,
  signal: AbortSignal,
): Promise<ResolveResult> {
  const type = parseType(typeText);
  if (type === undefined || !RESOLVABLE.has(type)) throw dnsError('EINVAL', `${text} ${typeText}`);
  const name = parseName(text);
  if (name === undefined) throw dnsError('EBADNAME', text);
  const { rcode, answers } =
    server === undefined
      ? await askResolver(device, name, type, signal)
      : await askServer(device, server, name, type, signal);
  if (rcode !== RCODE.NOERROR) throw dnsError(codeOfRcode(rcode), text);
  const records = answers.flatMap((record) => (record.type === type ? (resolvedRecord(record) ?? []) : []));
  if (records.length === 0) throw dnsError('ENODATA', text);
  return { records };
}

type Answer = { readonly rcode: number; readonly answers: readonly DnsRecord[] };

function askResolver({ known }: Device, name: string, type: DnsType, signal: AbortSignal): Promise<Answer> {
  if (!known.resolver) throw dnsError('ENOTSUP', `no resolver runs on this device: ${name}`);
  return unlessAborted(known.resolver.query(name, type), signal);
}

function askServer(
  device: Device,
  server: string,
  name: string,
  type: DnsType,
  signal: AbortSignal,
): Promise<Answer> {
  const sockets = device.sockets.unprivileged;
  const id = sockets.random('dns').uint32() & 0xffff;
  const options = { server, query: dnsQuery({ id, name, type }), timeout: SERVER_TIMEOUT, signal };
  return exchange(sockets, { ...options, transport: 'udp' }).then((response) =>
    response.tc ? exchange(sockets, { ...options, transport: 'tcp' }) : response,
  );
}

/** As node:dns names them. */
function codeOfRcode(rcode: number): string {
  return rcode === RCODE.NXDOMAIN ? 'ENOTFOUND' : `E${rcodeName(rcode)}`;
}

function dnsError(code: string, hostname: string): Error {
  return Object.assign(systemError(code, 'query', hostname), { hostname, address: undefined });
}

function resolvedRecord(record: DnsRecord): ResolvedRecord | undefined {
  switch (record.type) {
    case 'A':
      return { type: 'A', address: formatIpv4(record.address) };
    case 'AAAA':
      return { type: 'AAAA', address: formatData(record) };
    case 'CNAME':
    case 'NS':
    case 'PTR':
      return { type: record.type, target: record.target };
    case 'MX':
      return { type: 'MX', priority: record.preference, exchange: record.exchange };
    case 'TXT':
      return { type: 'TXT', strings: record.strings.map((part) => Buffer.from(part).toString('utf8')) };
    default:
      return undefined;
  }
}

async function connectTcp({ sockets }: Device, params: ConnectCall, call: IncomingCall): Promise<null> {
  const { host, port } = params;
  const socket = sockets.unprivileged.connect({ host, port, allowHalfOpen: true });
  const abandon = (): void => void socket.destroy();
  call.interrupt.addEventListener('abort', abandon);
  try {
    await once(socket, 'connect');
    socket.setNoDelay(true);
    writeHead(call, connectHead(socket));
    // Each side's end is passed on as its own; a reset comes as the error of the wait.
    call.stdin.pipe(socket);
    socket.pipe(call.stdout);
    await once(socket, 'close');
    return null;
  } finally {
    call.interrupt.removeEventListener('abort', abandon);
    socket.destroy();
  }
}

function connectHead(socket: TcpSocket): ConnectHead {
  const { localAddress = '', localPort = 0, remoteAddress = '', remotePort = 0 } = socket;
  return { localAddress, localPort, remoteAddress, remotePort };
}
