// What hosts behind the router see of the world, and the world of them, at the level of stacks.

import { describe, expect, it } from 'vitest';
import { formatIpv4, ipv4 } from '../../shared/core/address.ts';
import { seededRandom } from '../../shared/core/random.ts';
import type { ReceivedDatagram, ReceivedEcho } from '../../shared/stack/datagram-api.ts';
import type { ReceivedError } from '../../shared/stack/network-layer.ts';
import { ADDRESSES, DefaultNet, type Node } from '../support/default-net.ts';
import { Talker } from '../support/tcp-talker.ts';

const WEB = ipv4(ADDRESSES.web);
const DNS = ipv4(ADDRESSES.dns);
const WAN = ipv4(ADDRESSES.wan);
const BYTES = seededRandom('through-nat').bytes(100_000);

/** Pings once and waits; what came back. */
function ping(
  net: DefaultNet,
  from: Node,
  to: number,
  options: { ttl?: number; size?: number; dontFragment?: boolean } = {},
): { replies: ReceivedEcho[]; errors: ReceivedError[] } {
  const replies: ReceivedEcho[] = [];
  const errors: ReceivedError[] = [];
  const endpoint = from.stack.echo.open({
    replied: (reply) => replies.push({ ...reply, data: reply.data.slice() }),
    failed: (error) => errors.push(error),
  });
  const { ttl, dontFragment } = options;
  endpoint.send(to, 1, BYTES.slice(0, options.size ?? 56), { ttl, dontFragment });
  net.clock.runUntil(() => replies.length + errors.length > 0, 10_000);
  endpoint.close();
  return { replies, errors };
}

/** Answers every datagram with the address and port that it seemed to come from. */
function serveReflection(node: Node, port: number): ReceivedDatagram[] {
  const received: ReceivedDatagram[] = [];
  const endpoint = node.stack.udp.bind({
    port,
    user: {
      received(datagram) {
        received.push({ ...datagram, data: datagram.data.slice() });
        endpoint.send(datagram.data.slice(), datagram.source, datagram.port);
      },
      failed() {},
    },
  });
  return received;
}

/** A client that speaks to a server that answers once it has heard all; both are returned when they are done. */
function converse(
  net: DefaultNet,
  client: Node,
  server: Node,
  to: { address: number; port: number; listenPort?: number; localPort?: number },
): { client: Talker; server: Talker } {
  const { clock } = net;
  const serverSide = new Talker({ clock, outgoing: BYTES, listensFirst: true });
  const clientSide = new Talker({ clock, outgoing: BYTES.slice(0, 5000) });
  server.stack.tcp.listen({
    port: to.listenPort ?? to.port,
    accept(connection) {
      serverSide.connection = connection;
      connection.user = serverSide;
      serverSide.connected();
    },
  });
  clientSide.connection = client.stack.tcp.connect({
    address: to.address,
    port: to.port,
    localPort: to.localPort,
    user: clientSide,
  });
  return { client: clientSide, server: serverSide };
}

