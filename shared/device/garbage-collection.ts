// How V8 sees to a device's memory. Set while the device runs: given on the command line, any flag would have Node
// compile its own modules anew, which costs each start 30 ms.

import { setFlagsFromString } from 'node:v8';
import { leavesCode } from '../core/compiled.ts';

/**
 * Buffers of messages lie outside of V8's heap. They go when the nursery is swept, which is often as long as that is
 * small; a large one would not fill, and V8 notice them only by the growth of the process and mark the whole heap for
 * it, many times a second. So it would by what they are beside a heap that is small itself, if that might grow by less.
 */
const FLAGS = ['--semi-space-growth-factor=1', '--heap-growing-percent=400', '--interrupt-budget=20000'];

export function tuneGarbageCollection(): void {
  if (leavesCode) return;
  for (const flag of FLAGS) setFlagsFromString(flag);
}
