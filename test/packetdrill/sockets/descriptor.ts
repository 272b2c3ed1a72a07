// What a file descriptor stands for.

/** Bits of poll and epoll, which are the same (Linux's numbers). */
export const READY = {
  in: 0x001,
  priority: 0x002,
  out: 0x004,
  error: 0x008,
  hangUp: 0x010,
  peerHungUp: 0x2000,
} as const;

export interface Descriptor {
  nonBlocking: boolean;
  /** The bits of `READY` that hold now. */
  readonly readiness: number;
  /** Grows whenever something happened that may have made it ready: what an edge is told by. */
  readonly events: number;
  close(): void;
}
