// HTTP: requests and answers that are almost right, in the text of a TCP segment.

import { readU16 } from '../../../shared/core/bytes.ts';
import { PROTOCOL_TCP } from '../../../shared/wire/ipv4.ts';
import { anyOf, type Mutation, splice, transportLayout } from './mutation.ts';

const REQUESTS = [
  'GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n',
  'GET / HTTP/1.1\r\n\r\n',
  'GET /../../../etc/passwd HTTP/1.1\r\nHost: www.example.com\r\n\r\n',
  'GET /%2e%2e/%00 HTTP/1.1\r\nHost: www.example.com\r\n\r\n',
  'GET http://ifconfig.me/ HTTP/1.1\r\nHost: www.example.com\r\n\r\n',
  'GET * HTTP/1.0\r\n\r\n',
  'HEAD /bytes/1000 HTTP/1.1\r\nHost: www.example.com\r\nRange: bytes=0-,5-1,-0\r\n\r\n',
  'GET /bytes/99999999999999999999 HTTP/1.1\r\nHost: ifconfig.me\r\n\r\n',
  'POST /bytes HTTP/1.1\r\nHost: www.example.com\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n',
  'POST /bytes HTTP/1.1\r\nHost: www.example.com\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'POST /bytes HTTP/1.1\r\nHost: www.example.com\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n',
  'POST /bytes HTTP/1.1\r\nHost: www.example.com\r\nContent-Length: -1\r\n\r\n',
  'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: www.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
  'OPTIONS / HTTP/9.9\r\nHost: a\r\nHost: b\r\n\r\n',
  '\r\n\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  'HTTP/1.1 301 Moved\r\nLocation: http://www.example.com/\r\n\r\n',
  'HTTP/1.1 99999 \r\n\r\n',
  `GET /${'a'.repeat(1300)} HTTP/1.1\r\n`,
  `X: ${'b'.repeat(1300)}\r\n`,
].map((text) => Uint8Array.from(Buffer.from(text, 'latin1')));

export const HTTP: readonly Mutation[] = [
  (frame, random) => {
    const layout = transportLayout(frame, PROTOCOL_TCP, 20);
    if (!layout) return undefined;
    const { transport } = layout;
    if (readU16(frame, transport) !== 80 && readU16(frame, transport + 2) !== 80) return undefined;
    const start = transport + Math.max((frame[transport + 12]! >>> 4) * 4, 20);
    frame[transport + 13] = frame[transport + 13]! & ~0x07;
    return splice(frame, start, frame.length, anyOf(REQUESTS, random));
  },
  (frame, random) => {
    const layout = transportLayout(frame, PROTOCOL_TCP, 20);
    if (!layout) return undefined;
    const start = layout.transport + Math.max((frame[layout.transport + 12]! >>> 4) * 4, 20);
    if (start >= frame.length) return undefined;
    const at = random.integer(start, frame.length - 1);
    return splice(
      frame,
      at,
      random.integer(0, 3),
      anyOf(
        [Uint8Array.of(13, 10), Uint8Array.of(0), random.bytes(3), Uint8Array.of(58), Uint8Array.of(32)],
        random,
      ),
    );
  },
];
