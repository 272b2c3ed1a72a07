// The same with node:test and plain JavaScript, on any Node from 20 on: without `await using`, so each test heals
// what it broke in a `finally`, and the net is closed in an `after` hook.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { up } from 'tincan';

/** @type {import('tincan').Net} */
let net;
before(async () => {
  net = await up();
});
after(() => net.close());

test('a page comes across router and ISP', async () => {
  const response = await net.device('laptop').fetch('http://www.example.com/');
  assert.equal(response.status, 200);
  assert.match(await response.text(), /<\/html>/);
});

test('while the uplink is cut nothing is reached, and an error has its code', async () => {
  const laptop = net.device('laptop');
  const cut = await net.cut('uplink');
  try {
    await assert.rejects(laptop.connect({ host: '93.184.216.34', port: 80, timeout: '300ms' }), {
      code: 'ETIMEDOUT',
    });
  } finally {
    const receipt = await cut.heal();
    // What the router wanted to send out and could not.
    assert.ok(receipt.affected.cut > 0);
  }
});

test('a client that is told of SERVFAIL fails at once; afterwards names are names again', async () => {
  const laptop = net.device('laptop');
  const server = { server: '8.8.8.8' };
  const broken = await net.misbehave('dns', { service: 'dns', servfail: true });
  try {
    await assert.rejects(laptop.resolve('www.example.com', 'A', server), { code: 'ESERVFAIL' });
  } finally {
    await broken.heal();
  }
  assert.deepEqual(await laptop.resolve('www.example.com', 'A', server), ['93.184.216.34']);
});
