// A router between two links, on a virtual clock.

import { decodeIpv4 } from '../../shared/wire/ipv4.ts';
import { type BenchOptions, stackBench } from './stack-bench.ts';

/** left 10.0.1.0/24 and right 10.0.2.0/24 with a station each, and a default route to the right. */
export function router(options: Partial<BenchOptions> = {}, rightMtu = 1500) {
  const bench = stackBench({
    interfaces: {
      left: { address: '10.0.1.1/24', station: '10.0.1.2' },
      right: { address: '10.0.2.1/24', station: '10.0.2.2', mtu: rightMtu },
    },
    routes: { '10.9.0.0/16': '10.0.2.2' },
    forwarding: true,
    ...options,
  });
  const left = bench.station('left');
  const right = bench.station('right');
  /** Sends a packet from the left to the router. */
  const send = (packet: Uint8Array) => left.send(packet, bench.mac('left'));
  return { ...bench, left, right, send };
}

export const FROM = '10.0.1.2:1000';
export const TO = '10.0.2.2:2000';

/** The IPv4 packets among frames, decoded, fragments too. */
export function packetsOf(frames: readonly Uint8Array[]) {
  return frames.flatMap((frame) => {
    const packet = decodeIpv4(frame.subarray(14));
    return frame[12] === 8 && frame[13] === 0 && 'payload' in packet ? [packet] : [];
  });
}
