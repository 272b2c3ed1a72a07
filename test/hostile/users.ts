// What goes on in the net while it is attacked: downloads, uploads, names, pings, routes traced. Whatever
// fails, they go on.

import { exchange } from '../../shared/apps/dns/exchange.ts';
import { fetchUrl } from '../../shared/apps/http/client.ts';
import { ping } from '../../shared/apps/ping/ping.ts';
import { traceroute } from '../../shared/apps/traceroute/traceroute.ts';
import type { Random } from '../../shared/core/random.ts';
import type { Sockets } from '../../shared/socket/sockets.ts';
import { dnsQuery } from '../../shared/wire/dns/message.ts';
import { anyOf } from './mutations/mutation.ts';

/** ms of virtual time after which a user gives up what it does. */
const PATIENCE = 3000;

type Deed = (sockets: Sockets, random: Random, signal: AbortSignal) => Promise<unknown>;

/** Only what takes the same turns in each run: no files, whose reading takes as long as the disk likes. */
const DEEDS: readonly Deed[] = [
  async (sockets, random, signal) => {
    const url = `http://www.example.com/bytes/${random.integer(0, 200_000)}`;
    const { body } = await fetchUrl(sockets, url, { signal });
    for await (const _ of body);
  },
  async (sockets, random, signal) => {
    const body = random.bytes(random.integer(1, 30_000));
    const answer = await fetchUrl(sockets, 'http://93.184.216.34/bytes', { method: 'POST', body, signal });
    for await (const _ of answer.body);
  },
  async (sockets, _, signal) => {
    const { body } = await fetchUrl(sockets, 'http://ifconfig.me/', { signal });
    for await (const _chunk of body);
  },
  async (sockets, random, signal) => {
    const name = anyOf(
      ['www.example.com', 'alias.example.com', 'none.example.com', 'www.example.org'],
      random,
    );
    const query = dnsQuery({ id: random.integer(0, 0xffff), name, type: anyOf(['A', 'MX', 'ANY'], random) });
    await exchange(sockets, { server: '8.8.8.8', query, transport: 'udp', timeout: 2000, signal });
  },
  async (sockets, random, signal) => {
    const query = dnsQuery({ id: random.integer(0, 0xffff), name: 'big.example.com', type: 'TXT' });
    await exchange(sockets, { server: '8.8.8.8', query, transport: 'tcp', timeout: 5000, signal });
  },
  async (sockets) => sockets.lookup?.('www.example.com'),
  async (sockets, random, signal) => {
    const destination = anyOf(['8.8.8.8', '192.168.0.1', '93.184.216.34', '192.168.0.77'], random);
    const size = anyOf([0, 56, 3000], random);
    await ping(sockets, { destination, count: 3, interval: 200, size, timeout: 1000, signal });
  },
  async (sockets, random, signal) => {
    const method = anyOf(['udp', 'icmp'] as const, random);
    const options = { firstTtl: 1, maxTtl: 5, probes: 2, wait: 500, signal, onProbe: () => {} };
    await traceroute(sockets, { destination: '93.184.216.34', method, ...options });
  },
];

/** Somebody at a device who does one thing after the other until `leave`. */
export class User {
  #left = false;
  /** What came to a good end, and what did not. */
  done = 0;
  failed = 0;
  readonly #deeds = new Set<AbortController>();

  constructor(
    private readonly sockets: Sockets,
    private readonly random: Random,
  ) {
    void this.#live();
  }

  leave(): void {
    this.#left = true;
    for (const deed of this.#deeds) deed.abort();
  }

  async #live(): Promise<void> {
    const { clock } = this.sockets;
    while (!this.#left) {
      const aborter = new AbortController();
      // In a turn of its own, as timers of Node's are.
      const patience = clock.after(PATIENCE, () => setImmediate(() => aborter.abort()));
      this.#deeds.add(aborter);
      try {
        await anyOf(DEEDS, this.random)(this.sockets, this.random, aborter.signal);
        this.done++;
      } catch {
        this.failed++;
      }
      patience.cancel();
      this.#deeds.delete(aborter);
      await new Promise<void>((resolve) => {
        clock.after(this.random.integer(1, 20), resolve);
      });
    }
  }
}
