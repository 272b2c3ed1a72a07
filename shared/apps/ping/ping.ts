// ping: echo requests (RFC 792) at an interval, and what comes back, with the semantics of iputils' ping.

import { writeU32 } from '../../core/bytes.ts';
import type { SystemError } from '../../core/errors.ts';
import type { EchoReply, SocketErrorReport, Sockets, UdpSendOptions } from '../../socket/sockets.ts';

export interface PingReply {
  readonly from: string;
  /** As counted by ping, beyond 65,535 too. */
  readonly sequence: number;
  /** Bytes of ICMP: header and data. */
  readonly size: number;
  readonly ttl: number;
  /** Round trip in ms. */
  readonly time: number;
  /** This sequence was answered before. */
  readonly duplicate: boolean;
}

export interface PingOptions {
  /** An address, not a name. */
  readonly destination: string;
  /** Requests to send; until `deadline` or `signal` if not given. */
  readonly count?: number;
  /** ms between requests; 0 for one as soon as the one before is answered, or after 10 ms. */
  readonly interval: number;
  /** Bytes of data behind the ICMP header; 56 is usual. */
  readonly size: number;
  readonly ttl?: number;
  readonly tos?: number;
  readonly dontFragment?: boolean;
  /** Own address to send from; that of the way out unless told. */
  readonly source?: string;
  /** ms to wait for the last answers as long as there was none at all; else it is two round trips. */
  readonly timeout: number;
  /** ms to wait for the last answers, whatever was answered before. */
  readonly linger?: number;
  /** ms after which ping ends, whatever is outstanding; with `count`, it sends on until so many are answered. */
  readonly deadline?: number;
  /** Ends it with the summary so far. */
  readonly signal?: AbortSignal;
  onReply?(reply: PingReply): void;
  /** An ICMP error about a request. */
  onReport?(report: SocketErrorReport, sequence: number): void;
  /** A request has gone out. */
  onSend?(): void;
  /** A request that could not be sent: EMSGSIZE, ENETUNREACH, …; it counts as transmitted. */
  onSendError?(error: SystemError, sequence: number): void;
  /** The next request is due and this one has no answer yet (`ping -O`). */
  onUnanswered?(sequence: number): void;
}

export interface PingSummary {
  readonly transmitted: number;
  readonly received: number;
  readonly duplicates: number;
  /** ICMP errors, and requests that could not be sent. */
  readonly errors: number;
  /** Share of requests without answer, 0 to 1. */
  readonly loss: number;
  /** ms from the first request to the end. */
  readonly time: number;
  /** How many requests were under way at a time, at most, when one was answered or an error came; 0 if none did. */
  readonly pipe: number;
  /** Round trips in ms; absent if nothing was answered. `ewma` is a mean in which the latest counts an eighth. */
  readonly rtt?: {
    readonly min: number;
    readonly avg: number;
    readonly max: number;
    readonly mdev: number;
    readonly ewma: number;
  };
}

/** A struct timeval of a 64-bit machine, as iputils sends it at the head of the data. */
const TIMESTAMP_LENGTH = 16;
/** Sequence numbers have 16 bits on the wire; what was sent longer ago is forgotten. */
const SEQUENCES = 0x10000;
/** ms until the next request, at an interval of 0, when no answer comes. */
const FLOOD_PAUSE = 10;

/** What iputils sends: the time, little-endian, then bytes that count up with their offset, as `pattern` has them. */
function echoData(pattern: Uint8Array, now: number): Uint8Array {
  const data = pattern.slice();
  if (data.length < TIMESTAMP_LENGTH) return data;
  const time = new Uint8Array(TIMESTAMP_LENGTH);
  writeU32(time, 4, Math.floor(now / 1000));
  writeU32(time, 12, Math.floor((now % 1000) * 1000));
  data.set(time.subarray(0, 8).reverse());
  data.set(time.subarray(8).reverse(), 8);
  return data;
}

class RoundTrips {
  #count = 0;
  #sum = 0;
  #squares = 0;
  #min = Number.POSITIVE_INFINITY;
  #ewma = 0;
  max = 0;

  add(time: number): void {
    this.#count++;
    this.#sum += time;
    this.#squares += time * time;
    this.#min = Math.min(this.#min, time);
    this.max = Math.max(this.max, time);
    this.#ewma = this.#count === 1 ? time : this.#ewma + (time - this.#ewma) / 8;
  }

