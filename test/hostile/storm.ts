// A storm of hostile frames over a net that is in use: frames that passed a moment ago and frames of real
// systems, mutated, at every interface of every device. Everything follows from the seed and the round, so
// that what fails can be played again.

import { visit } from '../../shared/apps/http/visit.ts';
import type { Random } from '../../shared/core/random.ts';
import { CountingClock } from './counting-clock.ts';
import { ICMP } from './mutations/icmp.ts';
import { mend } from './mutations/mend.ts';
import { mutate } from './mutations/mutate.ts';
import { anyOf, ipLayout, setU16, setU32 } from './mutations/mutation.ts';
import { type DeviceName, type Entrance, HostileNet, type Sighting, stormRandom } from './net.ts';
import { faultOf } from './oracle.ts';
import { remains } from './remains.ts';
import { User } from './users.ts';

/** Frames of each interface that are remembered, to be mutated. */
const REMEMBERED = 48;
/** Frames after which, more or less, the net is healed. */
const HEALED_EVERY = 500;
/** Calls and timers that one frame may set off, and frames that it may have sent. */
const MOST_WORK = 20_000;
const MOST_SENT = 10_000;
/** ms of virtual time in which the net has to come to rest afterwards: longer than the NAT keeps a session. */
const REST = 3 * 3_600_000;
const HOSTS = ['laptop', 'phone'] as const;

export interface StormOptions {
  readonly seed: number;
  readonly round: number;
  readonly frames: number;
  readonly golden: readonly Uint8Array[];
  /** Told before each frame goes in. */
  readonly before?: (number: number, frame: Uint8Array, entrance: string) => void;
  /** Called again and again: nothing hangs. */
  readonly alive?: () => void;
  /** Changes the net before it is used: how a test sees to it that the storm finds faults. */
  readonly prepare?: (net: HostileNet) => void;
}

export interface StormReport {
  readonly frames: number;
  /** The most that one frame set off. */
  readonly work: number;
  readonly sent: number;
  /** What users got done meanwhile, and what failed. */
  readonly done: number;
  readonly failed: number;
  /** Why frames were dropped, over all devices. */
  readonly dropped: ReadonlyMap<string, number>;
}

/** A device did what it must not. */
export class StormFailure extends Error {
  constructor(
    readonly what: string,
    readonly number: number,
    readonly frame: Uint8Array,
    readonly entrance: string,
    cause?: unknown,
  ) {
    super(what, { cause });
  }
}

export async function storm(options: StormOptions): Promise<StormReport> {
  const running = new Storm(options);
  return running.run();
}

class Storm {
  readonly #clock = new CountingClock();
  readonly #net: HostileNet;
  readonly #random: Random;
  readonly #spoiling: Random;
  readonly #remembered = new Map<string, { frame: Uint8Array; sent: boolean }[]>();
  readonly #users: User[] = [];
  #raging = false;
  #number = 0;
  #last: { frame: Uint8Array; entrance: string } = { frame: new Uint8Array(0), entrance: '' };
  #sent = 0;
  #mostWork = 0;
  #mostSent = 0;
  #fault: string | undefined;

