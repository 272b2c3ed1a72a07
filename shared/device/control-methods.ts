// What a device serves on /control: its status, its commands, captures of its ports, and its end.

import { once } from 'node:events';
import { isDeviceUrl } from '../cable/dialer.ts';
import { CaptureWriter, encodeArmed } from '../control/capture-stream.ts';
import type { DeviceStatus } from '../control/device-status.ts';
import type { ControlHandler, IncomingCall } from '../control/peer.ts';
import { systemClock } from '../core/clock.ts';
import { apiMethods } from './api-methods.ts';
import { fieldsOf, invalid, portNamed } from './call-params.ts';
import type { CommandContext } from './command.ts';
import { commands } from './commands/table.ts';
import { type FaultyDevice, faultMethods } from './fault-methods.ts';

/** Exit code of a shell for a command that is not there. */
const NOT_FOUND = 127;

/** Captures that a device runs at a time: each copies every frame of its port. */
const MOST_CAPTURES = 32;

/** Bytes of captured frames that wait for slow readers, of all captures together; beyond them frames are left out and counted. */
const CAPTURE_BACKLOG = 16 * 1024 * 1024;

export interface ControlledDevice extends FaultyDevice {
  readonly clockOffset: number;
  status(): DeviceStatus;
  /** Calls back whenever readiness, carrier or an address may have changed; returns the call that ends it. */
  onChange(callback: () => void): () => void;
  /** Absent on a device without a stack. */
  readonly commandContext: CommandContext | undefined;
  stop(): void;
}

export function controlMethods(device: ControlledDevice): ReadonlyMap<string, ControlHandler> {
  return new Map<string, ControlHandler>([
    ['status', () => device.status()],
    ['watch', (call) => watch(device, call)],
    ['peer', ({ params }) => setPeer(device, params)],
    ['exec', (call) => runCommand(device, call)],
    ['capture', captureMethod(device)],
    ...apiMethods(device.device),
    ...faultMethods(device),
    // The answer leaves before the end begins.
    ['stop', () => void setImmediate(() => device.stop())],
  ]);
}

function setPeer(device: ControlledDevice, params: unknown): void {
  const { interface: name, url } = fieldsOf(params);
  if (typeof url !== 'string' || !isDeviceUrl(url))
    throw invalid('url is to be ws://HOST:PORT or ws+unix:PATH:');
  portNamed(device.ports, name).cable.setPeerUrl(url);
}

/** Resolves when the caller is gone or has asked for the end. */
async function interrupted({ interrupt }: IncomingCall): Promise<void> {
  if (!interrupt.aborted) await once(interrupt, 'abort');
}

async function watch(device: ControlledDevice, call: IncomingCall): Promise<void> {
  let last = '';
  const tell = (): void => {
    const status = device.status();
    const { ready, waiting, interfaces } = status;
    const said = JSON.stringify({ ready, waiting, interfaces });
    if (said === last) return;
    last = said;
    call.stdout.write(`${JSON.stringify(status)}\n`);
  };
  tell();
  const end = device.onChange(tell);
  await interrupted(call);
  end();
}

function runCommand({ commandContext }: ControlledDevice, call: IncomingCall): Promise<number> | number {
  const { argv, cwd, columns } = fieldsOf(call.params);
  if (!Array.isArray(argv) || argv.length === 0 || !argv.every((word) => typeof word === 'string'))
    throw invalid('argv is to be a list of words, the command first');
  if (typeof cwd !== 'string') throw invalid('cwd is to be the folder that file arguments are relative to');
  const [name, ...args] = argv as [string, ...string[]];
  if (!commandContext) {
    call.stderr.write(`${name}: a device of this kind has no network stack to run commands on\n`);
    return NOT_FOUND;
  }
  const command = commands.get(name);
  if (!command) {
    call.stderr.write(`${name}: command not found; there are ${[...commands.keys()].join(', ')}\n`);
    return NOT_FOUND;
  }
  const { stdin, stdout, stderr, interrupt } = call;
  const width = typeof columns === 'number' ? columns : undefined;
  return command(args, { stdin, stdout, stderr, cwd, columns: width, interrupt }, commandContext);
}

function captureMethod(device: ControlledDevice): ControlHandler {
  let running = 0;
  return async (call) => {
    const port = portNamed(device.ports, fieldsOf(call.params).interface);
    if (running >= MOST_CAPTURES)
      throw Object.assign(new Error(`${running} captures run here: end one first`), { code: 'EAGAIN' });
    running++;
    let dropped = 0;
    const writer = new CaptureWriter(systemClock, (bytes) => call.stdout.write(bytes));
    const end = port.capture.subscribe((frames) => {
      for (const captured of frames) {
        if (call.stdout.writableLength + writer.bytes > CAPTURE_BACKLOG / running) dropped++;
        else writer.add(captured);
      }
    });
    call.stdout.write(encodeArmed(process.hrtime.bigint() + BigInt(Math.round(device.clockOffset * 1e6))));
    await interrupted(call);
    end();
    writer.flush();
    running--;
    return { dropped };
  };
}
