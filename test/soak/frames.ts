// The frames of a soak as their senders send them: well-formed whatever happens, and none with a private
// address beyond the NAT. What a router passes on may have been corrupted before it came there.

import type { FrameCapture, Net } from '../../orchestrator/api.ts';
import { formatIpv4, isPrivateIpv4 } from '../../shared/core/address.ts';
import { ETHERNET_HEADER_LENGTH, ETHERTYPE_IPV4, ethernetType } from '../../shared/wire/ethernet.ts';
import { ipv4Source } from '../../shared/wire/ipv4.ts';
import { FrameChecker } from '../support/frame-checker.ts';

const OUTSIDE = 'router:wan';
const SENDERS = ['laptop:eth0', 'phone:eth0', 'dns:eth0', 'web:eth0'] as const;

export class FrameWatch {
  frames = 0;
  readonly #checkers = new Map<string, FrameChecker>(
    SENDERS.map((end) => [end, new FrameChecker({ name: end })]),
  );
  readonly #leaks = new Set<string>();
  readonly #watching: Promise<void>;

  private constructor(private readonly capture: FrameCapture) {
    this.#watching = this.#watch();
  }

  static async start(net: Pick<Net, 'capture'>): Promise<FrameWatch> {
    return new FrameWatch(await net.capture([OUTSIDE, ...SENDERS]));
  }

  /** @returns what was wrong */
  async stop(): Promise<string[]> {
    for (const { end, direction, frame } of await this.capture.stop()) this.#check(end, direction, frame);
    await this.#watching;
    const faults = [...this.#checkers.values()].flatMap((checker) => checker.faults);
    return [...this.#leaks, ...faults.map((fault) => `sent a frame that is not well-formed: ${fault}`)];
  }

  async #watch(): Promise<void> {
    for await (const { end, direction, frame } of this.capture) this.#check(end, direction, frame);
  }

  #check(end: string, direction: 'in' | 'out', frame: Uint8Array): void {
    if (direction === 'in') return;
    this.frames++;
    if (end !== OUTSIDE) return this.#checkers.get(end)?.check(frame);
    if (ethernetType(frame) !== ETHERTYPE_IPV4) return;
    const source = ipv4Source(frame.subarray(ETHERNET_HEADER_LENGTH));
    if (isPrivateIpv4(source))
      this.#leaks.add(`NAT-8: the router sent from ${formatIpv4(source)} to outside`);
  }
}
