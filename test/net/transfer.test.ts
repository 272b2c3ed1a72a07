// Bytes through NAT and ISP over a bad cable: intact, or given up with ETIMEDOUT; never wrong, never a hang.

import { describe, expect, it } from 'vitest';
import { ipv4 } from '../../shared/core/address.ts';
import { type Random, seededRandom } from '../../shared/core/random.ts';
import { ADDRESSES, type CableName, DefaultNet } from '../support/default-net.ts';
import { lossyFate } from '../support/lossy.ts';
import { Talker, type TalkerOptions } from '../support/tcp-talker.ts';

const MEGABYTE = 1 << 20;
/** How many seeds each property is tried with; a long run sets TINCAN_SEEDS=1000. */
const SEEDS = Number(process.env.TINCAN_SEEDS ?? 200);
/** The worst cables take a quarter as many: most of their time is waiting, and all of it is simulated. */
const WORST_SEEDS = Math.ceil(SEEDS / 4);
/** ms of virtual time that a transfer may take before it counts as hung. */
const PATIENCE = 4 * 3_600_000;

const CABLES: readonly CableName[] = ['laptop-router', 'uplink', 'isp-web'];

/** Who says the megabyte: the client, the server after the client has ended, or both at once. */
type Direction = 'up' | 'down' | 'both';
const DIRECTIONS: readonly Direction[] = ['up', 'down', 'both'];

interface Transfer {
  readonly net: DefaultNet;
  readonly client: Talker;
  readonly server: Talker;
  readonly upward: Uint8Array;
  readonly downward: Uint8Array;
  /** Whether it came to an end, however. */
  readonly ended: boolean;
}

/** As `random.bytes`, a word at a time. */
function randomBytes(random: Random, length: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let index = 0; index < words.length; index++) words[index] = random.uint32();
  return new Uint8Array(words.buffer, 0, length);
}

/** One transfer, all of whose circumstances follow from the seed; loss and the rest are `worst` at most. */
function transfer(seed: number, worst: number, size: number): Transfer {
  const random = seededRandom(seed, 'transfer');
  const share = (): number => (random.fraction() < 0.5 ? worst : random.fraction() * worst);
  const direction = DIRECTIONS[seed % DIRECTIONS.length] ?? 'both';
  const badCable = CABLES[random.integer(0, CABLES.length - 1)] ?? 'uplink';
  const lossy = { loss: share(), duplicate: share(), reorder: share(), delay: random.integer(0, 20) };
  const net = new DefaultNet({ seed, fates: { [badCable]: lossyFate(seededRandom(seed, 'fate'), lossy) } });
  return { net, ...talk(net, random, direction, size) };
}

function talk(
  net: DefaultNet,
  random: Random,
  direction: Direction,
  size: number,
): Pick<Transfer, 'client' | 'server' | 'upward' | 'downward' | 'ended'> {
  const upward = randomBytes(random, direction === 'down' ? 100 : size);
  const downward = randomBytes(random, direction === 'up' ? 100 : size);
  const { clock } = net;
  const slowly = (): Pick<TalkerOptions, 'readsSlowly'> =>
    random.fraction() < 0.2 ? { readsSlowly: random.integer(1, 50_000) } : {};
  const server = new Talker({ clock, outgoing: downward, listensFirst: direction !== 'both', ...slowly() });
  const client = new Talker({ clock, outgoing: upward, ...slowly() });
  net.web.stack.tcp.listen({
    port: 80,
    accept: (connection) => {
      server.connection = connection;
      connection.user = server;
      server.connected();
    },
  });
  client.connection = net.laptop.stack.tcp.connect({ address: ipv4(ADDRESSES.web), port: 80, user: client });
  // Whoever only listens does not learn that the other side has given up.
  const ended = clock.runUntil(
    () =>
      (client.finished && server.finished) || client.failure !== undefined || server.failure !== undefined,
    PATIENCE,
  );
  return { client, server, upward, downward, ended };
}

/** What a transfer came to, in a word that tells what went wrong. */
function verdict({ net, client, server, upward, downward, ended }: Transfer): string {
  const cut = (heard: Uint8Array, said: Uint8Array): boolean =>
    !Buffer.from(said.buffer, said.byteOffset, heard.length).equals(heard);
  if (net.faults.length > 0) return `bad frame: ${net.faults[0]}`;
  if (!ended) return 'hung';
  if (server.heard.length > upward.length || cut(server.heard, upward)) return 'wrong bytes upward';
  if (client.heard.length > downward.length || cut(client.heard, downward)) return 'wrong bytes downward';
  const failure = [client, server]
    .map(({ outcome }) => outcome)
    .find((outcome) => typeof outcome === 'object');
  if (failure) return failure.code;
  const whole = server.heard.length === upward.length && client.heard.length === downward.length;
  return whole ? 'intact' : 'cut short without an error';
}

describe('1 MB through NAT and ISP', () => {
  it(`arrives intact at up to 10% loss, duplication and reordering each way (${SEEDS} seeds)`, () => {
    const bad: string[] = [];
    for (let seed = 0; seed < SEEDS; seed++) {
      const outcome = verdict(transfer(seed, 0.1, MEGABYTE));
      if (outcome !== 'intact') bad.push(`seed ${seed}: ${outcome}`);
    }
    expect(bad).toEqual([]);
  }, 600_000);

  it(`an eighth of it arrives intact or ends in ETIMEDOUT at up to 30% (${WORST_SEEDS} seeds)`, () => {
    const bad: string[] = [];
    for (let seed = 0; seed < WORST_SEEDS; seed++) {
      const outcome = verdict(transfer(seed, 0.3, MEGABYTE / 8));
      if (outcome !== 'intact' && outcome !== 'ETIMEDOUT') bad.push(`seed ${seed}: ${outcome}`);
    }
    expect(bad).toEqual([]);
  }, 600_000);
});
