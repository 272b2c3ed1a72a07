// What a packetdrill script says, as the parser gives it. Times are in µs throughout.

import type { Expression } from './expression.ts';

export interface Script {
  /** `--name=value` lines, in order. */
  readonly options: readonly ScriptOption[];
  readonly events: readonly ScriptEvent[];
}

export interface ScriptOption {
  readonly line: number;
  readonly name: string;
  readonly value: string | undefined;
}

export interface ScriptEvent {
  readonly line: number;
  readonly time: EventTime;
  readonly action: Action;
}

export type EventTime =
  | { readonly kind: 'relative' | 'absolute'; readonly at: number }
  | { readonly kind: 'relative-range' | 'absolute-range'; readonly at: number; readonly until: number }
  | { readonly kind: 'any' };

export type Action = PacketAction | CallAction | CommandAction | CodeAction;

/** A shell line in backticks. */
export interface CommandAction {
  readonly kind: 'command';
  readonly text: string;
}

/** `%{ … }%`. */
export interface CodeAction {
  readonly kind: 'code';
  readonly text: string;
}

export interface CallAction {
  readonly kind: 'call';
  readonly name: string;
  readonly arguments: readonly Expression[];
  /** When a call that blocks returns, on the scale of the event's time. */
  readonly end: number | undefined;
  readonly result: Expression;
  /** Name of the error that a result of -1 stands for. */
  readonly error: string | undefined;
}

export interface PacketAction {
  readonly kind: 'packet';
  /** `in`: the script sends it to the TCP under test. */
  readonly direction: 'in' | 'out';
  readonly ip: IpSpec;
  readonly packet: TcpSpec | IcmpSpec;
}

/** What is said of the IP header; what is undefined is not looked at. */
export interface IpSpec {
  readonly tos?: number;
  /** Which bits of `tos` count. */
  readonly tosMask?: number;
  /** Either of the two ECN-capable codepoints. */
  readonly anyEct?: boolean;
  readonly ttl?: number;
}

export interface TcpSpec {
  readonly kind: 'tcp';
  readonly ports: { readonly source: number; readonly destination: number } | undefined;
  /** Sum of the TCP_… flags. */
  readonly flags: number;
  readonly sequence: SequenceSpec;
  readonly acknowledgment: number;
  readonly window: number | undefined;
  readonly urgent: number;
  /** `any`: `<...>`, not looked at. */
  readonly options: readonly TcpOptionSpec[] | 'any';
}

export interface SequenceSpec {
  readonly start: number;
  /** Bytes of payload. */
  readonly length: number;
  /** `!`: as on the wire, whatever the initial sequence number was. */
  readonly absolute: boolean;
  /** `...(LENGTH)`. */
  readonly ignored: boolean;
}

export type TcpOptionSpec =
  | { readonly kind: 'nop' | 'eol' | 'sackOK' }
  | { readonly kind: 'mss' | 'wscale'; readonly value: number }
  | { readonly kind: 'sack'; readonly blocks: readonly { readonly start: number; readonly end: number }[] }
  | {
      readonly kind: 'TS';
      /** Undefined for a wildcard. */
      readonly value: number | undefined;
      readonly echo: number | undefined;
      /** `ecr N!`: as on the wire. */
      readonly absoluteEcho: boolean;
    }
  /** One that this TCP does not know; `name` as the script has it. */
  | { readonly kind: 'other'; readonly name: string; readonly code: number; readonly data: Uint8Array };

export interface IcmpSpec {
  readonly kind: 'icmp';
  readonly type: number;
  readonly code: number;
  readonly mtu: number | undefined;
  readonly identifier: number | undefined;
  /** The segment that an error quotes. */
  readonly quoted: { readonly start: number; readonly length: number } | undefined;
}
