// What a device serves on /control, called as a stranger with the token might.

import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { FrameFilters } from '../../shared/cable/filter.ts';
import type { ControlHandler, IncomingCall } from '../../shared/control/peer.ts';
import { silentLog } from '../../shared/core/event-log.ts';
import { type ControlledDevice, controlMethods } from '../../shared/device/control-methods.ts';
import type { Port } from '../../shared/device/ports.ts';
import { testPort } from '../cable/real-cables.ts';

/** A device without a stack, with one port: lan1, whose carrier is up. */
function device() {
  const cable = testPort('router', 'lan1').port;
  const port = { cable } as unknown as Port;
  const controlled = {
    ports: new Map([['lan1', port]]),
    filters: new FrameFilters(),
    device: undefined,
    log: silentLog,
    commandContext: {
      device: 'switch',
      tables: { counters: () => [{ counter: 'bridge.too-long', count: 3 }] },
    },
  } as unknown as ControlledDevice;
  return controlMethods(controlled);
}

function call(params: unknown): IncomingCall {
  return {
    params,
    stdin: Readable.from([]),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    interrupt: new AbortController().signal,
  };
}

describe('commands of a device without a stack', () => {
  const exec = async (argv: readonly string[]) => {
    const incoming = call({ argv, cwd: '/' });
    const code = await device().get('exec')?.(incoming);
    const said = (stream: unknown) => String((stream as PassThrough).read() ?? '');
    return { code, stdout: said(incoming.stdout), stderr: said(incoming.stderr) };
  };

  it('are nstat', async () => {
    expect(await exec(['nstat'])).toEqual({
      code: 0,
      stdout: 'COUNTER          PORT  COUNT\nbridge.too-long  -     3\n',
      stderr: '',
    });
  });

  it('are no others', async () => {
    expect(await exec(['ping', '8.8.8.8'])).toEqual({
      code: 127,
      stdout: '',
      stderr: 'ping: a device of this kind has no network stack; there is nstat\n',
    });
  });
});

describe('peer', () => {
  it.each(['ws:%%', 'ws://', 'ws://h:99999', 'ws+unix:', 'http://a'])(
    'refuses %j, which could not be dialed',
    (url) => {
      const peer = device().get('peer') as ControlHandler;
      expect(() => peer(call({ interface: 'lan1', url }))).toThrow('ws://HOST:PORT');
    },
  );
});
