// A TAP interface as a port: what the kernel sends arrives here, and what is sent here the kernel receives.

import type { Counters } from '../core/counters.ts';
import type { FramePort, FrameReceiver } from '../core/frame-port.ts';
import type { Libc } from './libc.ts';
import { setTapCarrier } from './tap-interface.ts';

/** Beyond the MTU: an Ethernet header with a VLAN tag. */
const FRAME_OVERHEAD = 18;

/** Frames that are read before the cable gets its turn. */
const MOST_FRAMES = 64;

/** Bytes that are set aside for frames at a time. */
const SLAB_LENGTH = 64 * 1024;

const POLLIN = 1;
const EFD_NONBLOCK = 0o4000;

export interface TapPortOptions {
  readonly libc: Libc;
  /** Of an open TAP interface, non-blocking. */
  readonly fd: number;
  readonly name: string;
  /** Bytes. */
  readonly mtu: number;
  /** What the kernel does not take: `tap.` link-down, no-buffer, refused. */
  readonly counters: Counters;
  /** The interface is no more. */
  readonly gone: (error: Error) => void;
}

export class TapPort implements FramePort {
  readonly mtu: number;
  readonly carrier = true;
  readonly #longest: number;
  readonly #wake: number;
  /** Two of struct pollfd: the interface, and what ends the wait. */
  readonly #pollfds = Buffer.alloc(16);
  readonly #drainNow = () => this.#drain();
  #receiver: FrameReceiver | undefined;
  #slab = Buffer.alloc(0);
  #used = 0;
  #closed = false;

  constructor(private readonly options: TapPortOptions) {
    const { libc, fd, mtu } = options;
    this.mtu = mtu;
    this.#longest = mtu + FRAME_OVERHEAD;
    this.#wake = libc.eventfd(0, EFD_NONBLOCK);
    if (this.#wake < 0) throw new Error(`no eventfd for ${options.name}: ${libc.errno()}`);
    for (const [index, polled] of [fd, this.#wake].entries()) {
      this.#pollfds.writeInt32LE(polled, index * 8);
      this.#pollfds.writeInt16LE(POLLIN, index * 8 + 4);
    }
    // A thread that still waits would keep the process from its end.
    process.once('exit', () => this.close());
  }

  attach(receiver: FrameReceiver): void {
    const first = this.#receiver === undefined;
    this.#receiver = receiver;
    receiver.carrier(true);
    if (first) this.#await();
  }

  send(frame: Uint8Array): void {
    const { libc, fd, counters } = this.options;
    if (libc.write(fd, frame, frame.length) < 0) counters.add(`tap.${REASONS[libc.errno()] ?? 'refused'}`);
  }

  /** Whether the kernel sees carrier on the interface. */
  setCarrier(up: boolean): void {
    setTapCarrier(this.options.libc, this.options.fd, up);
  }

  close(): void {
    this.#closed = true;
    const one = Buffer.alloc(8);
    one[0] = 1;
    this.options.libc.write(this.#wake, one, one.length);
  }

  #await(): void {
    if (!this.#closed) this.options.libc.poll(this.#pollfds, 2, -1, this.#drainNow);
  }

  /** Hands up what waits, at most so much that the cable can send it before more comes. */
  #drain(): void {
    if (this.#closed) return;
    const batch: Uint8Array[] = [];
    let end: string | undefined;
    while (batch.length < MOST_FRAMES && end === undefined) {
      const frame = this.#read();
      if (typeof frame === 'string') end = frame;
      else batch.push(frame);
    }
    if (batch.length > 0) this.#receiver?.frames(batch);
    if (end === undefined) setImmediate(this.#drainNow);
    else if (end === 'EAGAIN' || end === 'EINTR') this.#await();
    else this.options.gone(new Error(`${this.options.name} is gone (${end}): it was removed from outside`));
  }

  /** A frame, or the code of why there is none. */
  #read(): Uint8Array | string {
    const { libc, fd } = this.options;
    if (this.#slab.length - this.#used < this.#longest) {
      this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_LENGTH, this.#longest));
      this.#used = 0;
    }
    const room = this.#slab.subarray(this.#used, this.#used + this.#longest);
    const length = libc.read(fd, room, this.#longest);
    if (length < 0) return libc.errno();
    this.#used += length;
    return room.subarray(0, length);
  }
}

/** Why the kernel does not take a frame, by errno. */
const REASONS: Readonly<Record<string, string>> = {
  EIO: 'link-down',
  EAGAIN: 'no-buffer',
  ENOBUFS: 'no-buffer',
  ENOMEM: 'no-buffer',
};
