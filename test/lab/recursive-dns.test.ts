// examples/recursive-dns.json with real processes: names from the root down, a page by its name, servers that die.

import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Lab } from '../support/lab.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/recursive-dns.json');
let lab: Lab;

beforeAll(async () => {
  lab = await Lab.create('recursive-dns');
  await lab.ok('up', EXAMPLE, '-d');
});
afterAll(() => lab.close());

test('DNS-8: a name is found from the root down, and a page by it', async () => {
  const { stdout } = await lab.exec('laptop', 'dig', '+short', 'www.example.net');
  expect(stdout).toBe('www.example.com.\n93.184.216.34');
  expect((await lab.exec('laptop', 'curl', '-sS', 'http://www.example.com/')).stdout).toContain('</html>');
  const story = await lab.ok('logs', '--net', 'recursive-dns', 'resolver');
  expect(story).toMatch(/dns\.referral +198\.41\.0\.4 refers to the servers of net for www\.example\.net/);
  const trace = await lab.exec('laptop', 'dig', '+trace', 'www.example.com');
  expect(trace.stdout).toMatch(/bytes from 192\.5\.6\.30#53\(a\.gtld-servers\.net\)/);
});

test('DNS-8: with one name server of the zone dead names are found, with both SERVFAIL says that they are not', async () => {
  const ask = () => lab.exec('laptop', 'dig', 'www.example.com');
  const flush = () => lab.ok('flush', '--net', 'recursive-dns', 'resolver', 'dns');
  await lab.ok('kill', '--net', 'recursive-dns', 'ns1');
  await flush();
  expect((await ask()).stdout).toContain('status: NOERROR');
  await lab.ok('kill', '--net', 'recursive-dns', 'ns2');
  await flush();
  expect((await ask()).stdout).toContain('status: SERVFAIL');
  await lab.ok('start', '--net', 'recursive-dns', 'ns1');
  // A failure is remembered for a second; a client that goes on asking gets its answer.
  await expect.poll(async () => (await ask()).stdout, { timeout: 30_000 }).toContain('status: NOERROR');
});
