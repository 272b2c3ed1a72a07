// Dice that are not thrown in a sequence. What the die of a cause shows for a frame hangs on the seed, on the
// cause, on how often that was set anew before, and on how many frames of the frame's kind came since then:
// not on what else is set, nor on what came before it was set, be that more or less from run to run.
//
// Of frames there are two kinds. What time tells a device to ask (ARP, as a rule) is counted apart, so that it
// does not move the fate of the packets around it.

import { mix32, seedOf } from '../core/random.ts';
import { ETHERTYPE_IPV4, ethernetType } from '../wire/ethernet.ts';

export interface Die {
  /** At least 0, under 1; always the same for the same number. */
  show(number: number): number;
}

/** @param seed labels of whose dice these are */
export function die(seed: readonly (string | number)[], label: string): Die {
  const basis = seedOf(...seed, label);
  return { show: (number) => mix32(basis + Math.imul(number, 0x9e3779b9)) / 2 ** 32 };
}

export type FrameKind = 'packet' | 'other';

export function kindOf(frame: Uint8Array): FrameKind {
  return ethernetType(frame) === ETHERTYPE_IPV4 ? 'packet' : 'other';
}

type Counts = Record<FrameKind, number>;

/** The die of a cause since that was set last, for both kinds. */
interface Row {
  readonly dice: Readonly<Record<FrameKind, Die>>;
  /** Frames of each kind that came before. */
  readonly before: Readonly<Counts>;
}

type Rows<Cause extends string> = Readonly<Record<Cause, Row>>;

/** The dice of one direction of a cable. */
export class Dice<Cause extends string> {
  readonly #came: Counts = { packet: 0, other: 0 };
  readonly #settings = new Map<Cause, number>();
  #rows: Rows<Cause>;

  /** @param seed labels of the direction */
  constructor(
    private readonly seed: readonly (string | number)[],
    causes: readonly Cause[],
  ) {
    this.#rows = Object.fromEntries(causes.map((cause) => [cause, this.#row(cause)])) as Rows<Cause>;
  }

  /** What falls for the next frame. */
  next(kind: FrameKind): Throw<Cause> {
    return new Throw(this.#rows, kind, this.#came[kind]++, 0);
  }

  /** Counts the next frames, whatever would fall for them. */
  skip(kind: FrameKind, count = 1): void {
    // Not by a name that varies, which is several times as slow: every frame of a perfect cable comes here.
    if (kind === 'packet') this.#came.packet += count;
    else this.#came.other += count;
  }

  /** Begins anew what falls for causes; for frames that came before it stays. */
  renew(causes: readonly Cause[]): void {
    for (const cause of causes) this.#settings.set(cause, this.settings(cause) + 1);
    const rows = causes.map((cause) => [cause, this.#row(cause)] as const);
    this.#rows = { ...this.#rows, ...Object.fromEntries(rows) };
  }

  /** How often a cause was begun anew. */
  settings(cause: Cause): number {
    return this.#settings.get(cause) ?? 0;
  }

  #row(cause: Cause): Row {
    const label = (kind: FrameKind) => die(this.seed, `${cause} ${this.settings(cause)} ${kind}`);
    return { dice: { packet: label('packet'), other: label('other') }, before: { ...this.#came } };
  }
}

/** What falls for one frame, whenever it is looked at. */
export class Throw<Cause extends string> {
  constructor(
    private readonly rows: Rows<Cause>,
    readonly kind: FrameKind,
    private readonly number: number,
    private readonly copy: 0 | 1,
  ) {}

  /** At least 0, under 1. */
  show(cause: Cause): number {
    const { dice, before } = this.rows[cause];
    return dice[this.kind].show(2 * (this.number - before[this.kind]) + this.copy);
  }

  /** Whether a cause of that probability befalls the frame. */
  falls(cause: Cause, probability: number | undefined): boolean {
    return !!probability && this.show(cause) < probability;
  }

  /** What falls for the frame's duplicate. */
  forDuplicate(): Throw<Cause> {
    return new Throw(this.rows, this.kind, this.number, 1);
  }
}
