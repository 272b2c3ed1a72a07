// Plays a script, event by event, against the machine under test.

import { DEFAULT_TCP_SETTINGS, type TcpSettings } from '../../../shared/stack/tcp/settings.ts';
import type { Value } from '../code/python.ts';
import { runCode } from '../code/run-code.ts';
import { Expectation, type Outbox } from '../compare/expectation.ts';
import { type TimeWindow, timeText, timeWindow } from '../compare/timing.ts';
import { Watches } from '../compare/watches.ts';
import type { Config } from '../config/config.ts';
import { readSettings } from '../config/sysctl.ts';
import { Mismatch } from '../language/errors.ts';
import type { CallAction, PacketAction, Script, ScriptEvent } from '../language/script.ts';
import { Machine } from '../machine/machine.ts';
import type { Flow } from '../packets/flow.ts';
import { Flows } from '../packets/flows.ts';
import { icmpPacket, tcpPacket } from '../packets/inbound.ts';
import { Outgoing } from '../packets/outgoing.ts';
import type { SentIcmp, SentTcp } from '../packets/seen.ts';
import type { CallHost } from '../sockets/call.ts';
import { Calls } from '../sockets/calls.ts';
import type { CallContext } from '../sockets/values.ts';
import { BlockedCall } from './blocked-call.ts';
import { callMismatch } from './call-result.ts';
import type { Note } from './verdict.ts';

/** µs of virtual time that no script goes beyond: a day. */
const LONGEST_RUN = 86_400e6;

export interface PlayOptions {
  /** Whether what is a system's choice is compared too. */
  readonly strict: boolean;
}

export class Player implements Outbox {
  readonly notes: Note[] = [];
  readonly #machine: Machine;
  readonly #flows: Flows;
  readonly #outgoing: Outgoing;
  readonly #calls: Calls;
  readonly #expectation: Expectation;
  readonly #watches = new Watches();
  #settings: TcpSettings = DEFAULT_TCP_SETTINGS;
  /** What code of the script gave names to. */
  readonly #names = new Map<string, Value>();
  #blocked: BlockedCall | undefined;
  #last: { readonly event: ScriptEvent; readonly at: number } | undefined;

