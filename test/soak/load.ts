// What keeps the net busy: programs on two hosts that download, upload, look names up and ping, over and
// over. Each try ends well, or with an error of those that a broken net has, or it is a problem.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Net } from '../../orchestrator/api.ts';
import { type Random, seededRandom } from '../../shared/core/random.ts';
import { ACTIVITIES, type Activity, attempt } from './programs.ts';
import { HOSTS } from './soak-net.ts';

/** ms that a program waits for the end of a try, and how long after that its call may take to end. */
const PATIENCE: Readonly<Record<Activity, number>> = {
  download: 4000,
  'long download': 20_000,
  upload: 4000,
  resolve: 4000,
  ping: 4000,
};
const GRACE = 3000;

/** ms between two tries, and after one that failed. */
const PAUSE = [10, 80] as const;
const PAUSE_AFTER_FAILURE = 200;

/** What a program may be told, and why. */
export const PROPER_ERRORS: ReadonlyMap<string, string> = new Map([
  ['EHOSTDOWN', 'its device is off, frozen, or lost power meanwhile'],
  ['TimeoutError', 'the program gave up'],
  ['ETIMEDOUT', 'nobody answered'],
  ['ECONNRESET', 'the other end has forgotten the connection'],
  ['ECONNREFUSED', 'nobody listens there'],
  ['EHOSTUNREACH', 'no neighbour, or a router says so'],
  ['ENETUNREACH', 'no lease yet, so no route'],
  ['EAI_AGAIN', 'no name server gave an answer'],
  ['ESERVFAIL', 'the name server says that it can not'],
  ['unanswered', 'not every ping was answered'],
]);

/** How many programs of a kind run on each host. */
export const AT_ONCE: Readonly<Record<Activity, number>> = {
  download: 3,
  'long download': 1,
  upload: 2,
  resolve: 2,
  ping: 3,
};

/** How tries ended: `ok`, or the error's code. */
export type Tally = ReadonlyMap<string, number>;

export class Load {
  readonly problems: string[] = [];
  readonly #tallies = new Map<Activity, Map<string, number>>(
    ACTIVITIES.map((activity) => [activity, new Map()]),
  );
  readonly #running: Promise<void>[];
  #over = false;

  /**
   * @param seed of the net, which `/bytes/N` follows from, and of what is asked for
   * @param limits in ms
   */
  constructor(
    private readonly net: Pick<Net, 'device'>,
    private readonly seed: number,
    private readonly limits = { patience: PATIENCE, grace: GRACE },
  ) {
    this.#running = HOSTS.flatMap((host) =>
      ACTIVITIES.flatMap((activity) =>
        Array.from({ length: AT_ONCE[activity] }, (_, index) => this.#repeat(host, activity, index)),
      ),
    );
  }

  tally(activity: Activity): Tally {
    return this.#tallies.get(activity)!;
  }

  /** Resolves when all tries have ended. */
  async stop(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#running);
  }

  async #repeat(host: string, activity: Activity, index: number): Promise<void> {
    const random = seededRandom(this.seed, host, activity, index);
    while (!this.#over) {
      const outcome = await this.#try(host, activity, random);
      const tally = this.#tallies.get(activity)!;
      tally.set(outcome, (tally.get(outcome) ?? 0) + 1);
      await sleep(outcome === 'ok' ? random.integer(...PAUSE) : PAUSE_AFTER_FAILURE);
    }
  }

  async #try(host: string, activity: Activity, random: Random): Promise<string> {
    const { grace } = this.limits;
    const patience = this.limits.patience[activity];
    const signal = AbortSignal.timeout(patience);
    const { name: what, wrong } = attempt(activity, {
      device: this.net.device(host),
      random,
      seed: this.seed,
      signal,
    });
    const limit = new AbortController();
    const hung = sleep(patience + grace, 'it hangs', { signal: limit.signal }).catch(() => undefined);
    try {
      const found = await Promise.race([wrong, hung]);
      if (found === undefined) return 'ok';
      this.problems.push(`${host}: ${what}: ${found}`);
      return 'wrong';
    } catch (error) {
      const { code, name, message } = error as Error & { code?: unknown };
      const kind = typeof code === 'string' ? code : name;
      if (PROPER_ERRORS.has(kind)) return kind;
      this.problems.push(`${host}: ${what}: ${kind}, which is no error of a broken net: ${message}`);
      return kind;
    } finally {
      limit.abort();
    }
  }
}
