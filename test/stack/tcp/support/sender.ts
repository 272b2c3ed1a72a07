// Our end as a sender of segments of 1000 bytes, and what its peer says of them.

import type { TcpOptions } from '../../../../shared/wire/tcp.ts';
import { Harness, type HarnessOptions, type OwnSegment, type PeerSegment } from './harness.ts';

export const MSS = 1000;

export interface SenderOptions {
  readonly peer?: TcpOptions;
  /** NewReno unless told. */
  readonly congestionControl?: 'cubic' | 'newreno';
  readonly peerWindow?: number;
  /** ms that the handshake takes, and so the first measured round trip; 0 unless told. */
  readonly roundTrip?: number;
  readonly settings?: HarnessOptions['settings'];
}

export function sender(options: SenderOptions = {}): Harness {
  const { congestionControl = 'newreno', peerWindow, roundTrip = 0, settings } = options;
  const peer = { mss: MSS, ...options.peer };
  const net = new Harness({ settings: { congestionControl, ...settings }, peer, peerWindow });
  net.synSent();
  net.wait(roundTrip);
  net.inject({ flags: 'S.', ack: 1, options: net.peerOptions });
  net.user.calls.length = 0;
  return net;
}

/** Segments as `start+length`. */
export function ranges(segments: readonly OwnSegment[]): string[] {
  return segments.map(({ seq, length }) => `${seq}+${length}`);
}

/** A SACK block in numbers relative to ours. */
export function block(net: Harness, start: number, end: number) {
  return { start: (net.iss + start) | 0, end: (net.iss + end) | 0 };
}

/** An ACK with SACK blocks, in numbers relative to ours. */
export function selectiveAck(net: Harness, ack: number, ...blocks: [number, number][]): PeerSegment {
  return { seq: 1, ack, options: { sack: blocks.map(([start, end]) => block(net, start, end)) } };
}
