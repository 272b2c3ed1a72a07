// Where frames leave and arrive. All that cables and stacks know of each other.

import type { Train } from './train.ts';

/** What whoever stands on a port is told. */
export interface FrameReceiver {
  /**
   * Whole Ethernet frames (no FCS), in order, that came in one message. They may be views of a larger
   * buffer and may be changed in place; who keeps one past this call copies it.
   */
  frames(batch: readonly Uint8Array[]): void;
  carrier(up: boolean): void;
}

export interface FramePort {
  /**
   * The largest payload of a frame that is sent, in bytes; a frame has 14 more, 18 with a VLAN tag. What is received
   * has been held to the MTU of the port where it came in, which behind a bridge may be larger.
   */
  readonly mtu: number;
  readonly carrier: boolean;
  /**
   * Queues a frame, which belongs to the port from now on. Frames of one turn leave in one message.
   * Without carrier, or when the queue is full, the frame is dropped and counted.
   * @param forwarded whether the device passes it on for another, and did not make what is in it
   */
  send(frame: Uint8Array, forwarded?: boolean): void;
  /** As `send`, for each frame of a train; a port that would only write them one by one does without. */
  sendTrain?(frames: Train): void;
  /** Names the one receiver, which is told at once if there is carrier. */
  attach(receiver: FrameReceiver): void;
}
