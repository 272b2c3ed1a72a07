// A device's own socket: cables and the control channel come in here, as WebSockets with the net's token, and
// captures, which have another protocol: from the upgrade on the device sends bytes, until the other side ends.

import { createHash, timingSafeEqual } from 'node:crypto';
import { chmodSync, unlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { EventLog } from '../core/event-log.ts';
import { CABLE_PROTOCOL, CLOSE_TIMEOUT, LONGEST_MESSAGE } from './dialer.ts';
import type { CablePort, Refusal } from './websocket-port.ts';

/** The subprotocol of a control connection. */
const CONTROL_PROTOCOL = 'tincan.control.v1';

/** What the connection of a capture is upgraded to. */
export const CAPTURE_PROTOCOL = 'tincan.capture.v1';

/** Takes the connection of a capture, which has been upgraded. */
export type OpenCapture = (socket: Duplex) => void;

/** Bytes of `sun_path` less its closing zero, on the system that has the fewest. */
const LONGEST_PATH = 103;

export type ListenAddress = { readonly path: string } | { readonly host: string; readonly port: number };

export interface DeviceServerOptions {
  readonly listen: ListenAddress;
  /** Bearer token of the net. */
  readonly token: string;
  /** By the name of their interface; looked up at each request. */
  readonly cables: ReadonlyMap<string, CablePort>;
  /** Takes an open control connection. */
  readonly control: (socket: WebSocket) => void;
  /** Begins a capture at an interface, if there can be one; absent where there is nothing to capture. */
  readonly capture?: (name: string, query: URLSearchParams) => OpenCapture | Refusal;
  readonly log: EventLog;
}

export interface DeviceServer {
  /** Base URL as the library `ws` takes it, to which a path is appended: `ws://127.0.0.1:4711` or `ws+unix:/run/a.sock:`. */
  readonly url: string;
  /** Stops listening, cuts all connections and removes the socket file. */
  close(): Promise<void>;
}

/** ms that whoever connects may take to say what for. */
const REQUEST_TIMEOUT = 5000;
/** Connections that have not said it yet; beyond, the oldest is cut. */
const MOST_STRANGERS = 64;
/** Control connections at a time. */
const MOST_CONTROLS = 256;
/** Bytes that a peer has not read, beyond which its pings are not answered: RFC 6455 §5.5.3 lets answers be left out. */
const MOST_UNREAD = 64 * 1024;

/** Where an upgrade to a WebSocket leads to. */
interface Destination {
  readonly protocol: string;
  readonly accept: (socket: WebSocket) => void;
}

/**
 * Listens, and resolves when connections can come.
 * @throws Error in words, with the system's code, if the address can't be had: EADDRINUSE, EACCES, ENOENT, …
 */
export async function startDeviceServer(options: DeviceServerOptions): Promise<DeviceServer> {
  const { listen, log } = options;
  const sockets = new Set<Duplex>();
  /** Those of `sockets` that have not become WebSockets, oldest first. */
  const strangers = new Set<Duplex>();
  const controls = new Set<WebSocket>();
  const authorized = tokenCheck(options.token);
  const timing = { requestTimeout: REQUEST_TIMEOUT, headersTimeout: REQUEST_TIMEOUT };
  const server = createServer({ ...timing, connectionsCheckingInterval: 1000 }, (request, response) => {
    const { status, why } = answerWithoutUpgrade(request, authorized(request));
    response.writeHead(status, { 'content-type': 'text/plain', connection: 'close' }).end(`${why}\n`);
  });
  const upgrader = new WebSocketServer(upgraderOptions);
  server.on('connection', (socket) => {
    sockets.add(socket);
    strangers.add(socket);
    socket.on('close', () => {
      sockets.delete(socket);
      strangers.delete(socket);
    });
    if (strangers.size <= MOST_STRANGERS) return;
    for (const oldest of strangers) {
      strangers.delete(oldest);
      oldest.destroy();
      break;
    }
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const found = authorized(request)
      ? findDestination(request, options, controls.size)
      : { status: 401, why: 'wrong or no token' };
    if ('status' in found) return refuse(request, socket, found, log);
    strangers.delete(socket);
    if (typeof found === 'function') return beginCapture(socket, found);
    upgrader.handleUpgrade(request, socket, head, (webSocket) => {
      answerPings(webSocket);
      if (found.protocol === CONTROL_PROTOCOL) {
        controls.add(webSocket);
        webSocket.on('close', () => controls.delete(webSocket));
      }
      found.accept(webSocket);
    });
  });
  await listenOn(server, listen);
  return {
    url: urlOf(server),
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** No compression: it would cost more than a local socket does. */
const upgraderOptions = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  // What a peer that pings and does not read is owed would be kept without end.
  autoPong: false,
  maxPayload: LONGEST_MESSAGE,
  closeTimeout: CLOSE_TIMEOUT,
};

function answerPings(socket: WebSocket): void {
  socket.on('ping', (data) => {
    if (socket.bufferedAmount < MOST_UNREAD) socket.pong(data, undefined, () => {});
  });
}

/** Compares digests, which have one length, in a time that tells nothing of the token. */
function tokenCheck(token: string): (request: IncomingMessage) => boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const expected = digest(token);
  return (request) => {
    const [scheme, given] = (request.headers.authorization ?? '').split(' ', 2);
    return scheme?.toLowerCase() === 'bearer' && timingSafeEqual(digest(given ?? ''), expected);
  };
}

function findDestination(
  request: IncomingMessage,
  options: DeviceServerOptions,
  controls: number,
): Destination | OpenCapture | Refusal {
  const captured = /^\/capture\/([^/]+)$/.exec(pathOf(request))?.[1];
  if (captured !== undefined && options.capture) return findCapture(request, captured, options.capture);
  const destination = destinationOf(pathOf(request), options);
  if ('status' in destination) return destination;
  if (destination.protocol === CONTROL_PROTOCOL && controls >= MOST_CONTROLS)
    return { status: 503, why: `more than ${MOST_CONTROLS} control connections` };
  const offered = request.headers['sec-websocket-protocol'];
  // None offered is taken for the one that there is; others are of a time to come.
  if (offered !== undefined && !offered.split(',').some((name) => name.trim() === destination.protocol))
    return { status: 400, why: `the subprotocol here is ${destination.protocol}` };
  return destination;
}

function findCapture(
  request: IncomingMessage,
  name: string,
  capture: NonNullable<DeviceServerOptions['capture']>,
): OpenCapture | Refusal {
  if (request.headers.upgrade !== CAPTURE_PROTOCOL)
    return { status: 400, why: `the protocol here is ${CAPTURE_PROTOCOL}` };
  return capture(name, new URLSearchParams((request.url ?? '').split('?', 2)[1]));
}

function beginCapture(socket: Duplex, open: OpenCapture): void {
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${CAPTURE_PROTOCOL}\r\n\r\n`,
  );
  open(socket);
}

function destinationOf(path: string, options: DeviceServerOptions): Destination | Refusal {
  if (path === '/control') return { protocol: CONTROL_PROTOCOL, accept: options.control };
  const name = /^\/cable\/([^/]+)$/.exec(path)?.[1];
  const port = name === undefined ? undefined : options.cables.get(name);
  if (!port)
    return { status: 404, why: `no ${path} here: /control, or /cable/ or /capture/ and an interface` };
  return port.refusal() ?? { protocol: CABLE_PROTOCOL, accept: (socket) => port.accept(socket) };
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0] ?? '';
}

function answerWithoutUpgrade(request: IncomingMessage, authorized: boolean): Refusal {
  if (!authorized) return { status: 401, why: 'wrong or no token' };
  if (/^\/(control|cable\/[^/]+)$/.test(pathOf(request))) return { status: 426, why: 'this is a WebSocket' };
  if (/^\/capture\/[^/]+$/.test(pathOf(request))) return { status: 426, why: `this is ${CAPTURE_PROTOCOL}` };
  return { status: 404, why: 'nothing here: /control, or /cable/ or /capture/ and an interface' };
}

function refuse(request: IncomingMessage, socket: Duplex, refusal: Refusal, log: EventLog): void {
  const { status, why } = refusal;
  const path = pathOf(request).slice(0, 100);
  log.warn('cable.refused', { path, status, why }, `Refused a connection to ${path} with ${status}: ${why}`);
  socket.on('error', () => {});
  const body = `${why}\n`;
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: text/plain\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

async function listenOn(server: Server, address: ListenAddress): Promise<void> {
  if ('path' in address && Buffer.byteLength(address.path) > LONGEST_PATH)
    throw new Error(`socket path ${address.path} is longer than ${LONGEST_PATH} bytes`);
  try {
    await listening(server, address);
  } catch (error) {
    // A device that was killed leaves its socket file behind.
    if (!('path' in address) || !isInUse(error) || (await answers(address.path)))
      throw explained(error, address);
    unlinkSync(address.path);
    await listening(server, address);
  }
  if ('path' in address) chmodSync(address.path, 0o600);
}

function listening(server: Server, address: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.on('connect', () => resolve(true));
    probe.on('error', () => resolve(false));
    probe.on('close', () => resolve(false));
    probe.on('connect', () => probe.destroy());
  });
}

function isInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

function explained(error: unknown, address: ListenAddress): Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  const where = 'path' in address ? address.path : `${address.host}:${address.port}`;
  const why =
    {
      EADDRINUSE: 'another process listens there',
      // libuv says so of a folder that is not there, too.
      EACCES: 'path' in address ? 'the folder is not there, or not ours to write' : 'not allowed',
      EADDRNOTAVAIL: 'not an address of this machine',
    }[code] ?? code;
  return Object.assign(new Error(`cannot listen on ${where}: ${why}`, { cause: error }), { code });
}

function urlOf(server: Server): string {
  const bound = server.address() as AddressInfo | string;
  if (typeof bound === 'string') return `ws+unix:${bound}:`;
  return `ws://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`;
}
