// What our TCP sent and the script has not looked at yet, oldest first, by connection.

import { seqAtOrAfter } from '../../../shared/stack/tcp/sequence.ts';
import type { SentPacket } from '../machine/machine.ts';
import type { Flow } from './flow.ts';
import type { Flows } from './flows.ts';
import { inScriptNumbers, readSent, type SeenTcp, type SentIcmp, type SentTcp } from './seen.ts';
import { seenText, sentIcmpText } from './text.ts';

interface Entry {
  readonly packet: SentTcp | SentIcmp;
  flow: Flow | undefined;
  sorted: boolean;
}

export class Outgoing {
  #entries: Entry[] = [];

  constructor(
    private readonly flows: Flows,
    /** Told of each segment, once it is known whose it is. */
    private readonly told: (flow: Flow, seen: SeenTcp) => void,
  ) {}

  add(sent: SentPacket): void {
    const packet = readSent(sent);
    if (packet) this.#entries.push({ packet, flow: undefined, sorted: false });
  }

  /** Finds out whose the new packets are: once the call that made them has said which connection it made. */
  sort(): void {
    for (const entry of this.#entries) {
      if (entry.sorted) continue;
      entry.sorted = true;
      entry.flow = this.#flowOf(entry.packet);
      if (entry.packet.kind === 'icmp' || !entry.flow) continue;
      const { flags, sequence, acknowledgment } = entry.packet.segment;
      entry.flow.noteOutbound(flags, sequence, acknowledgment);
      this.told(entry.flow, inScriptNumbers(entry.packet, entry.flow));
    }
  }

  peek(flow: Flow, ahead = 0): SentTcp | SentIcmp | undefined {
    return this.#of(flow)[ahead]?.packet;
  }

  take(flow: Flow, count: number): void {
    const taken = new Set(this.#of(flow).slice(0, count));
    this.#entries = this.#entries.filter((entry) => !taken.has(entry));
  }

  /** Whether one of them acknowledges `acknowledgment`, as the script has it, by `deadline` µs. */
  acknowledges(flow: Flow, acknowledgment: number, deadline: number): boolean {
    return this.#of(flow).some(({ packet }) => {
      if (packet.kind === 'icmp' || packet.at > deadline) return false;
      return seqAtOrAfter(inScriptNumbers(packet, flow).acknowledgment, acknowledgment);
    });
  }

  /** All that is left, as a script would have it. */
  texts(): string[] {
    return this.#entries.map(({ packet, flow }) => {
      if (packet.kind === 'icmp') return sentIcmpText(packet);
      return flow ? seenText(inScriptNumbers(packet, flow)) : 'a segment of another connection';
    });
  }

  #of(flow: Flow): Entry[] {
    return this.#entries.filter((entry) => entry.flow === flow);
  }

  #flowOf(packet: SentTcp | SentIcmp): Flow | undefined {
    if (packet.kind === 'icmp') return this.flows.current;
    const { segment, source, destination } = packet;
    return this.flows.of(
      { address: source, port: segment.sourcePort },
      { address: destination, port: segment.destinationPort },
    );
  }
}
