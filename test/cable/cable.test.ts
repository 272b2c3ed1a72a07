// Cables between ports over real WebSockets: carrier, frames, peers that go and come back.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CablePort } from '../../shared/cable/websocket-port.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/event-log.ts';
import {
  cabled,
  Outsider,
  Recorder,
  serve,
  TOKEN,
  temporaryFolder,
  testFrame,
  testPort,
  toRouter,
} from './real-cables.ts';

const transports = [
  ['a Unix socket', () => ({ path: join(temporaryFolder(), 'router.sock') })],
  ['TCP', () => ({ host: '127.0.0.1', port: 0 })],
] as const;

describe.each(transports)('a cable over %s', (_name, listenAddress) => {
  it('has carrier at both ends when both hellos have crossed, and tells who is there', async () => {
    const { router, laptop } = await cabled(listenAddress());
    expect(router.port.peer).toMatchObject({ device: 'laptop', interface: 'eth0' });
    expect(laptop.port.peer).toMatchObject({ device: 'router', interface: 'lan1' });
    expect(router.log.named('cable.carrier').map((event) => event.fields)).toEqual([
      { interface: 'lan1', cable: 'laptop-router', peer: 'laptop:eth0', up: true },
    ]);
  });

  it('carries frames whole and in order, both ways, those of one turn in one message', async () => {
    const { router, laptop } = await cabled(listenAddress());
    const frames = Array.from({ length: 300 }, (_, number) => testFrame(number, 14 + 5 * number));
    const batches: number[] = [];
    router.port.attach({
      frames: (batch) => {
        batches.push(batch.length);
        router.recorder.frames(batch);
      },
      carrier: () => {},
    });
    for (const frame of frames) laptop.port.send(frame);
    await router.recorder.until(() => router.recorder.received.length === 300);
    expect(Buffer.concat(router.recorder.received).equals(Buffer.concat(frames))).toBe(true);
    // 228 KB in messages of 64 KiB.
    expect(batches.length).toBeLessThanOrEqual(4);

    router.port.send(testFrame(7));
    await laptop.recorder.until(() => laptop.recorder.received.length === 1);
    expect(laptop.recorder.received).toEqual([testFrame(7)]);
    expect(laptop.port.traffic).toEqual({ framesOut: 300, bytesOut: 228_450, framesIn: 1, bytesIn: 60 });
    expect(router.port.traffic).toEqual({ framesIn: 300, bytesIn: 228_450, framesOut: 1, bytesOut: 60 });
  });

  it('loses carrier with its peer and has it again when the peer is back', async () => {
    const { router, laptop, server } = await cabled(listenAddress());
    await server.close();
    await laptop.recorder.until(() => !laptop.recorder.up);
    await router.recorder.until(() => !router.recorder.up);
    laptop.port.send(testFrame(1));
    expect(laptop.port.counters.get('cable.no-carrier')).toBe(1);

    const again = testPort('router', 'lan1', {
      name: 'laptop-router',
      peer: { device: 'laptop', interface: 'eth0' },
      dials: false,
    });
    const second = await serve(listenAddress(), { lan1: again.port });
    laptop.port.setPeerUrl(second.url);
    await laptop.recorder.until(() => laptop.recorder.up);
    expect(laptop.recorder.carriers).toEqual([true, false, true]);
    laptop.port.send(testFrame(2));
    await again.recorder.until(() => again.recorder.received.length === 1);
    expect(again.recorder.received).toEqual([testFrame(2)]);
  });

  it('redials by itself for as long as it takes', async () => {
    const { router, laptop, server } = await cabled(listenAddress());
    router.port.cut();
    await laptop.recorder.until(() => !laptop.recorder.up);
    await expect(new Outsider(server.url, '/cable/lan1').opened).rejects.toThrow('503');
    router.port.splice();
    await laptop.recorder.until(() => laptop.recorder.up);
  });

  it('is taken again by a peer that started anew', async () => {
    const { router, laptop, server } = await cabled(listenAddress());
    laptop.port.close();
    const again = testPort('laptop', 'eth0', toRouter);
    again.port.setPeerUrl(server.url);
    await router.recorder.until(() => router.recorder.carriers.length === 3);
    router.port.send(testFrame(3));
    await again.recorder.until(() => again.recorder.received.length === 1);
  });
});

