// What a device serves on /control: its status, its commands, and its end.

import { once } from 'node:events';
import { isDeviceUrl } from '../cable/dialer.ts';
import type { DeviceStatus } from '../control/device-status.ts';
import type { ControlHandler, IncomingCall } from '../control/peer.ts';
import { apiMethods } from './api-methods.ts';
import { fieldsOf, invalid, portNamed } from './call-params.ts';
import type { CommandContext } from './command.ts';
import { commands } from './commands/table.ts';
import { type FaultyDevice, faultMethods } from './fault-methods.ts';

/** Exit code of a shell for a command that is not there. */
const NOT_FOUND = 127;

export interface ControlledDevice extends FaultyDevice {
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