describe('ping and traceroute through the NAT', () => {
  it('NAT-5: laptop and phone both ping, and the router itself, and the world pings the router', () => {
    const net = new DefaultNet();
    for (const from of [net.laptop, net.phone, net.router, net.isp])
      for (const to of [WEB, DNS, WAN]) {
        const { replies } = ping(net, from, to);
        expect(replies).toHaveLength(1);
        expect(replies[0]).toMatchObject({ from: to, sequence: 1 });
        expect(replies[0]?.data).toEqual(BYTES.slice(0, 56));
      }
    expect(net.faults).toEqual([]);
  });

  it('NAT-7: a ping of 4,000 bytes crosses in fragments, both ways', () => {
    const net = new DefaultNet();
    const { replies } = ping(net, net.laptop, WEB, { size: 4000 });
    expect(replies[0]?.data).toEqual(BYTES.slice(0, 4000));
    expect(ping(net, net.web, WAN, { size: 4000 }).replies).toHaveLength(1);
    expect(net.faults).toEqual([]);
  });

  it('NAT-4: echo probes with growing TTL are answered by each hop and the target', () => {
    const net = new DefaultNet();
    const hops = [1, 2, 3].map((ttl) => {
      const { replies, errors } = ping(net, net.laptop, WEB, { ttl });
      return formatIpv4(replies[0]?.from ?? errors[0]?.from ?? 0);
    });
    expect(hops).toEqual([ADDRESSES.lan, ADDRESSES.isp, ADDRESSES.web]);
    expect(net.faults).toEqual([]);
  });

  it('NAT-4: so are UDP probes, the target by port unreachable, each about the right port', () => {
    const net = new DefaultNet();
    const reports: [string, string, number, number][] = [];
    const endpoint = net.phone.stack.udp.bind({
      user: {
        received: () => {},
        failed: (error, port) => reports.push([formatIpv4(error.from), error.kind, error.code, port]),
      },
    });
    for (const ttl of [1, 2, 3]) {
      endpoint.send(BYTES.slice(0, 32), WEB, 33433 + ttl, { ttl });
      net.clock.advance(1000);
    }
    expect(reports).toEqual([
      [ADDRESSES.lan, 'time-exceeded', 0, 33434],
      [ADDRESSES.isp, 'time-exceeded', 0, 33435],
      [ADDRESSES.web, 'unreachable', 3, 33436],
    ]);
    expect(net.faults).toEqual([]);
  });

  it('NAT-4: the router reports a next hop that does not answer to the sender inside', () => {
    const net = new DefaultNet();
    const { errors } = ping(net, net.laptop, ipv4('51.0.0.99'));
    expect(errors).toMatchObject([{ kind: 'unreachable', code: 1, destination: ipv4('51.0.0.99') }]);
    expect(net.faults).toEqual([]);
  });

  it('NAT-4: a path with a smaller MTU is reported through the NAT', () => {
    const net = new DefaultNet({ mtus: { 'isp-web': 1200 } });
    const { errors } = ping(net, net.laptop, WEB, { size: 1400, dontFragment: true });
    expect(errors).toMatchObject([{ kind: 'too-big', mtu: 1200 }]);
    expect(ping(net, net.laptop, WEB, { size: 1400 }).replies).toHaveLength(1);
    expect(net.faults).toEqual([]);
  });
});

describe('UDP through the NAT', () => {
  it('NAT-5: two hosts with the same source port each get their own answer', () => {
    const net = new DefaultNet();
    const seen = serveReflection(net.dns, 53);
    const answers = [net.laptop, net.phone].map((host, index) => {
      const got: Uint8Array[] = [];
      const user = { received: (datagram: ReceivedDatagram) => got.push(datagram.data.slice()), failed() {} };
      host.stack.udp.bind({ port: 50_000, user }).send(Uint8Array.of(index), DNS, 53);
      return got;
    });
    net.clock.advance(1000);
    expect(answers).toEqual([[Uint8Array.of(0)], [Uint8Array.of(1)]]);
    expect(seen.map(({ source }) => formatIpv4(source))).toEqual([ADDRESSES.wan, ADDRESSES.wan]);
    expect(new Set(seen.map(({ port }) => port)).size).toBe(2);
    expect(net.faults).toEqual([]);
  });

  it('NAT-9: a forward is reached from outside, and from inside as the outer address', () => {
    const net = new DefaultNet({
      forwards: [{ protocol: 'udp', port: 5353, to: { address: ipv4(ADDRESSES.laptop), port: 53 } }],
    });
    const seen = serveReflection(net.laptop, 53);
    const answers: string[] = [];
    for (const host of [net.web, net.phone])
      host.stack.udp
        .bind({
          user: {
            received: ({ source, port, data }) =>
              answers.push(`${formatIpv4(source)}:${port} ${data.length}`),
            failed() {},
          },
        })
        .send(BYTES.slice(0, 3000), WAN, 5353);
    net.clock.advance(1000);
    expect(answers).toEqual([`${ADDRESSES.wan}:5353 3000`, `${ADDRESSES.wan}:5353 3000`]);
    expect(seen.map(({ source }) => formatIpv4(source)).sort()).toEqual(
      [ADDRESSES.wan, ADDRESSES.web].sort(),
    );
    expect(net.faults).toEqual([]);
  });
});