describe('a cable', () => {
  it('ends the old connection for a newer one of the right peer, which is only possible while none has said hello', async () => {
    const router = testPort('router', 'lan1', {
      name: 'c',
      peer: { device: 'laptop', interface: 'eth0' },
      dials: false,
    });
    const server = await serve({ host: '127.0.0.1', port: 0 }, { lan1: router.port });
    const [first, second] = [
      new Outsider(server.url, '/cable/lan1'),
      new Outsider(server.url, '/cable/lan1'),
    ];
    await Promise.all([first.opened, second.opened]);
    first.hello('laptop', 'eth0');
    await router.recorder.until(() => router.recorder.up);
    second.hello('laptop', 'eth0');
    expect((await first.closed)[0]).toBe(1001);
    await router.recorder.until(() => router.recorder.carriers.length === 3);
    expect(router.recorder.carriers).toEqual([true, false, true]);
  });

  it('that is cut at the dialing end comes back when it is spliced', async () => {
    const { router, laptop } = await cabled({ host: '127.0.0.1', port: 0 });
    laptop.port.cut();
    expect(laptop.port.carrier).toBe(false);
    await router.recorder.until(() => !router.recorder.up);
    laptop.port.splice();
    await router.recorder.until(() => router.recorder.up);
    await laptop.recorder.until(() => laptop.recorder.up);
  });

  it('calls a peer that has moved at its new place', async () => {
    const laptop = testPort('laptop', 'eth0', toRouter);
    laptop.port.setPeerUrl(`ws+unix:${join(temporaryFolder(), 'nobody.sock')}:`);
    const router = testPort('router', 'lan1', {
      name: 'c',
      peer: { device: 'laptop', interface: 'eth0' },
      dials: false,
    });
    const server = await serve({ host: '127.0.0.1', port: 0 }, { lan1: router.port });
    laptop.port.setPeerUrl(server.url);
    await laptop.recorder.until(() => laptop.recorder.up);
  });

  it('warns of a peer that speaks of another MTU, and goes by its own', async () => {
    const free = testPort('router', 'lan2');
    const server = await serve({ host: '127.0.0.1', port: 0 }, { lan2: free.port });
    const outsider = new Outsider(server.url, '/cable/lan2');
    await outsider.opened;
    outsider.hello('tap', 'tap0', 9000);
    outsider.send([testFrame(1, 9014), testFrame(2, 1514)].map((frame) => Buffer.from(frame)));
    await free.recorder.until(() => free.recorder.received.length === 1);
    const fields = { interface: 'lan2', peer: 'tap:tap0', mtu: 1500, peerMtu: 9000 };
    expect(free.log.named('cable.mtu-differs')).toMatchObject([{ level: 'warn', fields }]);
    expect(free.port.counters.snapshot()).toEqual({ 'cable.frame-too-long': 1 });
  });

  it('ETH-1: drops frames under 14 bytes and over MTU + 18 at both ends, counts them by reason and stays up', async () => {
    const { router, laptop } = await cabled({ host: '127.0.0.1', port: 0 });
    laptop.port.send(testFrame(1, 13));
    laptop.port.send(testFrame(1, 1519));
    expect(laptop.port.counters.snapshot()).toEqual({
      'cable.frame-too-long': 1,
      'cable.frame-too-short': 1,
    });

    const free = testPort('router', 'lan2');
    const server = await serve({ host: '127.0.0.1', port: 0 }, { lan2: free.port });
    const outsider = new Outsider(server.url, '/cable/lan2');
    await outsider.opened;
    outsider.hello('tap', 'tap0');
    outsider.send(
      [testFrame(1, 13), testFrame(2, 14), testFrame(3, 1518), testFrame(4, 1519)].map((frame) =>
        Buffer.from(frame),
      ),
    );
    await free.recorder.until(() => free.recorder.received.length === 2);
    expect(free.port.counters.snapshot()).toEqual({ 'cable.frame-too-long': 1, 'cable.frame-too-short': 1 });
    const fields = { interface: 'lan2', mtu: 1500, length: 1519 };
    expect(free.log.named('cable.too-long')).toMatchObject([{ level: 'warn', fields }]);
    outsider.send([testFrame(5, 1519), testFrame(6, 60)].map((frame) => Buffer.from(frame)));
    await free.recorder.until(() => free.recorder.received.length === 3);
    expect(free.port.counters.get('cable.frame-too-long')).toBe(2);
    expect(free.log.named('cable.too-long')).toHaveLength(1);
    expect(free.port.traffic).toMatchObject({ framesIn: 3, bytesIn: 14 + 1518 + 60 });
    expect([free.port.carrier, router.port.carrier]).toEqual([true, true]);
  });

  it('carries the longest frame of a jumbo MTU', async () => {
    const free = testPort('router', 'lan2', undefined, 65_517);
    const server = await serve({ host: '127.0.0.1', port: 0 }, { lan2: free.port });
    const outsider = new Outsider(server.url, '/cable/lan2');
    await outsider.opened;
    outsider.hello('tap', 'tap0');
    await free.recorder.until(() => free.recorder.up);
    free.port.send(testFrame(1, 65_535));
    await outsider.until(() => outsider.messages.length === 2);
    expect((outsider.messages[1] as Uint8Array[])[0]?.length).toBe(65_535);
  });
});

