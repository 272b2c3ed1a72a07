// traceroute: probes with a rising TTL, and who says that it ran out (RFC 792), as Linux's traceroute asks.

import type { Timer } from '../../core/clock.ts';
import type { SystemError } from '../../core/errors.ts';
import type { EchoReply, SocketErrorReport, Sockets, UdpSendOptions } from '../../socket/sockets.ts';

export interface TracerouteProbe {
  readonly ttl: number;
  /** 0 for the first probe of a hop. */
  readonly probe: number;
  /** Who answered; undefined if nobody did in time, or the device itself could not send it. */
  readonly address?: string;
  /** Round trip in ms, if it was answered. */
  readonly rtt?: number;
  /** `!H`, `!N`, `!P`, `!S`, `!X`, `!F-1200` (with the MTU), or `!<code>`. */
  readonly annotation?: string;
  /** The way ends here: the destination answered, or somebody said that it can't be reached. */
  readonly final: boolean;
}

export interface TracerouteOptions {
  /** An address, not a name. */
  readonly destination: string;
  readonly method: 'udp' | 'icmp';
  readonly firstTtl: number;
  readonly maxTtl: number;
  /** Probes a hop. */
  readonly probes: number;
  /** ms to wait for an answer. */
  readonly wait: number;
  /** UDP: the destination port of the first probe; each has the next one. 33434 unless told. */
  readonly port?: number;
  /** Bytes of data; what makes a packet of 60 bytes unless told. */
  readonly size?: number;
  readonly tos?: number;
  /** Sends with DF what the first link takes, whatever was learned of the path. */
  readonly dontFragment?: boolean;
  /** Ends it with what is known so far. */
  readonly signal?: AbortSignal;
  /** Called for each probe in order, hop by hop. */
  onProbe(probe: TracerouteProbe): void;
}

export interface TracerouteSummary {
  /** Whether the destination answered. */
  readonly reached: boolean;
  /** The last TTL that was reported. */
  readonly lastTtl: number;
}

/** As many probes wait at once as in Linux's traceroute, so that silent hops do not cost `wait` each. */
const SIMULTANEOUS = 16;
const FIRST_PORT = 33434;
const DEFAULT_SIZE = 32;
/** Linux's traceroute fills its probes with the letters from `@` on. */
const PATTERN = 0x40;

const UNREACHABLE: Readonly<Record<number, string>> = {
  0: '!N',
  1: '!H',
  2: '!P',
  5: '!S',
  6: '!U',
  9: '!X',
  10: '!X',
  13: '!X',
};
const PORT_UNREACHABLE = 3;

/** What a report says beside the address; undefined for those that are part of the plan. */
function annotationOf(report: SocketErrorReport): string | undefined {
  switch (report.kind) {
    case 'time-exceeded':
      return undefined;
    case 'too-big':
      return `!F-${report.mtu}`;
    case 'parameter-problem':
      return '!<parameter>';
    case 'unreachable':
      return report.code === PORT_UNREACHABLE ? undefined : (UNREACHABLE[report.code] ?? `!<${report.code}>`);
  }
}

/** A way to send probe number `index`; answers come back with the index. */
interface Prober {
  send(index: number, ttl: number): void;
  close(): void;
}

interface Answer {
  /** Undefined for an error of the device itself. */
  readonly address: string | undefined;
  readonly annotation: string | undefined;
  readonly final: boolean;
  /** The destination itself answered. */
  readonly reached: boolean;
  /** On the device's clock. */
  readonly at: number;
}

type OnAnswer = (index: number, answer: Answer) => void;

function reportAnswer(sockets: Sockets, report: SocketErrorReport, destination: string): Answer {
  const final = report.kind !== 'time-exceeded';
  return {
    address: report.from,
    annotation: annotationOf(report),
    final,
    reached: final && report.from === destination,
    at: sockets.clock.now(),
  };
}

/** As Linux's error queue has it: what is longer than the link's MTU never leaves. */
function localAnswer(sockets: Sockets, mtu: number | undefined): Answer {
  return {
    address: undefined,
    annotation: `!F-${mtu}`,
    final: true,
    reached: false,
    at: sockets.clock.now(),
  };
}

function sendOptionsOf({ tos, dontFragment }: TracerouteOptions, ttl: number): UdpSendOptions {
  return { ttl, tos, dontFragment: dontFragment ? 'probe' : undefined };
}

