// `POST /bytes`: swallows any upload and answers with its length and hash, the counterpart of `/bytes/N`.

import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type Answer, textAnswer } from './answer.ts';

/** Rejects if the client goes away before its end. */
export async function countUpload(request: IncomingMessage): Promise<Answer> {
  const hash = createHash('sha256');
  let length = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    hash.update(chunk);
    length += chunk.length;
  }
  return textAnswer(200, `${length} ${hash.digest('hex')}\n`);
}
