// Frames a second through the NAT router alone: one program floods its LAN port, another counts outside.

import { mac } from '../../shared/core/address.ts';
import { ETHERNET_HEADER_LENGTH, ETHERTYPE_IPV4, writeEthernet } from '../../shared/wire/ethernet.ts';
import { udpPacket } from '../support/packets.ts';
import type { Figure, Size, Trial } from './figure.ts';
import { ROUTER_MAC, routerAlone } from './nets.ts';
import { chain, flood, Station } from './station.ts';

const UDP_IN_IPV4 = 20 + 8;

/** A datagram of a host on the LAN for the far side, in a frame of `length` bytes, in hex. */
function udpFrame(length: number, checksum = true): string {
  const data = new Uint8Array(length - ETHERNET_HEADER_LENGTH - UDP_IN_IPV4);
  const packet = udpPacket('192.168.0.9:4000', '93.184.216.34:4001', { data, checksum });
  const frame = new Uint8Array(length);
  frame.set(packet, ETHERNET_HEADER_LENGTH);
  writeEthernet(frame, mac(ROUTER_MAC), mac('02:00:00:00:be:02'), ETHERTYPE_IPV4);
  return Buffer.from(frame).toString('hex');
}

async function open(size: Size, length: number): Promise<Trial> {
  const frame = udpFrame(length);
  const net = await routerAlone();
  const [wan, lan] = [net.attach('router:wan'), net.attach('router:lan1')];
  const sink = await Station.start({ role: 'sink', to: wan.url, token: wan.token });
  const source = await Station.start({ role: 'source', to: lan.url, token: lan.token, frame });
  const relay = await chain(1, { frame });
  return {
    ours: async () => (await flood({ source, sink }, size.duration)).frames,
    against: async () => (await flood(relay, size.duration)).frames,
    close: async () => {
      await source.end();
      await sink.end();
      await relay.close();
      await net.close();
    },
  };
}

function forwarding(length: number, ratio: number): Figure {
  return {
    name: `forwarding-${length}`,
    title: `${length}-byte UDP frames through the NAT router`,
    against: 'bare relay of one process',
    unit: 'frames/s',
    goal: { at: 'least', ratio },
    open: (size) => open(size, length),
  };
}

const FEW_FLOWS = 100;
const MANY_FLOWS = 10_000;

/** One router that many flows go through, and one with few: how much longer it takes to find what belongs to each. */
async function openFlows(size: Size): Promise<Trial> {
  const [many, few] = [await flooded(MANY_FLOWS), await flooded(FEW_FLOWS)];
  return {
    ours: async () => (await flood(many, size.duration)).frames,
    against: async () => (await flood(few, size.duration)).frames,
    close: async () => {
      await many.close();
      await few.close();
    },
  };
}

async function flooded(flows: number) {
  const net = await routerAlone();
  const [wan, lan] = [net.attach('router:wan'), net.attach('router:lan1')];
  const sink = await Station.start({ role: 'sink', to: wan.url, token: wan.token });
  const frame = udpFrame(64, false);
  const source = await Station.start({ role: 'source', to: lan.url, token: lan.token, frame, flows });
  return {
    source,
    sink,
    close: async () => {
      await source.end();
      await sink.end();
      await net.close();
    },
  };
}

const flows: Figure = {
  name: 'flows',
  title: '64-byte UDP frames of 10,000 flows through the NAT router',
  against: 'of 100 flows',
  unit: 'frames/s',
  open: openFlows,
};

export const forwardingFigures: readonly Figure[] = [forwarding(1500, 0.7), forwarding(64, 0.5), flows];
