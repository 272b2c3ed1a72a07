// What a net tells of itself while it runs: its devices' states, its faults, and what devices log.

import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import type { LogLine } from '../log-lines.ts';
import { LogTail } from '../log-tail.ts';
import type { Net as OpenNet } from '../net.ts';
import type { DeviceState } from '../net-status.ts';

/** ms between looks at what devices have logged. */
const LOG_PAUSE = 50;

/** A device is in another state than before. */
export interface DeviceEvent {
  /** Unix ms. */
  readonly time: number;
  readonly device: string;
  readonly kind: string;
  readonly state: DeviceState;
  readonly before: DeviceState;
  /** Why it is not running, or what it waits for, for people: `SIGKILL`, `exit code 1`, `a lease on eth0`. */
  readonly reason: string | null;
  /** null while it does not run. */
  readonly pid: number | null;
}

/** A line that a device logged, with the event's own fields. */
export interface LogEvent {
  /** Unix ms with a fraction to the µs, on the clock of captures. */
  readonly time: number;
  /** As pino numbers them: 10 trace, 20 debug, 30 info, 40 warn, 50 error. */
  readonly level: number;
  readonly device: string;
  readonly layer: string;
  /** A stable dotted name: `arp.learn`, `dhcp.lease`, `nat.bind`, `http.request`, … */
  readonly event: string;
  /** For people. */
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** Tells of changes of devices' states to whom it may concern. */
export function watchDevices(net: OpenNet, tell: (event: DeviceEvent) => void): () => void {
  const machines = [...net.supervisor.machines.values()];
  const states = new Map(machines.map((machine) => [machine.name, machine.report().state]));
  return net.onChange(() => {
    for (const machine of machines) {
      const { device, kind, state, reason, pid } = machine.report();
      const before = states.get(device) ?? 'stopped';
      if (state === before) continue;
      states.set(device, state);
      tell({ time: Date.now(), device, kind, state, before, reason, pid });
    }
  });
}

function logTails(net: OpenNet): LogTail[] {
  return [...net.supervisor.machines.keys()].map(
    (device) => new LogTail(join(net.rundir, 'logs', `${device}.jsonl`)),
  );
}

/** Tells of what devices log from now on; what came in one look is told in the order of its times. */
export function watchLogs(net: OpenNet, tell: (event: LogEvent) => void): () => void {
  const tails = logTails(net);
  for (const tail of tails) tail.skip();
  let over = false;
  let timer: NodeJS.Timeout;
  const look = async (): Promise<void> => {
    const added = await Promise.all(tails.map((tail) => tail.added()));
    if (over) return;
    for (const event of eventsOf(added.flat())) tell(event);
    timer = setTimeout(again, LOG_PAUSE);
  };
  // A file that can't be read now may be readable later.
  const again = (): void => {
    look().catch(() => {
      if (!over) timer = setTimeout(again, LOG_PAUSE);
    });
  };
  timer = setTimeout(again, LOG_PAUSE);
  return () => {
    over = true;
    clearTimeout(timer);
  };
}

/** All that was logged so far, in the order of its times. */
export async function readLogs(net: OpenNet): Promise<LogEvent[]> {
  const lines: LogLine[] = [];
  for (const tail of logTails(net)) for await (const line of tail.upToNow()) lines.push(line);
  return eventsOf(lines);
}

function eventsOf(lines: readonly LogLine[]): LogEvent[] {
  return [...lines].sort((a, b) => a.time - b.time).map(({ raw }) => JSON.parse(raw) as LogEvent);
}

/** Events that are only looked for while somebody listens. */
export class WatchedEvents<Events extends { [Name in keyof Events]: object }> {
  readonly #emitter = new EventEmitter();
  readonly #ends = new Map<string, () => void>();

  /** @param sources what begins to look for each event, and gives the call that ends it */
  constructor(
    sources: {
      readonly [Name in keyof Events & string]: (tell: (event: Events[Name]) => void) => () => void;
    },
  ) {
    this.#emitter.setMaxListeners(0);
    this.#emitter.on('newListener', (name: string) => {
      if (!Object.hasOwn(sources, name) || this.#ends.has(name)) return;
      const source = sources[name as keyof Events & string];
      // In a turn of its own: what a listener throws is the listener's, not the net's.
      this.#ends.set(
        name,
        source((event) => void setImmediate(() => this.#emitter.emit(name, event))),
      );
    });
    this.#emitter.on('removeListener', (name: string) => {
      if (this.#emitter.listenerCount(name) === 0) this.#end(name);
    });
  }

  on<Name extends keyof Events & string>(name: Name, listener: (event: Events[Name]) => void): void {
    this.#emitter.on(name, listener);
  }

  once<Name extends keyof Events & string>(name: Name, listener: (event: Events[Name]) => void): void {
    this.#emitter.once(name, listener);
  }

  off<Name extends keyof Events & string>(name: Name, listener: (event: Events[Name]) => void): void {
    this.#emitter.off(name, listener);
  }

  close(): void {
    for (const name of [...this.#ends.keys()]) this.#end(name);
    this.#emitter.removeAllListeners();
  }

  #end(name: string): void {
    this.#ends.get(name)?.();
    this.#ends.delete(name);
  }
}
