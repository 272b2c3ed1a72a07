// What the typed calls of a device take and answer: `fetch`, `ping`, `resolve` and `connect`. A program speaks
// with a device through these; people use its commands.
//
// | method    | params           | stdin        | stderr          | stdout               | answer                 |
// | --------- | ---------------- | ------------ | --------------- | -------------------- | ---------------------- |
// | `fetch`   | `FetchCall`      | request body | `FetchHead`     | response body        | `Outcome<null>`        |
// | `ping`    | `PingCall`       |              |                 | `PingLine` a line    | `Outcome<PingResult>`  |
// | `resolve` | `ResolveCall`    |              |                 |                      | `Outcome<ResolveResult>` |
// | `connect` | `ConnectCall`    | bytes to send | `ConnectHead`  | bytes received       | `Outcome<null>`        |
//
// A head is one line of JSON, there as soon as it is known. What fails on the device's network is part of the
// answer, so that it can't be taken for a failure of the control channel, whose errors have the same codes.

/** An error as it travels: Node's system errors have these fields. */
export interface ErrorFields {
  readonly message: string;
  readonly code?: string | undefined;
  readonly errno?: number | undefined;
  readonly syscall?: string | undefined;
  readonly hostname?: string | undefined;
  readonly address?: string | undefined;
  readonly port?: number | undefined;
}

export type Outcome<T> = { readonly value: T } | { readonly failure: ErrorFields };

/** One request; redirects are the caller's to follow. */
export interface FetchCall {
  readonly url: string;
  readonly method: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Bytes of the body, if their number is known; absent without a body or with one of unknown length. */
  readonly bodyLength?: number | undefined;
  /** Whether a body comes on stdin. */
  readonly hasBody: boolean;
}

export interface FetchHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export interface PingCall {
  /** A name or an address. */
  readonly destination: string;
  readonly count: number;
  /** ms between requests. */
  readonly interval: number;
  /** Bytes of data in a request. */
  readonly size: number;
  /** ms to wait for outstanding answers after the last request. */
  readonly timeout: number;
}

/** An answer to an echo request. */
export interface PingReply {
  readonly from: string;
  /** From 1. */
  readonly sequence: number;
  /** Bytes of ICMP: header and data. */
  readonly size: number;
  readonly ttl: number;
  /** Round trip in ms. */
  readonly time: number;
  /** This sequence was answered before. */
  readonly duplicate: boolean;
}

/** Why there will be no answer to an echo request. */
export interface PingError {
  /** From 1. */
  readonly sequence: number;
  /** An ICMP error, or the code with which the request could not be sent: `ENETUNREACH`, `EMSGSIZE`, … */
  readonly reason: 'unreachable' | 'too-big' | 'time-exceeded' | 'parameter-problem' | (string & {});
  /** Who reported the ICMP error. */
  readonly from?: string | undefined;
}

export type PingLine = { readonly reply: PingReply } | { readonly error: PingError };

/** What became of all requests. */
export interface PingResult {
  /** The address that was pinged. */
  readonly address: string;
  readonly transmitted: number;
  readonly received: number;
  readonly duplicates: number;
  /** Share of requests without answer, 0 to 1. */
  readonly loss: number;
  /** ms from the first request to the end. */
  readonly time: number;
  /** Round trips in ms; absent if nothing was answered. */
  readonly rtt?:
    | { readonly min: number; readonly avg: number; readonly max: number; readonly mdev: number }
    | undefined;
}

export interface ResolveCall {
  readonly name: string;
  readonly type: string;
  /** A name server to ask, past the device's own servers and cache. */
  readonly server?: string | undefined;
  /** ms to wait for an answer; without one, as long as the device's resolver does. */
  readonly timeout?: number | undefined;
}

/** Data of one record, by type. */
export type ResolvedRecord =
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'CNAME' | 'NS' | 'PTR'; readonly target: string }
  | { readonly type: 'MX'; readonly priority: number; readonly exchange: string }
  | { readonly type: 'TXT'; readonly strings: readonly string[] };

export interface ResolveResult {
  /** The records of the type that was asked for, behind the aliases that led to them. */
  readonly records: readonly ResolvedRecord[];
}

export interface ConnectCall {
  /** A name or an address. */
  readonly host: string;
  readonly port: number;
}

export interface ConnectHead {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}
