// How to test a program's behaviour under failures, with vitest. The programs here are small clients that ought
// to survive something; each test breaks the net in one way and sees whether they do.

import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Device, type Net, up } from '../../orchestrator/api.ts';

// One net for the file: it takes a second to start. `up()` without a topology takes the default net, in which
// a laptop and a phone reach a DNS server and a web server through a home router with NAT and through an ISP.
let net: Net;
beforeAll(async () => {
  net = await up();
});
afterAll(() => net.close());

// Whatever a test has left broken is mended before the next: every test starts from the same net.
afterEach(async () => {
  await net.heal();
  await net.flush('laptop', 'dns');
});

/** A client that asks again, as a DNS client should: with a short patience and several tries. */
async function resolveWithRetries(device: Device, name: string, tries: number): Promise<string[]> {
  for (let left = tries; ; left--) {
    try {
      return await device.resolve(name, 'A', { server: '8.8.8.8', timeout: '300ms' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ETIMEDOUT' || left === 1) throw error;
    }
  }
}

test('a client that retries survives a DNS server that freezes', async () => {
  const laptop = net.device('laptop');
  let answer: Promise<string[]>;
  {
    // A frozen server is not a dead one: its carrier stays up and its port takes the question, but no answer
    // and no ICMP error comes. Only patience of its own tells the client that something is wrong.
    await using _frozen = await net.freeze('dns');
    await expect(resolveWithRetries(laptop, 'www.example.com', 1)).rejects.toMatchObject({
      code: 'ETIMEDOUT',
    });
    answer = resolveWithRetries(laptop, 'www.example.com', 20);
  }
  // The end of the block has thawed the server, while the client was still asking.
  expect(await answer).toEqual(['93.184.216.34']);
});

/** A client that downloads, notices when nothing comes any more, and begins again. */
async function download(device: Device, url: string, stalled: (received: number) => void): Promise<string> {
  for (;;) {
    const hash = createHash('sha256');
    const giveUp = new AbortController();
    const patience = setTimeout(() => giveUp.abort(), 1000);
    let received = 0;
    try {
      const response = await device.fetch(url, { signal: giveUp.signal });
      for await (const chunk of response.body ?? []) {
        patience.refresh();
        received += chunk.length;
        hash.update(chunk);
      }
      return hash.digest('hex');
    } catch (error) {
      if (!giveUp.signal.aborted) throw error;
      stalled(received);
    } finally {
      clearTimeout(patience);
    }
  }
}

test('the web server loses power in mid-download', async () => {
  const url = 'http://www.example.com/bytes/2000000';
  const phone = net.device('phone');
  const expected = await (await phone.fetch(`${url}.sha256`)).text();
  // Slow enough that there is a middle: 2 MB take some 1.6 s.
  await net.impair('isp-web', { rate: '10mbit' }, { from: 'web' });

  const capture = await net.capture('web:eth0');
  const stalls: number[] = [];
  let noticed = (): void => {};
  const firstStall = new Promise<void>((resolve) => {
    noticed = resolve;
  });
  const finished = download(phone, url, (received) => {
    stalls.push(received);
    noticed();
  });
  // The middle is when frames of the answer pass, and a capture shows them as they come.
  let sent = 0;
  for await (const { direction, frame } of capture) {
    if (direction === 'out') sent += frame.length;
    if (sent > 500_000) break;
  }
  await capture.stop();

  // Nobody says goodbye for a machine without power: no FIN, no RST. The client has to find out by itself.
  const outage = await net.kill('web');
  await firstStall;
  expect(stalls[0]).toBeGreaterThan(0);

  // With power again the server knows nothing of the old connection; the client's next attempt gets all.
  const receipt = await outage.heal();
  expect(expected).toContain(await finished);
  // Segments of the phone's that found nobody are what the outage did.
  expect(receipt).toMatchObject({
    fault: 'kill',
    applied: [{ at: 'web', signal: 'SIGKILL', confirmed: true }],
  });
});

test('one-way loss: what the laptop says does not arrive, what the web server says does', async () => {
  await using gap = await net.partition(['laptop'], ['web'], { oneWay: true });
  const ping = await net
    .device('laptop')
    .ping('93.184.216.34', { count: 3, interval: '10ms', timeout: '200ms' });
  expect(ping.received).toBe(0);
  // Only these two are apart: the phone stands beside the laptop, behind the same router.
  expect((await net.device('phone').ping('93.184.216.34')).received).toBe(1);
  // A fault that is reported is a fault that happened: the receipt counts the three requests.
  expect((await gap.heal()).affected).toEqual({ partition: 3 });
});

test('a connection outlives a cable that is cut and spliced', async () => {
  const socket = await net.device('laptop').connect({ host: 'www.example.com', port: 80 });
  {
    await using _cut = await net.cut('uplink');
    // TCP keeps what it could not deliver and sends it again: neither side hears of the cut.
    socket.write('GET / HTTP/1.0\r\nHost: www.example.com\r\n\r\n');
  }
  let page = '';
  for await (const chunk of socket) page += String(chunk);
  expect(page).toContain('</html>');
});
