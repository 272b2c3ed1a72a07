// epoll: which of the descriptors that it was told of are ready, by level or by edge.

import { type Descriptor, READY } from './descriptor.ts';
import { Errno, type Outcome } from './outcome.ts';
import { SYMBOLS } from './symbols.ts';

const EDGE = SYMBOLS.EPOLLET!;
const ONE_SHOT = SYMBOLS.EPOLLONESHOT!;
/** Told of whether asked for or not. */
const ALWAYS = READY.error | READY.hangUp;

interface Entry {
  events: number;
  data: number;
  /** Of an edge: what had happened when it was told of last. */
  seen: number | undefined;
}

export interface ReadyEvent {
  readonly events: number;
  readonly data: number;
}

export class Epoll implements Descriptor {
  nonBlocking = false;
  events = 0;
  readonly #entries = new Map<Descriptor, Entry>();

  get readiness(): number {
    return [...this.#entries].some(([descriptor, entry]) => ready(descriptor, entry) !== 0) ? READY.in : 0;
  }

  control(operation: string, descriptor: Descriptor, events: number, data: number): Outcome {
    const known = this.#entries.has(descriptor);
    if (operation === 'EPOLL_CTL_ADD' && known) return new Errno('EEXIST');
    if (operation !== 'EPOLL_CTL_ADD' && !known) return new Errno('ENOENT');
    if (operation === 'EPOLL_CTL_DEL') this.#entries.delete(descriptor);
    else this.#entries.set(descriptor, { events, data, seen: undefined });
    return 0;
  }

  /** Takes up to `limit` events. */
  wait(limit: number): ReadyEvent[] {
    const found: ReadyEvent[] = [];
    for (const [descriptor, entry] of this.#entries) {
      if (found.length >= limit) break;
      const events = ready(descriptor, entry);
      if (events === 0) continue;
      found.push({ events, data: entry.data });
      if (entry.events & EDGE) entry.seen = descriptor.events;
      if (entry.events & ONE_SHOT) entry.events = 0;
    }
    return found;
  }

  forget(descriptor: Descriptor): void {
    this.#entries.delete(descriptor);
  }

  close(): void {
    this.#entries.clear();
  }
}

function ready(descriptor: Descriptor, { events, seen }: Entry): number {
  if (events === 0) return 0;
  if (events & EDGE && seen === descriptor.events) return 0;
  return descriptor.readiness & (events | ALWAYS);
}
