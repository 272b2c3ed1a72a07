import type { IncomingHttpHeaders } from 'node:http';
import { expect, test } from 'vitest';
import { HttpCache } from '../../../shared/apps/http/cache.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const URL_A = 'http://www.example.com/a';

function withEntry(headers: IncomingHttpHeaders, request = {}): { cache: HttpCache; clock: VirtualClock } {
  const clock = new VirtualClock();
  const cache = new HttpCache(clock, 1000);
  if (cache.mayStore(request, 200, headers))
    cache.store(URL_A, request, { status: 200, headers, body: Buffer.from('body') });
  return { cache, clock };
}

function kindAfter(seconds: number, headers: IncomingHttpHeaders, request = {}): string {
  const { cache, clock } = withEntry(headers);
  clock.advance(seconds * 1000);
  return cache.find(URL_A, request).kind;
}

test('max-age, with the age that it came with', () => {
  const headers = { 'cache-control': 'public, Max-Age="60"', etag: '"1"' };
  expect(kindAfter(59, headers)).toBe('fresh');
  expect(kindAfter(60, headers)).toBe('stale');
  expect(kindAfter(29, { ...headers, age: '30' })).toBe('fresh');
  expect(kindAfter(30, { ...headers, age: '30' })).toBe('stale');
  expect(kindAfter(60, { 'cache-control': 'max-age=60' })).toBe('miss');
});

test('Expires less Date, where there is no max-age', () => {
  const headers = { date: 'Sat, 21 Nov 2026 00:00:00 GMT', expires: 'Sat, 21 Nov 2026 00:01:00 GMT' };
  expect(kindAfter(59, headers)).toBe('fresh');
  expect(kindAfter(60, headers)).toBe('miss');
  expect(kindAfter(1, { ...headers, 'cache-control': 'max-age=0', etag: '"1"' })).toBe('stale');
  expect(kindAfter(0, { ...headers, expires: '0', etag: '"1"' })).toBe('stale');
});

test('what may not be kept is not', () => {
  expect(kindAfter(0, { 'cache-control': 'no-store, max-age=60' })).toBe('miss');
  expect(kindAfter(0, { 'cache-control': 'max-age=60', vary: '*' })).toBe('miss');
  expect(kindAfter(0, {})).toBe('miss');
  const { cache } = withEntry({});
  const headers = { 'cache-control': 'max-age=60' };
  expect(cache.mayStore({}, 404, headers)).toBe(false);
  expect(cache.mayStore({}, 206, headers)).toBe(false);
  expect(cache.mayStore({ 'cache-control': 'no-store' }, 200, headers)).toBe(false);
  expect(cache.mayStore({}, 200, { ...headers, 'content-length': '1001' })).toBe(false);
});

test('no-cache, of either side, asks again', () => {
  expect(kindAfter(0, { 'cache-control': 'no-cache, max-age=60', etag: '"1"' })).toBe('stale');
  const request = { 'cache-control': 'no-cache' };
  expect(kindAfter(0, { 'cache-control': 'max-age=60', etag: '"1"' }, request)).toBe('stale');
});

test('asking again uses the ETag, else Last-Modified; a 304 makes it fresh', () => {
  const { cache, clock } = withEntry({ 'cache-control': 'max-age=60', etag: '"1"', 'last-modified': 'then' });
  clock.advance(100_000);
  expect(cache.find(URL_A, {})).toMatchObject({ kind: 'stale', conditions: { 'if-none-match': '"1"' } });
  cache.refresh(URL_A, { 'cache-control': 'max-age=10', 'content-length': '0' });
  expect(cache.find(URL_A, {})).toMatchObject({
    kind: 'fresh',
    age: 0,
    response: { body: Buffer.from('body') },
  });
  clock.advance(10_000);
  expect(cache.find(URL_A, {}).kind).toBe('stale');
  const dated = withEntry({ 'last-modified': 'then' });
  expect(dated.cache.find(URL_A, {})).toMatchObject({ conditions: { 'if-modified-since': 'then' } });
});

test('Vary: another request is another answer', () => {
  const headers = { 'cache-control': 'max-age=60', vary: 'Accept-Encoding' };
  const { cache } = withEntry(headers, { 'accept-encoding': 'gzip' });
  expect(cache.find(URL_A, { 'accept-encoding': 'gzip' }).kind).toBe('fresh');
  expect(cache.find(URL_A, {}).kind).toBe('miss');
});

test('the bytes are bounded: the least recently used go', () => {
  const cache = new HttpCache(new VirtualClock(), 100);
  const headers = { 'cache-control': 'max-age=60' };
  const store = (url: string, length: number): void =>
    cache.store(url, {}, { status: 200, headers, body: Buffer.alloc(length) });
  store('a', 40);
  store('b', 40);
  cache.find('a', {});
  store('c', 40);
  expect(['a', 'b', 'c'].map((url) => cache.find(url, {}).kind)).toEqual(['fresh', 'miss', 'fresh']);
  expect(cache.size).toBe(80);
  store('a', 10);
  expect(cache.size).toBe(50);
  store('d', 101);
  expect([cache.find('d', {}).kind, cache.size]).toEqual(['miss', 50]);
});

test('a thousand responses are kept, though their bodies are empty', () => {
  const cache = new HttpCache(new VirtualClock());
  const response = { status: 200, headers: { 'cache-control': 'max-age=60' }, body: Buffer.alloc(0) };
  for (let index = 0; index < 3000; index++) cache.store(`http://a.example/${index}`, {}, response);
  const kept = Array.from({ length: 3000 }, (_, index) => cache.find(`http://a.example/${index}`, {}).kind);
  expect(kept.filter((kind) => kind === 'fresh')).toHaveLength(1000);
  expect([kept[1999], kept[2000], cache.size]).toEqual(['miss', 'fresh', 0]);
});