describe('TCP through the NAT', () => {
  it('NAT-5: laptop and phone talk to one server from the same port at once', () => {
    const net = new DefaultNet();
    const first = converse(net, net.laptop, net.web, { address: WEB, port: 80, localPort: 50_000 });
    const second = converse(net, net.phone, net.dns, { address: DNS, port: 80, localPort: 50_000 });
    const third = new Talker({ clock: net.clock, outgoing: BYTES });
    third.connection = net.phone.stack.tcp.connect({ address: WEB, port: 81, user: third });
    net.clock.runUntil(() => first.client.finished && second.client.finished, 60_000);
    for (const { client, server } of [first, second]) {
      expect(client.heard.equals(BYTES)).toBe(true);
      expect(server.heard.equals(BYTES.slice(0, 5000))).toBe(true);
    }
    expect(third.failure?.code).toBe('ECONNREFUSED');
    expect(net.faults).toEqual([]);
  });

  it('NAT-1: the table shows the flow while it lasts, then its closing, then nothing', () => {
    const net = new DefaultNet();
    const { client } = converse(net, net.laptop, net.web, { address: WEB, port: 80 });
    net.clock.runUntil(() => client.heard.length > 0, 60_000);
    expect(net.nat.table()).toMatchObject([
      {
        protocol: 'tcp',
        inside: { address: ipv4(ADDRESSES.laptop), port: client.connection?.local.port },
        outside: { address: WAN },
        destination: { address: WEB, port: 80 },
      },
    ]);
    net.clock.runUntil(() => client.finished, 60_000);
    net.clock.advance(1000);
    expect(net.nat.table()[0]?.state).toBe('time-wait');
    net.clock.advance(5 * 60_000);
    expect(net.nat.table()).toEqual([]);
  });

  it('NAT-9: a server inside is reached by its forward, from outside and from inside', () => {
    for (const side of ['web', 'phone'] as const) {
      const net = new DefaultNet({
        forwards: [{ protocol: 'tcp', port: 8080, to: { address: ipv4(ADDRESSES.laptop), port: 80 } }],
      });
      const { client, server } = converse(net, net[side], net.laptop, {
        address: WAN,
        port: 8080,
        listenPort: 80,
      });
      net.clock.runUntil(() => client.finished && server.finished, 60_000);
      expect(client.heard.equals(BYTES)).toBe(true);
      expect(server.heard.equals(BYTES.slice(0, 5000))).toBe(true);
      expect(formatIpv4(server.connection?.remote.address ?? 0)).toBe(
        side === 'web' ? ADDRESSES.web : ADDRESSES.wan,
      );
      expect(net.faults).toEqual([]);
    }
  });

  it('NAT-6: a SYN from outside to a port of nobody meets silence', () => {
    const net = new DefaultNet();
    const client = new Talker({ clock: net.clock, outgoing: BYTES });
    client.connection = net.web.stack.tcp.connect({ address: WAN, port: 22, user: client });
    net.clock.advance(7000);
    expect(client.outcome).toBeUndefined();
    net.clock.runUntil(() => client.outcome !== undefined, 600_000);
    expect(client.failure?.code).toBe('ETIMEDOUT');
    expect(net.router.counters.get('nat.unsolicited')).toBeGreaterThan(3);
    expect(net.router.log.named('nat.bind')).toEqual([]);
    expect(net.faults).toEqual([]);
  });

  it('NAT-4: a smaller MTU on the way is found through the NAT, without a wait for a timeout', () => {
    const net = new DefaultNet({ mtus: { 'isp-web': 1200 }, webMtu: 1500 });
    const upward = new Talker({ clock: net.clock, outgoing: BYTES });
    const sink = new Talker({ clock: net.clock, outgoing: new Uint8Array() });
    net.web.stack.tcp.listen({
      port: 80,
      accept(connection) {
        sink.connection = connection;
        connection.user = sink;
        sink.connected();
      },
    });
    upward.connection = net.laptop.stack.tcp.connect({ address: WEB, port: 80, user: upward });
    expect(net.clock.runUntil(() => sink.heardAll, 60_000)).toBe(true);
    expect(sink.heard.equals(BYTES)).toBe(true);
    expect(net.clock.now()).toBeLessThan(1000);
    expect(net.faults).toEqual([]);
  });

  it('a connection whose sessions were forgotten is reset as soon as it speaks', () => {
    const net = new DefaultNet();
    const client = new Talker({ clock: net.clock, outgoing: BYTES.slice(0, 10) });
    const server = new Talker({ clock: net.clock, outgoing: new Uint8Array(), listensFirst: true });
    net.web.stack.tcp.listen({
      port: 80,
      accept(connection) {
        server.connection = connection;
        connection.user = server;
      },
    });
    client.connection = net.laptop.stack.tcp.connect({
      address: WEB,
      port: 80,
      user: { ...idleUser(), closed: (error) => client.closed(error) },
    });
    net.clock.runUntil(() => client.connection?.state === 'ESTABLISHED', 10_000);
    net.clock.advance(1000);
    net.nat.flush();
    client.connection.write(BYTES.slice(0, 10));
    net.clock.runUntil(() => client.outcome !== undefined, 600_000);
    expect(client.failure?.code).toBe('ECONNRESET');
    expect(net.faults).toEqual([]);
  });
});

function idleUser() {
  return { connected() {}, readable() {}, writable() {}, drained() {} };
}
