// A cut cable over real WebSockets: no carrier at either end, nobody gets in, and the frames are counted.

import { describe, expect, it } from 'vitest';
import { ImpairedPort } from '../../shared/cable/impairment.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { cabled, Outsider, Recorder, serve, testFrame, testPort, toRouter } from './real-cables.ts';

const LOOPBACK = { host: '127.0.0.1', port: 0 } as const;
const toLaptop = { name: 'laptop-router', peer: { device: 'laptop', interface: 'eth0' }, dials: false };

describe.each(['answering', 'dialing'] as const)('a cut at the %s end', (where) => {
  it('takes the carrier at both ends, and a splice brings it back', async () => {
    const { router, laptop } = await cabled(LOOPBACK);
    const [here, there] = where === 'answering' ? [router, laptop] : [laptop, router];
    here.port.cut();
    expect([here.port.carrier, here.recorder.up]).toEqual([false, false]);
    await there.recorder.until(() => !there.recorder.up);
    here.port.splice();
    await there.recorder.until(() => there.recorder.up);
    await here.recorder.until(() => here.recorder.up);
    there.port.send(testFrame(1));
    await here.recorder.until(() => here.recorder.received.length === 1);
  });

  it('counts the frames of both ends that it took, those that were on their way among them', async () => {
    const { router, laptop } = await cabled(LOOPBACK);
    const [here, there] = where === 'answering' ? [router, laptop] : [laptop, router];
    const impaired = new ImpairedPort(here.port, systemClock, [1], { delay: 3_600_000 });
    const above = new Recorder();
    impaired.attach(above);
    for (let number = 0; number < 3; number++) impaired.send(testFrame(number));
    here.port.send(testFrame(3)); // still in the queue of this turn
    here.port.cut();
    impaired.send(testFrame(4));
    expect(here.port.counters.snapshot()).toEqual({ 'cable.cut': 5 });
    expect(impaired.seen).toBe(3);

    await there.recorder.until(() => !there.recorder.up);
    for (let number = 0; number < 2; number++) there.port.send(testFrame(number));
    expect(there.port.counters.snapshot()).toEqual({ 'cable.cut': 2 });
    here.port.splice();
    await there.recorder.until(() => there.recorder.up);
    there.port.send(testFrame(9));
    await above.until(() => above.received.length === 1);
    expect(there.port.counters.snapshot()).toEqual({ 'cable.cut': 2 });
  });

  it('counts those that come after it, because the other end has not heard of it', async () => {
    const { router, laptop } = await cabled(LOOPBACK);
    const [here, there] = where === 'answering' ? [router, laptop] : [laptop, router];
    for (let number = 0; number < 4; number++) there.port.send(testFrame(number));
    here.port.cut();
    await there.recorder.until(() => !there.recorder.up);
    here.port.splice();
    await here.recorder.until(() => here.recorder.up);
    // Those that the other end still had in its queue are counted there.
    const lost = here.port.counters.get('cable.cut') + there.port.counters.get('cable.cut');
    expect([lost, here.recorder.received.length]).toEqual([4, 0]);
  });
});

describe('a cable that is cut at both ends', () => {
  it('stays so until both are spliced, in whichever order', async () => {
    const { router, laptop, server } = await cabled(LOOPBACK);
    router.port.cut();
    laptop.port.cut();
    await expect(new Outsider(server.url, '/cable/lan1').opened).rejects.toThrow('503');
    laptop.port.splice();
    await expect(new Outsider(server.url, '/cable/lan1').opened).rejects.toThrow('503');
    expect([router.port.carrier, laptop.port.carrier]).toEqual([false, false]);
    router.port.splice();
    await laptop.recorder.until(() => laptop.recorder.up);

    router.port.cut();
    laptop.port.cut();
    router.port.splice();
    expect(laptop.port.carrier).toBe(false);
    laptop.port.splice();
    await router.recorder.until(() => router.recorder.up);
  });

  it('stays so for a device that starts anew, and begins cut', async () => {
    const { router, laptop, server } = await cabled(LOOPBACK);
    router.port.cut();
    laptop.port.close();
    const again = testPort('laptop', 'eth0', toRouter);
    again.port.cut();
    again.port.setPeerUrl(server.url);
    router.port.splice();
    expect(again.port.carrier).toBe(false);
    again.port.send(testFrame(1));
    expect(again.port.counters.snapshot()).toEqual({ 'cable.cut': 1 });
    again.port.splice();
    await again.recorder.until(() => again.recorder.up);
    await router.recorder.until(() => router.recorder.up);
  });

  it('stays so for an answering device that starts anew and begins cut, while the other dials', async () => {
    const { laptop, server } = await cabled(LOOPBACK);
    await server.close();
    const again = testPort('router', 'lan1', toLaptop);
    again.port.cut();
    const moved = await serve(LOOPBACK, { lan1: again.port });
    laptop.port.setPeerUrl(moved.url);
    await expect(new Outsider(moved.url, '/cable/lan1').opened).rejects.toThrow('503');
    again.port.splice();
    await laptop.recorder.until(() => laptop.recorder.up);
    await again.recorder.until(() => again.recorder.up);
  });
});

it('a peer that goes without a word is no cut', async () => {
  const { laptop, server } = await cabled(LOOPBACK);
  await server.close();
  await laptop.recorder.until(() => !laptop.recorder.up);
  laptop.port.send(testFrame(1));
  expect(laptop.port.counters.snapshot()).toEqual({ 'cable.no-carrier': 1 });
});