  constructor(private readonly options: StormOptions) {
    const { seed, round } = options;
    this.#random = stormRandom(seed, round, 'frames');
    this.#spoiling = stormRandom(seed, round, 'spoiling');
    this.#net = new HostileNet({
      clock: this.#clock,
      seed: seed + round,
      pass: (sighting) => this.#pass(sighting),
    });
  }

  async run(): Promise<StormReport> {
    const { seed, round, frames } = this.options;
    this.options.prepare?.(this.#net);
    await this.#pump(2000);
    for (const name of HOSTS)
      for (let count = 0; count < 2; count++)
        this.#users.push(
          new User(this.#net.device(name).sockets, stormRandom(seed, round, `${name} ${count}`)),
        );
    this.#users.push(new User(this.#net.device('web').sockets, stormRandom(seed, round, 'web')));
    await this.#pump(1000);
    this.#raging = true;
    while (this.#number < frames) await this.#next();
    this.#raging = false;
    for (const user of this.#users) user.leave();
    await this.#calm();
    const report = this.#report();
    await this.#net.close();
    return report;
  }

  // The storm

  async #next(): Promise<void> {
    const entrance = anyOf(this.#net.entrances, this.#random);
    for (const frame of this.#hostileFrames(entrance)) this.#inject(frame, entrance);
    if (this.#random.integer(0, HEALED_EVERY) === 0) this.#heal();
    if (this.#random.integer(0, 1) > 0) return;
    const wait = this.#random.integer(0, 4000);
    await this.#pump(wait === 0 ? this.#random.integer(1000, 70_000) : wait / 1000);
  }

  #hostileFrames(entrance: Entrance): Uint8Array[] {
    const random = this.#random;
    const remembered = this.#remembered.get(entrance.name) ?? [];
    const kind = random.integer(0, 19);
    if (kind === 0) return [random.bytes(random.integer(0, 200))];
    if (kind < 5 || remembered.length === 0)
      return mutate(addressedTo(anyOf(this.options.golden, random), entrance, random), random);
    const { frame, sent } = anyOf(remembered, random);
    return mutate(sent ? turned(frame, random) : frame, random);
  }

  #inject(frame: Uint8Array, entrance: Entrance): void {
    this.#number++;
    this.#last = { frame, entrance: entrance.name };
    this.options.before?.(this.#number, frame, entrance.name);
    const work = this.#clock.work;
    this.#sent = 0;
    this.#guarded(() => {
      entrance.port.arrive(frame.slice());
      this.#clock.settle();
    });
    this.#mostWork = Math.max(this.#mostWork, this.#clock.work - work);
    this.#mostSent = Math.max(this.#mostSent, this.#sent);
    if (this.#clock.work - work > MOST_WORK)
      throw this.#failure(`one frame set off ${this.#clock.work - work} calls`);
    if (this.#sent > MOST_SENT) throw this.#failure(`one frame had ${this.#sent} frames sent`);
  }

  #pass({ frame, from, to }: Sighting): readonly Uint8Array[] {
    this.#sent++;
    this.#fault ??= this.#faultOf(frame, from);
    this.#remember(from, frame, true);
    if (to) this.#remember(to, frame, false);
    if (!this.#raging) return [frame];
    const fate = this.#spoiling.integer(0, 199);
    if (fate < 2) return [];
    if (fate < 4) return [frame, frame.slice()];
    return fate < 10 ? mutate(frame, this.#spoiling) : [frame];
  }

  #faultOf(frame: Uint8Array, from: Entrance): string | undefined {
    const fault = faultOf(frame, from);
    return (
      fault && `${from.name} sent a frame that is wrong (${fault}): ${Buffer.from(frame).toString('hex')}`
    );
  }

  #remember({ name }: Entrance, frame: Uint8Array, sent: boolean): void {
    const frames = this.#remembered.get(name) ?? [];
    if (frames.length === 0) this.#remembered.set(name, frames);
    if (frames.length < REMEMBERED) frames.push({ frame: frame.slice(), sent });
    else frames[this.#spoiling.integer(0, REMEMBERED - 1)] = { frame: frame.slice(), sent };
  }

  /** What lies have done to leases, neighbours and names is undone, or soon nobody would talk to anybody. */
  #heal(): void {
    this.#net.replug();
    for (const { device } of this.#net.nodes.values()) {
      for (const { name, loopback } of device?.stack.interfaces ?? [])
        if (!loopback) device?.stack.arp(name).flush();
      device?.known.resolver?.flush();
      device?.known.flushDnsServer?.();
    }
  }

  // Afterwards

  /** Nobody attacks any more: all that was kept goes away, and the page is served. */
  async #calm(): Promise<void> {
    this.#heal();
    for (let passed = 0; passed < REST; passed += 60_000) await this.#pump(60_000);
    const left = remains(this.#net.nodes.values());
    if (left.length > 0)
      throw this.#failure(`after ${REST / 3_600_000} hours of rest there is left: ${left.join('; ')}`);
    for (const name of HOSTS) await this.#visit(name);
  }

  async #visit(name: DeviceName): Promise<void> {
    let seen: string | undefined;
    const visiting = visit(this.#net.device(name).sockets, 'http://www.example.com/').then(
      ({ resources }) => resources.map(({ status, bytes }) => `${status} ${bytes > 0}`).join(', '),
      (error: unknown) => String(error),
    );
    void visiting.then((result) => {
      seen = result;
    });
    for (let waited = 0; seen === undefined && waited < 600; waited++) {
      await this.#pump(100);
      // Files are read in time of the machine.
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const right = '200 true, 200 true, 200 true, 200 true';
    if (seen !== right)
      throw this.#failure(`the page is not served to the ${name} any more: ${seen ?? 'no answer'}`);
  }

  /** Lets virtual time pass, and what waits for a turn of Node's own. */
  async #pump(ms: number): Promise<void> {
    this.#guarded(() => this.#clock.settle());
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.options.alive?.();
    this.#guarded(() => this.#clock.advance(ms));
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#guarded(() => this.#clock.settle());
  }

  #guarded(action: () => void): void {
    try {
      action();
    } catch (error) {
      throw this.#failure(`a device threw: ${error instanceof Error ? error.stack : error}`, error);
    }
    if (this.#fault) throw this.#failure(this.#fault);
  }

  #failure(what: string, cause?: unknown): StormFailure {
    return new StormFailure(what, this.#number, this.#last.frame, this.#last.entrance, cause);
  }

  #report(): StormReport {
    const dropped = new Map<string, number>();
    for (const { counters } of this.#net.nodes.values())
      for (const [name, count] of Object.entries(counters.snapshot()))
        dropped.set(name, (dropped.get(name) ?? 0) + count);
    return {
      frames: this.#number,
      work: this.#mostWork,
      sent: this.#mostSent,
      done: this.#users.reduce((sum, user) => sum + user.done, 0),
      failed: this.#users.reduce((sum, user) => sum + user.failed, 0),
      dropped,
    };
  }
}

/** A frame of another net, sent to whoever is behind the entrance: mostly to its address too. */
function addressedTo(frame: Uint8Array, { mac, address }: Entrance, random: Random): Uint8Array {
  const copy = frame.slice();
  const isGroup = (copy[0]! & 1) === 1;
  if (!isGroup || random.integer(0, 3) === 0) copy.set(Buffer.from(mac.replaceAll(':', ''), 'hex'), 0);
  const to = isGroup || random.integer(0, 2) === 0 ? undefined : address();
  if (to === undefined || !ipLayout(copy)) return copy;
  setU32(copy, 30, to);
  mend(copy, false);
  return copy;
}

/** What a device sent, come back: as a complaint about it, or with sender and receiver changed about. */
function turned(frame: Uint8Array, random: Random): Uint8Array {
  if (random.integer(0, 2)) {
    const complaint = ICMP.at(-1)?.(frame, random);
    if (complaint instanceof Uint8Array) {
      mend(complaint, true);
      return complaint;
    }
  }
  const back = frame.slice();
  back.set(frame.subarray(6, 12), 0);
  back.set(frame.subarray(0, 6), 6);
  if (frame.length < 38 || frame[12] !== 8 || frame[13] !== 0) return back;
  back.set(frame.subarray(26, 30), 30);
  back.set(frame.subarray(30, 34), 26);
  if (frame[14] === 0x45) {
    setU16(back, 34, (frame[36]! << 8) | frame[37]!);
    setU16(back, 36, (frame[34]! << 8) | frame[35]!);
  }
  return back;
}
