// Segments that are sent as a train leave as the same packets as one by one.

import { describe, expect, it } from 'vitest';
import { ipv4 } from '../../shared/core/address.ts';
import type { Train } from '../../shared/core/train.ts';
import type { SendOptions } from '../../shared/stack/network-layer.ts';
import type { PacketHook } from '../../shared/stack/packet-hook.ts';
import { stackBench } from '../support/stack-bench.ts';

const OWN = '10.0.0.1';
const STATION = '10.0.0.2';
const OPTIONS: SendOptions = {
  protocol: 253,
  source: ipv4(OWN),
  destination: ipv4(STATION),
  dontFragment: true,
  ttl: 9,
  tos: 0x28,
};

function bench({ station = STATION, hook }: { station?: string; hook?: PacketHook } = {}) {
  const opened = stackBench({
    interfaces: { eth0: { address: `${OWN}/24`, station } },
    ...(hook && { hook: () => hook }),
  });
  return { ...opened, network: opened.stack.ipv4, far: opened.station('eth0') };
}

function segments(count: number, length: number): Train {
  return { count, length, write: (index, target, at) => target.fill(index + 1, at, at + length) };
}

/** The same, each by itself. */
function sendApart({ network }: ReturnType<typeof bench>, count: number, length: number): void {
  for (let index = 0; index < count; index++) {
    const buffer = new Uint8Array(network.headroom + length);
    buffer.fill(index + 1, network.headroom);
    network.send(buffer, OPTIONS);
  }
}

const acceptAll: PacketHook = {
  prerouting: () => 'accept',
  postrouting: () => 'accept',
  steady: () => true,
};

describe('a train of segments', () => {
  it.each([
    ['to a neighbour that is known', {}],
    ['through a hook', { hook: acceptAll }],
  ])('%s leaves as the same frames', (_name, options) => {
    const [whole, apart] = [bench(options), bench(options)];
    for (const each of [whole, apart]) {
      sendApart(each, 1, 10);
      each.far.frames();
    }
    expect(whole.network.sendTrain(segments(43, 700), OPTIONS)).toBeUndefined();
    sendApart(apart, 43, 700);
    sendApart(whole, 1, 20);
    sendApart(apart, 1, 20);
    const frames = whole.far.frames();
    expect(frames).toHaveLength(44);
    expect(frames).toEqual(apart.far.frames());
  });

  it('waits for the neighbour as single ones do', () => {
    const [whole, apart] = [bench(), bench()];
    expect(whole.network.sendTrain(segments(3, 700), OPTIONS)).toBeUndefined();
    sendApart(apart, 3, 700);
    // The question, and what waited for its answer.
    const frames = whole.far.frames();
    expect(frames.length).toBeGreaterThan(1);
    expect(frames).toEqual(apart.far.frames());
  });

  it('is refused whole if its segments are too long', () => {
    const { network, far } = bench();
    expect(network.sendTrain(segments(3, 1481), OPTIONS)).toBe('EMSGSIZE');
    expect(far.frames()).toEqual([]);
  });

  it('is fragmented where that is allowed', () => {
    const [whole, apart] = [bench(), bench()];
    for (const each of [whole, apart]) {
      sendApart(each, 1, 10);
      each.far.frames();
    }
    const { network } = apart;
    const options = { ...OPTIONS, dontFragment: false };
    expect(whole.network.sendTrain(segments(3, 2000), options)).toBeUndefined();
    for (let index = 0; index < 3; index++) {
      const buffer = new Uint8Array(network.headroom + 2000);
      buffer.fill(index + 1, network.headroom);
      network.send(buffer, options);
    }
    const frames = whole.far.frames();
    expect(frames).toHaveLength(6);
    expect(frames).toEqual(apart.far.frames());
  });
});