  summary(): PingSummary['rtt'] {
    if (this.#count === 0) return undefined;
    const avg = this.#sum / this.#count;
    const mdev = Math.sqrt(Math.max(this.#squares / this.#count - avg * avg, 0));
    return { min: this.#min, avg, max: this.max, mdev, ewma: this.#ewma };
  }
}

/** A request that was sent, by its sequence on the wire. */
interface Sent {
  readonly sequence: number;
  readonly at: number;
  answered: boolean;
}

/** Resolves when all is answered, or waited for, or ended by `deadline` or `signal`. */
export function ping(sockets: Sockets, options: PingOptions): Promise<PingSummary> {
  const { clock } = sockets;
  const count = options.count ?? Number.POSITIVE_INFINITY;
  const sent = new Map<number, Sent>();
  const roundTrips = new RoundTrips();
  const sendOptions: UdpSendOptions = {
    ttl: options.ttl,
    tos: options.tos,
    dontFragment: options.dontFragment,
    source: options.source,
  };
  const pattern = Uint8Array.from({ length: options.size }, (_, index) => index);
  const start = clock.now();
  let transmitted = 0;
  let received = 0;
  let duplicates = 0;
  let errors = 0;
  let pipe = 0;
  let ended = false;

  return new Promise((resolve) => {
    const socket = sockets.openIcmp();
    let next = clock.after(0, sendNext);
    const deadline = options.deadline === undefined ? undefined : clock.after(options.deadline, finish);
    options.signal?.addEventListener('abort', finish);
    socket.on('reply', onReply);
    socket.on('report', onReport);
    if (options.signal?.aborted) finish();

    function finish(): void {
      ended = true;
      next.cancel();
      deadline?.cancel();
      options.signal?.removeEventListener('abort', finish);
      socket.removeAllListeners();
      socket.close();
      resolve({
        transmitted,
        received,
        duplicates,
        errors,
        loss: transmitted === 0 ? 0 : (transmitted - received) / transmitted,
        time: clock.now() - start,
        pipe,
        rtt: roundTrips.summary(),
      });
    }

    function sendNext(): void {
      if (transmitted > 0 && !sent.get(transmitted % SEQUENCES)?.answered)
        options.onUnanswered?.(transmitted);
      const sequence = ++transmitted;
      const now = clock.now();
      sent.set(sequence % SEQUENCES, { sequence, at: now, answered: false });
      try {
        socket.sendEcho(options.destination, sequence % SEQUENCES, echoData(pattern, now), sendOptions);
        options.onSend?.();
      } catch (error) {
        errors++;
        options.onSendError?.(error as SystemError, sequence);
        endIfSettled();
      }
      if (!ended) scheduleNext();
    }

    function scheduleNext(): void {
      next.cancel();
      if (transmitted < count || options.deadline !== undefined) {
        // On schedule from the start, so that a late timer does not delay all that follow.
        const due = start + transmitted * options.interval - clock.now();
        next = clock.after(options.interval === 0 ? FLOOD_PAUSE : due, sendNext);
      } else {
        const usual = received > 0 ? Math.max(2 * roundTrips.max, options.interval) : options.timeout;
        next = clock.after(options.linger ?? usual, finish);
      }
    }

    function onReply(reply: EchoReply): void {
      const request = sent.get(reply.sequence);
      if (!request) return;
      const duplicate = request.answered;
      request.answered = true;
      const time = reply.time - request.at;
      pipe = Math.max(pipe, transmitted - request.sequence + 1);
      if (duplicate) duplicates++;
      else {
        received++;
        roundTrips.add(time);
      }
      options.onReply?.({
        from: reply.from,
        sequence: request.sequence,
        size: reply.data.length + 8,
        ttl: reply.ttl,
        time,
        duplicate,
      });
      endIfSettled();
      const more = transmitted < count || options.deadline !== undefined;
      if (!ended && more && options.interval === 0 && request.sequence === transmitted && !duplicate)
        sendNext();
    }

    function onReport(report: SocketErrorReport & { sequence: number }): void {
      const request = sent.get(report.sequence);
      if (!request || request.answered) return;
      errors++;
      pipe = Math.max(pipe, transmitted - request.sequence + 1);
      options.onReport?.(report, request.sequence);
      endIfSettled();
    }

    /** An error counts as an answer; with a deadline the first one ends it all, as in iputils. */
    function endIfSettled(): void {
      const failed = options.deadline !== undefined && errors > 0;
      if (!ended && (failed || received + errors >= count)) finish();
    }
  });
}
