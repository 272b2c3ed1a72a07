// tincan exec: runs a command on a device. Streams and signals pass through, and so does the exit code.

import { pipeline } from 'node:stream/promises';
import type { OutgoingCall } from '../../shared/control/peer.ts';
import { codeOf, Failure, messageOf } from '../failure.ts';
import { connectDevice, findNet } from '../net-client.ts';
import type { CommonOptions } from '../options.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

export async function exec(device: string, argv: readonly string[], options: CommonOptions): Promise<void> {
  const control = await connectDevice(await findNet(options.net), device);
  const columns = process.stdout.isTTY ? process.stdout.columns : undefined;
  const call = control.open('exec', { argv, cwd: process.cwd(), ...(columns !== undefined && { columns }) });
  passSignals(call);
  process.stdin.on('error', () => {});
  call.stdin.on('error', () => {});
  process.stdin.pipe(call.stdin);
  const output = Promise.allSettled([
    pipeline(call.stdout, process.stdout, { end: false }),
    pipeline(call.stderr, process.stderr, { end: false }),
  ]);
  try {
    const code = await call.result;
    await output;
    process.exitCode = typeof code === 'number' ? code : 1;
  } catch (error) {
    if (codeOf(error) === 'ECONNRESET') throw new Failure(`${device} went away while the command ran`);
    throw new Failure(messageOf(error));
  } finally {
    process.stdin.unpipe(call.stdin);
    // A terminal or pipe that may never end must not keep this process.
    process.stdin.destroy();
    control.close();
  }
}

/** The device ends the command as the real tool would end; a device that does not is left at the second. */
function passSignals(call: OutgoingCall): void {
  let count = 0;
  for (const name of SIGNALS)
    process.on(name, () => {
      if (++count > 1) process.exit(130);
      call.signal(name);
    });
}
