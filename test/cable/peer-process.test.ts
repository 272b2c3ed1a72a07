// A cable's other end as a process of its own, which is frozen and killed.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { serve, TOKEN, temporaryFolder, testFrame, testPort } from './real-cables.ts';

/** `laptop:eth0`, which dials until it is connected, and again when it is not any more. */
const PEER = `
  import { pack } from 'msgpackr';
  import { WebSocket } from 'ws';
  const [url, token] = process.argv.slice(1);
  const hello = { t: 'hello', v: 1, device: 'laptop', interface: 'eth0', mac: '02:00:00:00:00:02', mtu: 1500 };
  function dial() {
    const socket = new WebSocket(url, 'tincan.cable.v1', { headers: { authorization: 'Bearer ' + token } });
    socket.on('open', () => socket.send(pack(hello)));
    socket.on('error', () => {});
    socket.on('close', () => setTimeout(dial, 10));
  }
  dial();
`;

function startPeer(url: string): ChildProcess {
  const peer = spawn(process.execPath, ['--input-type=module', '-e', PEER, url, TOKEN], {
    cwd: join(import.meta.dirname, '../..'),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  onTestFinished(() => {
    peer.kill('SIGKILL');
  });
  return peer;
}

async function joined() {
  const cable = { name: 'laptop-router', peer: { device: 'laptop', interface: 'eth0' }, dials: false };
  const { port, recorder } = testPort('router', 'lan1', cable);
  const server = await serve({ path: join(temporaryFolder(), 'r.sock') }, { lan1: port });
  const url = `${server.url}/cable/lan1`;
  const peer = startPeer(url);
  await recorder.until(() => recorder.up);
  return { port, recorder, peer, url };
}

it('a peer that is killed takes its carrier along, and has it again when it is back', async () => {
  const { recorder, peer, url } = await joined();
  peer.kill('SIGKILL');
  await recorder.until(() => !recorder.up);
  startPeer(url);
  await recorder.until(() => recorder.up);
});

it('a peer that is killed and back before anybody noticed gets in', async () => {
  const { recorder, peer, url } = await joined();
  const gone = once(peer, 'exit');
  peer.kill('SIGKILL');
  startPeer(url);
  // This side hears of nothing for as long as the new peer takes to come up and dial.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
  await recorder.until(() => recorder.carriers.length === 3);
  expect(recorder.carriers).toEqual([true, false, true]);
  await gone;
});

it('a peer that is frozen keeps its carrier, and memory does not grow with it', async () => {
  const { port, recorder, peer } = await joined();
  peer.kill('SIGSTOP');
  for (let round = 0; round < 400; round++) {
    for (let count = 0; count < 100; count++) port.send(testFrame(count, 1514));
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  expect(port.counters.get('cable.egress-overflow')).toBeGreaterThan(5000);
  expect(recorder.carriers).toEqual([true]);
  peer.kill('SIGKILL');
  await recorder.until(() => !recorder.up);
  expect(port.counters.get('cable.carrier-lost')).toBeGreaterThan(900);
});
