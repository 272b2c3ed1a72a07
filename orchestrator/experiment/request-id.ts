// The id that each request over HTTP carries in its query, so that the servers' logs tell whether one was
// answered, and how often.

import type { LogLine } from './net-under-test.ts';

const KEY = 'tincan-request';

export function withRequest(url: string, request: string): string {
  const marked = new URL(url);
  marked.searchParams.set(KEY, request);
  return marked.href;
}

/** How often servers answered each request, by its id. */
export function answersOf(logs: readonly LogLine[]): Record<string, number> {
  const answers: Record<string, number> = {};
  for (const { event, role, status, url } of logs) {
    if (event !== 'http.request' || role !== 'server' || typeof url !== 'string' || !status) continue;
    const request = new URL(url, 'http://server').searchParams.get(KEY);
    if (request !== null) answers[request] = (answers[request] ?? 0) + 1;
  }
  return answers;
}
