// How V8 is set for a device. While the device runs: given on the command line, any flag would have Node compile its
// own modules anew, which costs each start 30 ms.

import { setFlagsFromString } from 'node:v8';
import { leavesCode } from '../core/compiled.ts';

/**
 * The nursery does not grow, and the heap may grow to five times what lives: buffers of messages lie outside of V8's
 * heap, and go when the nursery is swept. A large one would not fill, and V8 notice them only by the growth of the
 * process, or of a small heap with them, and mark the whole heap for it, many times a second.
 *
 * Code is optimised after a third of the usual work: a ping finds a device that has little else to do.
 */
const FLAGS = ['--semi-space-growth-factor=1', '--heap-growing-percent=400', '--interrupt-budget=20000'];

export function setV8Flags(): void {
  if (leavesCode) return;
  for (const flag of FLAGS) setFlagsFromString(flag);
}
