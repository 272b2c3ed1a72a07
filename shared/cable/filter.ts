// Faults that drop frames on their way between a cable and the device: which ones, rules say, and each fault
// counts what its rules looked at and dropped. The filter stands below the place where captures look: a
// capture at the sending end shows a frame that is then dropped, one at the receiving end does not.

import type { FramePort, FrameReceiver } from '../core/frame-port.ts';
import { sendEach } from '../core/frame-train.ts';
import type { Train } from '../core/train.ts';
import { compileMatch, type FramePattern, type FrameTest } from './frame-match.ts';
import type { ImpairedPort } from './impairment.ts';

export interface DropRule {
  /** The port; all of them if absent. */
  readonly interface?: string | undefined;
  readonly direction: 'in' | 'out';
  readonly match: FramePattern;
  /** Of the frames that match, only the first `first`, or every `every`th; all if neither is given. */
  readonly first?: number | undefined;
  readonly every?: number | undefined;
}

export interface FilterCounts {
  /** Frames that were looked at. */
  readonly seen: number;
  /** Frames that were dropped. */
  readonly affected: number;
}

/** A rule at work. What it counts is counted over all ports that it is at. */
class Rule {
  #matched = 0;

  constructor(
    readonly rule: DropRule,
    private readonly test: FrameTest,
    private readonly passesOn: (frame: Uint8Array) => boolean,
  ) {}

  isAt(port: string, direction: 'in' | 'out'): boolean {
    return this.rule.direction === direction && (this.rule.interface ?? port) === port;
  }

  drops(frame: Uint8Array, forwarded: boolean): boolean {
    const { first, every, match } = this.rule;
    if (first !== undefined && this.#matched >= first) return false;
    if (!this.test(frame, forwarded)) return false;
    if (match.delivered && this.passesOn(frame)) return false;
    this.#matched++;
    return every === undefined || this.#matched % every === 0;
  }
}

class Filter {
  rules: readonly Rule[] = [];
  seen = 0;
  affected = 0;
}

/** The rules of one fault that are at a port in one direction. */
interface Stage {
  readonly filter: Filter;
  readonly rules: readonly Rule[];
}

/**
 * The filters of a device. A frame passes them in the order in which they were set: one that drops it is the
 * last that sees it.
 */
export class FrameFilters {
  readonly #filters = new Map<string, Filter>();
  readonly #ports = new Map<string, FilterPort>();

  /** @param passesOn whether the device translates an IPv4 frame that comes in for another */
  constructor(private readonly passesOn: (frame: Uint8Array) => boolean = () => false) {}

  /** A port that the rules are at from now on. */
  port(name: string, inner: ImpairedPort): FilterPort {
    const port = new FilterPort(inner);
    this.#ports.set(name, port);
    this.#arrange(name, port);
    return port;
  }

  /**
   * Sets the rules of a fault, in the place of those that it has; its counts go on. Frames that are on their
   * way meet them.
   * @throws TypeError for a network that is none
   */
  set(id: string, rules: readonly DropRule[]): void {
    const compiled = rules.map((rule) => new Rule(rule, compileMatch(rule.match), this.passesOn));
    const filter = this.#filters.get(id) ?? new Filter();
    filter.rules = compiled;
    this.#filters.set(id, filter);
    for (const [name, port] of this.#ports) {
      this.#arrange(name, port);
      port.discard(stageOf(filter, name, 'out'));
    }
  }

  /** Takes the rules of a fault away; undefined if there is none of that id. */
  remove(id: string): FilterCounts | undefined {
    const counts = this.counts(id);
    this.#filters.delete(id);
    for (const [name, port] of this.#ports) this.#arrange(name, port);
    return counts;
  }

  counts(id: string): FilterCounts | undefined {
    const filter = this.#filters.get(id);
    return filter && { seen: filter.seen, affected: filter.affected };
  }

  get ids(): readonly string[] {
    return [...this.#filters.keys()];
  }

  #arrange(name: string, port: FilterPort): void {
    const stages = (direction: 'in' | 'out') =>
      [...this.#filters.values()]
        .map((filter) => stageOf(filter, name, direction))
        .filter(({ rules }) => rules.length > 0);
    port.arrange(stages('in'), stages('out'));
  }
}

function stageOf(filter: Filter, port: string, direction: 'in' | 'out'): Stage {
  return { filter, rules: filter.rules.filter((rule) => rule.isAt(port, direction)) };
}

export class FilterPort implements FramePort {
  #in: readonly Stage[] = [];
  #out: readonly Stage[] = [];

  constructor(private readonly inner: ImpairedPort) {}

  get mtu(): number {
    return this.inner.mtu;
  }

  get carrier(): boolean {
    return this.inner.carrier;
  }

  attach(receiver: FrameReceiver): void {
    this.inner.attach({
      frames: (batch) => {
        if (this.#in.length === 0) return receiver.frames(batch);
        const passed = batch.filter((frame) => !isDropped(frame, true, this.#in));
        if (passed.length > 0) receiver.frames(passed);
      },
      carrier: (up) => receiver.carrier(up),
    });
  }

  send(frame: Uint8Array, forwarded = false): void {
    if (this.#out.length > 0 && this.inner.carrier && isDropped(frame, forwarded, this.#out)) return;
    this.inner.send(frame, forwarded);
  }

  sendTrain(frames: Train): void {
    if (this.#out.length > 0 && this.inner.carrier) sendEach(this, frames);
    else this.inner.sendTrain(frames);
  }

  arrange(incoming: readonly Stage[], outgoing: readonly Stage[]): void {
    this.#in = incoming;
    this.#out = outgoing;
  }

  /** Has the frames that this end has sent and that are still in delay meet a fault. */
  discard(stage: Stage): void {
    if (stage.rules.length > 0)
      this.inner.discard((frame, forwarded) => isDropped(frame, forwarded, [stage]));
  }
}

function isDropped(frame: Uint8Array, forwarded: boolean, stages: readonly Stage[]): boolean {
  for (const { filter, rules } of stages) {
    filter.seen++;
    if (!rules.some((rule) => rule.drops(frame, forwarded))) continue;
    filter.affected++;
    return true;
  }
  return false;
}
