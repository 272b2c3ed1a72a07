// How much is in use once all that can go has gone.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of objects and of buffers. */
export async function memoryInUse(): Promise<number> {
  for (let count = 0; count < 3; count++) {
    // What was destroyed is let go of in a turn of its own.
    await new Promise((resolve) => setTimeout(resolve, 5));
    collect();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
