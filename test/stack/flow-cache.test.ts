import { describe, expect, test, vi } from 'vitest';
import { type Ipv4Address, inNetwork, ipv4 } from '../../shared/core/address.ts';
import { Counters } from '../../shared/core/counters.ts';
import { type Random, seededRandom } from '../../shared/core/random.ts';
import { FlowCache } from '../../shared/stack/flow-cache.ts';
import type { Ipv4 } from '../../shared/stack/ipv4.ts';
import { Nat } from '../../shared/stack/nat/nat.ts';
import { ETHERTYPE_IPV4, encodeEthernet } from '../../shared/wire/ethernet.ts';
import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN } from '../../shared/wire/tcp.ts';
import { echoPacket, fragmentsOf, tcpPacket, udpPacket } from '../support/packets.ts';
import { RecordedLog } from '../support/recorded-log.ts';
import { stackBench } from '../support/stack-bench.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const INSIDE = { address: ipv4('10.0.1.0'), prefixLength: 24 };
const OUTSIDE = '10.0.2.1';
const MTU_OUTSIDE = 1400;

/** A router between left and right: as it is, or with the left behind its NAT. */
function router(translates: boolean) {
  let nat: Nat | undefined;
  const counters = new Counters();
  const hook = (network: Ipv4) => {
    nat = new Nat({
      clock: new VirtualClock(),
      random: seededRandom(1, 'nat'),
      log: new RecordedLog(),
      counters,
      outside: 'right',
      outsideAddress: () => ipv4(OUTSIDE),
      isInside: (address: Ipv4Address) => inNetwork(address, INSIDE),
      forwards: [{ protocol: 'tcp', port: 80, to: { address: ipv4('10.0.1.2'), port: 8080 } }],
      inject: (packet, from) => network.inject(packet, from),
    });
    return nat;
  };
  const bench = stackBench({
    interfaces: {
      left: { address: '10.0.1.1/24', station: '10.0.1.2' },
      right: { address: `${OUTSIDE}/24`, station: '10.0.2.2', mtu: MTU_OUTSIDE },
    },
    routes: { '10.9.0.0/16': '10.0.2.2' },
    forwarding: true,
    ...(translates && { hook }),
  });
  const stations = { left: bench.station('left'), right: bench.station('right') };
  return {
    ...bench,
    stations,
    nat: () => nat?.table(),
    natCounters: counters,
    frame: (side: 'left' | 'right', payload: Uint8Array) =>
      encodeEthernet({
        destination: bench.mac(side),
        source: stations[side].mac,
        type: ETHERTYPE_IPV4,
        payload,
      }),
  };
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[random.integer(0, values.length - 1)]!;
}

type Ends = readonly [from: string, to: string];

/** The ends of a flow from a side, or to the router's outer address. */
function ends(random: Random, side: 'left' | 'right'): Ends {
  const inside = `${pick(random, ['10.0.1.2', '10.0.1.3'])}:${pick(random, [1000, 8080])}`;
  const outside = `${pick(random, ['10.0.2.2', '10.9.0.1'])}:${pick(random, [80, 443])}`;
  const outer = `${OUTSIDE}:${pick(random, [80, 1000])}`;
  return side === 'left'
    ? [inside, pick(random, [outside, outside, outer])]
    : [outside, pick(random, [inside, outer])];
}

/** A plain packet of a flow as a rule, but now and then anything but. */
function packet(random: Random, [from, to]: Ends): Uint8Array {
  const rarely = random.integer(0, 5) === 0;
  const header = {
    ttl: rarely ? pick(random, [1, 2]) : 64,
    identification: random.integer(0, 0xffff),
    dontFragment: pick(random, [true, true, false]),
    tos: pick(random, [0, 0, 3]),
    ...(random.integer(0, 15) === 0 && { options: Uint8Array.of(1, 1, 1, 0) }),
  };
  const payload = new Uint8Array(pick(random, [0, 1, 100, 100, 1360])).fill(random.integer(0, 255));
  const flags = rarely ? pick(random, [TCP_SYN, TCP_ACK | TCP_FIN, TCP_RST, TCP_ACK | TCP_SYN]) : TCP_ACK;
  const psh = pick(random, [0, TCP_PSH]);
  const acknowledgment = random.integer(0, 3000);
  const tcp = () => tcpPacket(from, to, { flags: flags | psh, payload, acknowledgment }, header);
  const udp = () => udpPacket(from, to, { data: payload, header, checksum: random.integer(0, 3) > 0 });
  const echo = () => echoPacket('request', from, to, 1, payload);
  const made = pick(random, [tcp, tcp, tcp, tcp, udp, udp, udp, echo])();
  if (random.integer(0, 19) === 0 && payload.length > 50 && !('options' in header))
    return fragmentsOf(made, 48)[pick(random, [0, 1])] ?? made;
  if (random.integer(0, 19) === 0) made[random.integer(0, made.length - 1)]! ^= 1 << random.integer(0, 7);
  return random.integer(0, 19) === 0 ? Uint8Array.of(...made, 0, 0) : made;
}

/** What a router does with messages of packets: sent all in one, or each in one of its own. */
function run(seed: number, translates: boolean, together: boolean) {
  const net = router(translates);
  const random = seededRandom(seed, 'packets');
  const seen: unknown[] = [];
  // Neighbours are known, so that no packet waits.
  for (const side of ['left', 'right'] as const) {
    const own = side === 'left' ? '10.0.1' : '10.0.2';
    for (const host of [2, 3]) {
      net.stations[side].address = `${own}.${host}`;
      net.stations[side].send(echoPacket('request', `${own}.${host}:1`, `${own}.1:0`), net.mac(side));
    }
    net.stations[side].frames();
  }
  for (let message = 0; message < 30; message++) {
    const side = random.integer(0, 1) === 0 ? 'left' : 'right';
    const flows = [ends(random, side), ends(random, side)];
    const frames = Array.from({ length: 20 }, () => net.frame(side, packet(random, pick(random, flows))));
    const port = net.cable(side).b;
    for (const frame of frames) {
      port.send(frame);
      if (!together) net.clock.settle();
    }
    net.clock.settle();
    seen.push(net.stations.left.frames(), net.stations.right.frames());
  }
  return { seen, counters: net.counters.snapshot(), nat: net.nat(), natCounters: net.natCounters.snapshot() };
}

describe('packets that follow others in their message', () => {
  test.each([
    ['a router', false],
    ['a router with NAT', true],
  ])('leave %s as if each had come alone', (_, translates) => {
    const follow = vi.spyOn(FlowCache.prototype, 'follow');
    const followed = () => follow.mock.results.filter(({ value }) => value).length;
    let together = 0;
    for (let seed = 1; seed <= 6; seed++) {
      const alone = run(seed, translates, false);
      expect(followed()).toBe(0);
      expect(run(seed, translates, true)).toEqual(alone);
      together += followed();
      follow.mockClear();
    }
    expect(together).toBeGreaterThan(50);
    follow.mockRestore();
  });
});
