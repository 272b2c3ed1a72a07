// A learning switch: its ports are one LAN. It has no address of its own.

import { runDevice } from '../shared/device/runtime.ts';

void runDevice({ plane: 'bridge' });
