// Sends frames that are still to be written. Whoever looks at frames, or keeps them, has them one by one.

import { frameBuffer } from './frame-buffer.ts';
import type { FramePort } from './frame-port.ts';
import type { Train } from './train.ts';

/** Sends a train of frames, which carry IP packets of this device. */
export function sendTrain(port: FramePort, frames: Train): void {
  if (port.sendTrain) port.sendTrain(frames);
  else sendEach(port, frames);
}

/** Sends the frames of a train each by itself. */
export function sendEach(port: FramePort, frames: Train): void {
  for (let index = 0; index < frames.count; index++) {
    const frame = frameBuffer(frames.length);
    frames.write(index, frame, 0);
    port.send(frame);
  }
}
