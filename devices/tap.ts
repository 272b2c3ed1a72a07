// A plug into this machine: a TAP interface of the Linux kernel, so that its programs sit on the net.

import { runDevice } from '../shared/device/runtime.ts';
import { tapPlane } from '../shared/device/tap-plane.ts';

void runDevice({ plane: tapPlane });
