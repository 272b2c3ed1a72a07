// Runs the probes: each try begins at its own moment, whatever becomes of those before it.

import type { NetUnderTest } from './net-under-test.ts';
import type { Probe } from './probe-schema.ts';
import type { Sample } from './sample.ts';
import { shortcoming } from './sample.ts';
import { now, until } from './timing.ts';

export class Probing {
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  /** What ends each try that runs. */
  readonly #givingUp = new Set<() => void>();
  #abandoned = false;

  /** @param tell takes each sample when it is complete; its time is that of `now()` */
  constructor(
    private readonly net: Pick<NetUnderTest, 'ask'>,
    private readonly tell: (sample: Sample) => void,
  ) {}

  /** Tries from that moment of `now()` on, at every interval. */
  begin(probe: Probe, from: number): void {
    this.#track(this.#all(probe, from));
  }

  /** Begins no more tries, and resolves when those that run are over. */
  async end(): Promise<void> {
    this.#stop.abort();
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Begins no more tries, and forgets those that run. */
  abandon(): void {
    this.#stop.abort();
    this.#abandoned = true;
    for (const giveUp of this.#givingUp) giveUp();
  }

  async #all(probe: Probe, from: number): Promise<void> {
    for (let index = 0; index < (probe.count ?? Number.POSITIVE_INFINITY); index++) {
      await until(from + index * probe.interval, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      this.#track(this.#once(probe, `${probe.name}-${index + 1}`));
    }
  }

  async #once(probe: Probe, request: string): Promise<void> {
    const began = now();
    const outcome = await this.#try(probe, request);
    if (this.#abandoned) return;
    const withRequest = probe.type === 'http' || probe.type === 'throughput' ? { request } : {};
    this.tell({ probe: probe.name, at: began, took: now() - began, ...outcome, ...withRequest });
  }

  async #try(
    probe: Probe,
    request: string,
  ): Promise<Pick<Sample, 'ok' | 'code' | 'reason' | 'latency' | 'rate'>> {
    const limit = new AbortController();
    const giveUp = () => limit.abort(timedOut(probe));
    const overdue = setTimeout(giveUp, probe.timeout);
    this.#givingUp.add(giveUp);
    const late = new Promise<never>((_, reject) => {
      limit.signal.addEventListener('abort', () => reject(limit.signal.reason), { once: true });
    });
    try {
      // The call itself may not come back from a device that hangs.
      const answer = await Promise.race([this.net.ask(probe, request, limit.signal), late]);
      const { latency, rate } = answer;
      return {
        ok: true,
        latency,
        ...(rate !== undefined && { rate }),
        ...failing(shortcoming(probe, answer)),
      };
    } catch (error) {
      return {
        ok: false,
        code: codeOf(error),
        reason: error instanceof Error ? error.message : String(error),
      };
    } finally {
      clearTimeout(overdue);
      this.#givingUp.delete(giveUp);
    }
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
  }
}

function failing(found: ReturnType<typeof shortcoming>): { ok?: false; code?: string; reason?: string } {
  return found === undefined ? {} : { ok: false, ...found };
}

function timedOut({ type, target, timeout }: Probe): Error {
  return Object.assign(new Error(`no answer from ${target} to ${type} within ${timeout / 1000} s`), {
    code: 'ETIMEDOUT',
  });
}

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : 'FAILED';
}
