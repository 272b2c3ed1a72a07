import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startHttpServer } from '../../../shared/apps/http/server.ts';
import type { Service } from '../../../shared/socket/sockets.ts';
import { CommandBench, socketsOf } from '../../support/command-bench.ts';
import { ADDRESSES, DefaultNet } from '../../support/default-net.ts';

const ROOT = join(import.meta.dirname, '../../../devices/sites/www.example.com');

let bench: CommandBench;
let server: Service;

beforeEach(() => {
  const net = new DefaultNet();
  bench = new CommandBench(net, net.laptop);
  bench.sockets.lookup = async () => [ADDRESSES.web];
  const sites = { 'www.example.com': { root: ROOT } };
  server = startHttpServer(socketsOf(net, net.web), { port: 80, sites }, { seed: 1 });
});

afterEach(async () => {
  await server.close();
});

test('a page comes with what it is made of, over one connection', async () => {
  const { code, stdout } = await bench.run('visit www.example.com');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^STATUS {2}URL +BYTES +TIME +SOURCE\n200 +http:\/\/www\.example\.com\/ /);
  expect(stdout).toMatch(/style\.css .* from the network, on an open connection\n/);
  expect(stdout).toMatch(/\n4 resources, 1 connection, \d+ bytes over the network in \d+\.\d ms\n$/);
});

test('a second visit is spared what the cache holds', async () => {
  await bench.run('visit www.example.com');
  const second = JSON.parse((await bench.run('visit --json www.example.com')).stdout);
  expect(second.resources.map(({ source }: { source: string }) => source)).not.toContain('network');
  const third = JSON.parse((await bench.run('visit --json --no-cache www.example.com')).stdout);
  expect(third.bytes).toBeGreaterThan(0);
});

test('what goes wrong is a line', async () => {
  expect(await bench.run('visit www.example.com:81')).toEqual({
    code: 1,
    stdout: '',
    stderr: 'visit: connect ECONNREFUSED 93.184.216.34:81\n',
  });
  expect((await bench.run('visit')).code).toBe(2);
});
