// What a request is answered with, before any of it is sent.

import { type OutgoingHttpHeaders, STATUS_CODES } from 'node:http';
import type { Readable } from 'node:stream';

export interface Answer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  /** Text, or what opens the stream; not opened for HEAD. */
  readonly body?: string | (() => Readable);
  /** Bytes that the stream gives; undefined where nobody knows before its end: the body is then chunked. */
  readonly length?: number;
}

export function textAnswer(status: number, text: string, headers: OutgoingHttpHeaders = {}): Answer {
  return {
    status,
    headers: { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store', ...headers },
    body: text,
    length: Buffer.byteLength(text),
  };
}

/** A page that says what was wrong. */
export function errorAnswer(status: number, reason: string, headers: OutgoingHttpHeaders = {}): Answer {
  const title = `${status} ${STATUS_CODES[status]}`;
  const page =
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${title}</title></head>\n` +
    `<body><h1>${title}</h1><p>${escapeHtml(reason)}</p></body></html>\n`;
  return textAnswer(status, page, { 'Content-Type': 'text/html; charset=utf-8', ...headers });
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
