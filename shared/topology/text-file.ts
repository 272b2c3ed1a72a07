// Reads a file that a person names, and which may be none: a pipe, a device that never ends, something huge.

import { createReadStream } from 'node:fs';

/** Bytes: many times what a net of a thousand devices has. */
export const LONGEST_FILE = 4 * 1024 * 1024;

/** The text of a file. @throws Error with the system's code, EFBIG if it is too long */
export async function readTextFile(file: string): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of createReadStream(file, { end: LONGEST_FILE })) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
  }
  if (length > LONGEST_FILE) throw Object.assign(new Error(`${file} is too long`), { code: 'EFBIG' });
  return Buffer.concat(chunks).toString('utf8');
}

/** Why `readTextFile` failed, in words. */
export function whyUnreadable(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  return code === 'EFBIG' ? 'it is longer than 4 MiB' : `it can't be read (${code})`;
}
