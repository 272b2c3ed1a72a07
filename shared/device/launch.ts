// How a device process begins and ends: one line of configuration comes on its standard input, and the
// input's end means that whoever started it is gone.

import type { DeviceConfig } from '../topology/device-config.ts';

export interface Launch {
  readonly config: DeviceConfig;
  /** Resolves when the standard input ends. */
  readonly orphaned: Promise<void>;
}

export async function readLaunch(): Promise<Launch> {
  const { stdin } = process;
  stdin.setEncoding('utf8');
  let text = '';
  let configured: (line: string) => void = () => {};
  const line = new Promise<string>((resolve) => {
    configured = resolve;
  });
  const orphaned = new Promise<void>((resolve) => {
    stdin.on('end', resolve);
    stdin.on('error', () => resolve());
  });
  stdin.on('data', (chunk: string) => {
    text += chunk;
    if (text.includes('\n')) configured(text.slice(0, text.indexOf('\n')));
  });
  const gone = orphaned.then(() => {
    throw new Error('a device is started by `tincan up`: it reads its configuration from standard input');
  });
  return { config: JSON.parse(await Promise.race([line, gone])) as DeviceConfig, orphaned };
}
