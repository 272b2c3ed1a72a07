// What a device serves on /control, called as a stranger with the token might.

import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { CapturePort } from '../../shared/cable/capture.ts';
import { FrameFilters } from '../../shared/cable/filter.ts';
import type { ControlHandler, IncomingCall } from '../../shared/control/peer.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/event-log.ts';
import type { FramePort } from '../../shared/core/frame-port.ts';
import { type ControlledDevice, controlMethods } from '../../shared/device/control-methods.ts';
import type { Port } from '../../shared/device/ports.ts';
import { testPort } from '../cable/real-cables.ts';

/** A device without a stack, with one port: lan1, whose carrier is up. */
function device() {
  const cable = testPort('router', 'lan1').port;
  const wire: FramePort = { mtu: 1500, carrier: true, send: () => {}, attach: () => {} };
  const capture = new CapturePort(wire, systemClock, 0);
  const port = { cable, capture } as unknown as Port;
  const controlled = {
    ports: new Map([['lan1', port]]),
    filters: new FrameFilters(),
    device: undefined,
    log: silentLog,
    clockOffset: 0,
    commandContext: undefined,
  } as unknown as ControlledDevice;
  const methods = controlMethods(controlled);
  return { capture, methods };
}

/** A call whose output nobody reads beyond what the stream holds. */
function call(params: unknown) {
  const aborter = new AbortController();
  const stdout = new PassThrough();
  const incoming: IncomingCall = {
    params,
    stdin: Readable.from([]),
    stdout,
    stderr: new PassThrough(),
    interrupt: aborter.signal,
  };
  return { incoming, stdout, end: () => aborter.abort('SIGINT') };
}

describe('captures', () => {
  it('are so many at a time, and no more', async () => {
    const run = device().methods.get('capture') as ControlHandler;
    const calls = Array.from({ length: 32 }, () => call({ interface: 'lan1' }));
    const ends = calls.map(({ incoming }) => run(incoming));
    await expect(run(call({ interface: 'lan1' }).incoming)).rejects.toMatchObject({ code: 'EAGAIN' });
    for (const { end } of calls) end();
    expect(await Promise.all(ends)).toEqual(calls.map(() => ({ dropped: 0 })));
    const next = call({ interface: 'lan1' });
    const end = run(next.incoming);
    next.end();
    expect(await end).toEqual({ dropped: 0 });
  });

  it('that nobody reads keep a bounded backlog together', async () => {
    const { methods, capture } = device();
    const run = methods.get('capture') as ControlHandler;
    const calls = Array.from({ length: 32 }, () => call({ interface: 'lan1' }));
    const ends = calls.map(({ incoming }) => run(incoming));
    for (let count = 0; count < 2000; count++) capture.send(new Uint8Array(1514));
    const kept = calls.reduce((sum, { stdout }) => sum + stdout.writableLength, 0);
    expect(kept).toBeLessThan(20_000_000);
    for (const { end } of calls) end();
    for (const end of ends) expect(((await end) as { dropped: number }).dropped).toBeGreaterThan(1000);
  });
});

describe('peer', () => {
  it.each(['ws:%%', 'ws://', 'ws://h:99999', 'ws+unix:', 'http://a'])(
    'refuses %j, which could not be dialed',
    (url) => {
      const peer = device().methods.get('peer') as ControlHandler;
      expect(() => peer(call({ interface: 'lan1', url }).incoming)).toThrow('ws://HOST:PORT');
    },
  );
});