describe('an outside program at a free interface', () => {
  it('says hello, gets one, and exchanges arrays of frames', async () => {
    const free = testPort('router', 'lan3');
    const server = await serve({ path: join(temporaryFolder(), 'r.sock') }, { lan3: free.port });
    const outsider = new Outsider(server.url, '/cable/lan3');
    await outsider.opened;
    await outsider.until(() => outsider.messages.length === 1);
    expect(outsider.messages[0]).toEqual({
      t: 'hello',
      v: 1,
      device: 'router',
      interface: 'lan3',
      mac: '02:00:00:00:00:01',
      mtu: 1500,
    });
    expect(free.port.carrier).toBe(false);
    outsider.hello('my-program', 'eth0');
    outsider.send([Buffer.from(testFrame(1)), Buffer.from(testFrame(2))]);
    await free.recorder.until(() => free.recorder.received.length === 2);
    expect(free.port.carrier).toBe(true);

    free.port.send(testFrame(3));
    free.port.send(testFrame(4));
    await outsider.until(() => outsider.messages.length === 2);
    expect(outsider.messages[1]).toEqual([Buffer.from(testFrame(3)), Buffer.from(testFrame(4))]);
    outsider.socket.close();
    await free.recorder.until(() => !free.recorder.up);
  });

  it('sits at one whose socket only its owner may open', async () => {
    const path = join(temporaryFolder(), 'r.sock');
    await serve({ path }, {});
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('has the port to itself: the receiver is told at once when it comes late', async () => {
    const free = testPort('router', 'lan3');
    const server = await serve({ host: '127.0.0.1', port: 0 }, { lan3: free.port });
    const outsider = new Outsider(server.url, '/cable/lan3');
    await outsider.opened;
    outsider.hello('my-program', 'eth0');
    await free.recorder.until(() => free.recorder.up);
    const late = new Recorder();
    free.port.attach(late);
    expect(late.carriers).toEqual([true]);
  });
});

describe('a port that was never connected', () => {
  it('drops and counts, and closes in peace', () => {
    const own = { device: 'a', interface: 'eth0', mac: '02:00:00:00:00:01', mtu: 1500 };
    const options = { own, token: TOKEN, clock: systemClock, log: silentLog };
    const port = new CablePort({ ...options, cable: toRouter });
    port.send(testFrame(1));
    port.send(testFrame(1).fill(0xff, 0, 6));
    expect(port.counters.snapshot()).toEqual({ 'cable.no-carrier': 1, 'cable.broadcast-no-carrier': 1 });
    port.close();
    expect(port.refusal()).toMatchObject({ status: 503 });

    const free = new CablePort(options);
    free.send(testFrame(1));
    expect(free.counters.snapshot()).toEqual({});
  });
});
