// What a device serves on /control: its status, its commands, and its end.

import { once } from 'node:events';
import { isDeviceUrl } from '../cable/dialer.ts';
import type { DeviceStatus } from '../control/device-status.ts';
import type { ControlHandler, IncomingCall } from '../control/peer.ts';
import { apiMethods } from './api-methods.ts';
import { fieldsOf, invalid, portNamed } from './call-params.ts';
import type { CommandContext, CommandIo, StacklessContext } from './command.ts';
import { commands, stacklessCommands } from './commands/table.ts';
import { type FaultyDevice, faultMethods } from './fault-methods.ts';

/** Exit code of a shell for a command that is not there. */
const NOT_FOUND = 127;

export interface ControlledDevice extends FaultyDevice {
  status(): DeviceStatus;
  /** Calls back whenever readiness, carrier or an address may have changed; returns the call that ends it. */
  onChange(callback: () => void): () => void;
  readonly commandContext: CommandContext | StacklessContext;
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
  const { stdin, stdout, stderr, interrupt } = call;
  const width = typeof columns === 'number' ? columns : undefined;
  const run = commandNamed(name, commandContext);
  if (typeof run === 'function') return run(args, { stdin, stdout, stderr, cwd, columns: width, interrupt });
  stderr.write(`${name}: ${run}\n`);
  return NOT_FOUND;
}

/** A command of the device, or why there is none. */
function commandNamed(
  name: string,
  context: ControlledDevice['commandContext'],
): ((args: readonly string[], io: CommandIo) => Promise<number>) | string {
  if ('sockets' in context) {
    const command = commands.get(name);
    if (command) return (args, io) => command(args, io, context);
    return `command not found; there are ${[...commands.keys()].join(', ')}`;
  }
  const command = stacklessCommands.get(name);
  if (command) return (args, io) => command(args, io, context);
  return `a device of this kind has no network stack; there is ${[...stacklessCommands.keys()].join(', ')}`;
}
