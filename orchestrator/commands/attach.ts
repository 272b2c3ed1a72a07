// tincan attach: how an outside program sits at a free interface.

import { attachmentAt, parseEnd } from '../attachment.ts';
import { findNet } from '../net-client.ts';
import type { CommonOptions } from '../options.ts';

export async function attach(text: string, options: CommonOptions): Promise<void> {
  const end = parseEnd(text);
  const attachment = attachmentAt(await findNet(options.net), end);
  const lines = Object.entries(attachment).map(([key, value]) => `${key.padEnd(6)} ${value}\n`);
  process.stdout.write(options.json ? `${JSON.stringify(attachment)}\n` : lines.join(''));
}