  constructor(
    private readonly script: Script,
    private readonly config: Config,
    private readonly options: PlayOptions,
  ) {
    const { local, gateway, remote, mtu, bindPort } = config;
    this.#flows = new Flows({ local: local.address, remote, bindPort });
    this.#outgoing = new Outgoing(this.#flows, (flow, seen) =>
      this.#watches.of(flow).acknowledgments.sent(seen),
    );
    this.#machine = new Machine({ address: local, gateway, mtu });
    this.#machine.sent = (sent) => this.#outgoing.add(sent);
    this.#calls = new Calls(this.#callHost());
    this.#expectation = new Expectation(this, {
      strict: options.strict,
      timestampTick: config.timestampTick,
      tolerance: config.tolerance,
      strictSegments: config.strictSegments,
      patterned: !writesText(script),
    });
  }

  /** @throws Mismatch, Unsupported, ScriptError */
  run(): void {
    for (const event of this.script.events) this.#play(event);
    this.#finishBlocked();
    while (this.#watches.owed.length > 0 && this.step(this.#watches.lastDeadline + 1));
  }

  /** What was sent beyond all that the script looks at. */
  get leftOver(): string[] {
    return this.#outgoing.texts();
  }

  close(): void {
    this.#machine.close();
  }

  // What an expectation asks for.

  get now(): number {
    return this.#machine.now;
  }

  peek(flow: Flow, ahead = 0): SentTcp | SentIcmp | undefined {
    return this.#outgoing.peek(flow, ahead);
  }

  take(flow: Flow, count: number): void {
    this.#outgoing.take(flow, count);
  }

  step(until: number): boolean {
    const blockedUntil = this.#blocked?.latest ?? Number.POSITIVE_INFINITY;
    let goesOn = this.#machine.step(Math.min(until, blockedUntil, LONGEST_RUN));
    if (!goesOn && blockedUntil < until) {
      this.#machine.advanceTo(blockedUntil);
      goesOn = true;
    } else if (!goesOn && Number.isFinite(until)) this.#machine.advanceTo(until);
    this.#settle();
    return goesOn;
  }

  // Events.

  #play(event: ScriptEvent): void {
    const { line, action } = event;
    const origin = this.#origin(event);
    const window = timeWindow(event.time, origin, this.config);
    if (action.kind === 'packet' && action.direction === 'out') this.#expect(line, action, window, origin);
    else {
      this.#waitFor(line, window);
      if (action.kind === 'packet') this.#send(line, action);
      else if (action.kind === 'call') this.#call(event, action, origin);
      else if (action.kind === 'command') this.#command(line, action.text);
      else this.#code(line, action.text);
    }
    this.#settle();
    this.#last = { event, at: window.expected ?? this.now };
  }

  /** What a relative time is relative to: now, but from one packet of the script to the next what it says. */
  #origin(event: ScriptEvent): number {
    const anchored = this.#last && isInbound(this.#last.event) && isInbound(event);
    return anchored ? this.#last!.at : this.now;
  }

  #waitFor(line: number, window: TimeWindow): void {
    const at = window.expected ?? this.now;
    while (this.now < at && this.step(at));
    if (this.now > window.until)
      throw new Mismatch(line, `this is for ${timeText(at)}, and it is ${timeText(this.now)} already`);
  }

  #expect(line: number, action: PacketAction, window: TimeWindow, origin: number): void {
    const flow = action.packet.kind === 'tcp' ? this.#flows.outbound(action.packet) : this.#flows.current;
    if (!flow)
      throw new Mismatch(line, 'a packet is expected, and there is no connection that could send it');
    this.#expectation.meet({ line, action, window, origin, flow, watch: this.#watches.of(flow) });
  }

  #send(line: number, { packet, ip }: PacketAction): void {
    if (packet.kind === 'icmp') {
      const { flow } = this.#flows.inbound({ ports: undefined });
      return this.#machine.receive(icmpPacket(packet, ip, flow));
    }
    const { flow, first } = this.#flows.inbound(packet);
    flow.noteInbound(packet.flags, packet.sequence.start, first);
    this.#watches.of(flow).inbound(packet, this.now);
    const { scaledEcho } = this.config;
    this.#machine.receive(tcpPacket(packet, ip, { line, flow, scaledEcho }));
  }

  #call({ line, time }: ScriptEvent, action: CallAction, origin: number): void {
    // There is one thread for calls that block, as in packetdrill.
    this.#finishBlocked();
    const context = this.#context(line);
    const pending = this.#calls.begin(action, context);
    if (action.end !== undefined) {
      const end = action.end + (time.kind === 'relative' ? origin : 0);
      this.#blocked = new BlockedCall(action, context, pending, end, this.config.tolerance);
      return;
    }
    const done = pending();
    if (!done) throw new Mismatch(line, `${action.name} blocks, and the script does not say until when`);
    const why = callMismatch(action, done, context);
    if (why !== undefined) throw new Mismatch(line, why);
    if (/^(read|recv)/.test(action.name)) this.#watches.read();
  }

  #command(line: number, text: string): void {
    const { settings, skipped } = readSettings(text);
    this.#settings = { ...this.#settings, ...settings };
    this.#machine.stack.configureTcp(settings);
    for (const each of skipped)
      if (!this.notes.some((note) => note.text === each)) this.notes.push({ line, text: each });
  }

  #code(line: number, text: string): void {
    const connection = this.#calls.table.latestConnection;
    runCode(text, { line, connection, own: this.#names });
  }

  #context(line: number): CallContext {
    return { line, defines: this.config.defines };
  }

  // What goes on meanwhile.

  /** What was let loose runs to its end, and a call that waits for it is asked again. */
  #settle(): void {
    this.#machine.clock.settle();
    this.#outgoing.sort();
    if (this.#blocked?.ask(this.now)) {
      this.#blocked = undefined;
      this.#watches.read();
    }
    this.#machine.clock.settle();
    this.#outgoing.sort();
    this.#checkOwed();
  }

  #checkOwed(): void {
    for (const { line, flow, acknowledgment, deadline } of this.#watches.owed)
      if (this.now > deadline && !this.#outgoing.acknowledges(flow, acknowledgment, deadline))
        throw new Mismatch(line, `> . ack ${acknowledgment} is expected, and none came within 0.5 s`);
  }

  #finishBlocked(): void {
    while (this.#blocked && this.step(this.#blocked.latest));
  }

  #callHost(): CallHost {
    const machine = this.#machine;
    const { local, remote, bindPort, connectPort } = this.config;
    return {
      tcp: machine.stack.tcp,
      now: () => machine.clock.now(),
      sendBuffer: () => this.#settings.sendBuffer,
      optionDefaults: () => this.#settings,
      listening: (port) => this.#flows.listening(port),
      connecting: (from, to) => this.#flows.connecting(from, to),
      bindAddress: { address: local.address, port: bindPort },
      connectAddress: { address: remote, port: connectPort },
      strict: this.options.strict,
    };
  }
}

function isInbound({ action }: ScriptEvent): boolean {
  return action.kind === 'packet' && action.direction === 'in';
}

/** Whether any call writes text that the script gives, rather than the pattern. */
function writesText({ events }: Script): boolean {
  return events.some(
    ({ action }) =>
      action.kind === 'call' &&
      /^(write|send)/.test(action.name) &&
      action.arguments.some(({ kind }) => kind === 'string'),
  );
}
