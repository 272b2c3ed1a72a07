// Keeps calling a cable's other end for as long as the port lives.

import { WebSocket } from 'ws';
import type { Clock, Timer } from '../core/clock.ts';

/** The subprotocol of a cable's WebSocket. */
export const CABLE_PROTOCOL = 'tincan.cable.v1';

/** Bytes of the longest message that either side takes. */
export const LONGEST_MESSAGE = 1024 * 1024;

/** ms that a closing handshake may take before the socket is cut. */
export const CLOSE_TIMEOUT = 1000;

/** ms between two calls: at first, and doubled up to the longest. */
const SHORTEST_WAIT = 10;
const LONGEST_WAIT = 250;

/** ms that a connection must last until the next redial begins at the shortest wait again. */
const STEADY = 1000;

/** ms that a peer may take to answer the upgrade: a frozen one answers when it is thawed. */
const HANDSHAKE_TIMEOUT = 5000;

export class Dialer {
  #url: string | undefined;
  #wait = SHORTEST_WAIT;
  #redial: Timer | undefined;
  #dialedAt = 0;
  #active = true;

  /** @param call makes the connection; `lost` tells when it has failed or ended */
  constructor(
    private readonly clock: Clock,
    private readonly call: (url: string) => void,
  ) {}

  /** Where to call from now on; true if that is news. */
  setUrl(url: string): boolean {
    if (url === this.#url) return false;
    this.#url = url;
    return true;
  }

  /** Calls now. */
  dial(): void {
    this.#redial?.cancel();
    this.#redial = undefined;
    if (this.#url === undefined || !this.#active) return;
    this.#dialedAt = this.clock.now();
    this.call(this.#url);
  }

  /** The connection that the last call made, or tried to make, is gone: calls again after a while. */
  lost(): void {
    if (!this.#active || this.#redial) return;
    if (this.clock.now() - this.#dialedAt > STEADY) this.#wait = SHORTEST_WAIT;
    this.#redial = this.clock.after(this.#wait, () => this.dial());
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT);
  }

  /** No calls until `resume`. */
  pause(): void {
    this.#active = false;
    this.#redial?.cancel();
    this.#redial = undefined;
  }

  resume(): void {
    this.#active = true;
    this.#wait = SHORTEST_WAIT;
    this.dial();
  }
}

/** Whether `url` can be a device's base URL: `ws://host:port`, or `ws+unix:`, a path and a colon. */
export function isDeviceUrl(url: string): boolean {
  return /^(ws:\/\/[^/?#\s]+|ws\+unix:\/[^:?#\s]+:)$/.test(url) && URL.canParse(url);
}

/** Opens the WebSocket of a cable to `/cable/<name>` of the device at `url`. */
export function openCable(url: string, name: string, token: string): WebSocket {
  const options = {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
    handshakeTimeout: HANDSHAKE_TIMEOUT,
    maxPayload: LONGEST_MESSAGE,
    closeTimeout: CLOSE_TIMEOUT,
    ...(isLocal(url) ? { generateMask: zeroMask } : {}),
  };
  return new WebSocket(`${url}/cable/${name}`, CABLE_PROTOCOL, options);
}

/**
 * RFC 6455 §5.3 wants an unpredictable key against caches that take a browser's data for HTTP. Nothing is
 * between two ends on one machine, and a key of zero spares each side a pass over every byte.
 */
function zeroMask(mask: Buffer): void {
  mask.fill(0);
}

function isLocal(url: string): boolean {
  return /^ws(\+unix:|:\/\/(127\.|localhost[:/]|\[::1\]))/.test(url);
}