/** Probes to ports that nobody listens on: the destination says port unreachable. */
function udpProber(sockets: Sockets, options: TracerouteOptions, data: Uint8Array, answer: OnAnswer): Prober {
  const { destination } = options;
  const firstPort = options.port ?? FIRST_PORT;
  const socket = sockets.createUdpSocket();
  socket.on('error', () => {});
  socket.on('report', (report: SocketErrorReport) => {
    if (report.destination === destination)
      answer(report.port - firstPort, reportAnswer(sockets, report, destination));
  });
  socket.bind();
  return {
    send: (index, ttl) => socket.send(data, firstPort + index, destination, sendOptionsOf(options, ttl)),
    close: () => socket.close(),
  };
}

/** Echo requests: the destination replies. */
function icmpProber(
  sockets: Sockets,
  options: TracerouteOptions,
  data: Uint8Array,
  answer: OnAnswer,
): Prober {
  const { destination } = options;
  const socket = sockets.openIcmp();
  socket.on('report', (report: SocketErrorReport & { sequence: number }) =>
    answer(report.sequence - 1, reportAnswer(sockets, report, destination)),
  );
  socket.on('reply', (reply: EchoReply) =>
    answer(reply.sequence - 1, {
      address: reply.from,
      annotation: undefined,
      final: true,
      reached: true,
      at: reply.time,
    }),
  );
  return {
    send: (index, ttl) => socket.sendEcho(destination, index + 1, data, sendOptionsOf(options, ttl)),
    close: () => socket.close(),
  };
}

interface Pending {
  readonly sentAt: number;
  timeout: Timer | undefined;
  answer: Answer | undefined;
}

/** @throws SystemError (as a rejection) when a probe can't be sent: ENETUNREACH, EHOSTUNREACH, … */
export function traceroute(sockets: Sockets, options: TracerouteOptions): Promise<TracerouteSummary> {
  const { clock } = sockets;
  const { firstTtl, probes } = options;
  const total = (options.maxTtl - firstTtl + 1) * probes;
  const data = Uint8Array.from({ length: options.size ?? DEFAULT_SIZE }, (_, index) => PATTERN + index);
  const pending = new Map<number, Pending>();
  let nextToSend = 0;
  let nextToReport = 0;
  /** Where the last hop's probes end; lower once the way's end is known. */
  let end = total;
  let reached = false;
  let ended = false;

  return new Promise((resolve, reject) => {
    const makeProber = options.method === 'udp' ? udpProber : icmpProber;
    const prober = makeProber(sockets, options, data, onAnswer);
    options.signal?.addEventListener('abort', finish);
    if (options.signal?.aborted) finish();
    else sendMore();

    function close(): void {
      ended = true;
      for (const probe of pending.values()) probe.timeout?.cancel();
      options.signal?.removeEventListener('abort', finish);
      prober.close();
    }

    function finish(): void {
      close();
      resolve({ reached, lastTtl: firstTtl + Math.ceil(nextToReport / probes) - 1 });
    }

    function sendMore(): void {
      try {
        while (!ended && nextToSend < end && nextToSend - nextToReport < SIMULTANEOUS)
          sendProbe(nextToSend++);
      } catch (error) {
        close();
        reject(error);
      }
    }

    function sendProbe(index: number): void {
      const timeout = clock.after(options.wait, () => {
        const probe = pending.get(index);
        if (probe) probe.timeout = undefined;
        reportSettled();
      });
      pending.set(index, { sentAt: clock.now(), timeout, answer: undefined });
      try {
        prober.send(index, firstTtl + Math.floor(index / probes));
      } catch (error) {
        if ((error as SystemError).code !== 'EMSGSIZE') throw error;
        onAnswer(index, localAnswer(sockets, (error as SystemError).mtu));
      }
    }

    function onAnswer(index: number, answer: Answer): void {
      const probe = pending.get(index);
      if (ended || !probe?.timeout) return;
      probe.timeout.cancel();
      probe.timeout = undefined;
      probe.answer = answer;
      if (answer.final) end = Math.min(end, (Math.floor(index / probes) + 1) * probes);
      reportSettled();
    }

    /** Tells in order what is known, as far as nothing before it is outstanding. */
    function reportSettled(): void {
      for (; !ended && nextToReport < end; nextToReport++) {
        const probe = pending.get(nextToReport);
        if (!probe || probe.timeout) break;
        pending.delete(nextToReport);
        report(nextToReport, probe);
      }
      if (ended) return;
      if (nextToReport >= end) finish();
      else sendMore();
    }

    function report(index: number, { sentAt, answer }: Pending): void {
      if (answer?.reached) reached = true;
      options.onProbe({
        ttl: firstTtl + Math.floor(index / probes),
        probe: index % probes,
        address: answer?.address,
        rtt: answer && answer.at - sentAt,
        annotation: answer?.annotation,
        final: answer?.final ?? false,
      });
    }
  });
}
