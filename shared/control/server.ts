// The serving side of /control: runs calls, and interrupts those whose caller is gone.

import { finished } from 'node:stream/promises';
import type { RawData, WebSocket } from 'ws';
import { Malformed } from '../core/errors.ts';
import type { EventLog } from '../core/event-log.ts';
import { CreditReadable, CreditWritable } from './byte-streams.ts';
import {
  type CallerMessage,
  decodeCallerMessage,
  encodeMessage,
  type ServerMessage,
  type StreamName,
} from './messages.ts';
import type { ControlHandler, IncomingCall } from './peer.ts';

/** Calls that one connection may have open. */
const MOST_CALLS = 256;

/** Bytes of answers that the socket has not taken; beyond them the caller is not read until it reads. */
const MOST_UNSENT = 1024 * 1024;

const CLOSE_PROTOCOL_ERROR = 1002;

/** Characters of an error's message that are passed on. */
const LONGEST_ERROR = 10_000;

/** Serves calls on an open control connection until it ends. */
export function serveControl(
  socket: WebSocket,
  handlers: ReadonlyMap<string, ControlHandler>,
  log: EventLog,
): void {
  const calls = new Map<number, ServedCall>();

  const send = (message: ServerMessage): void => {
    if (socket.readyState !== socket.OPEN) return;
    socket.send(encodeMessage(message), resume);
    if (socket.bufferedAmount > MOST_UNSENT) socket.pause();
  };
  const resume = (): void => {
    if (socket.isPaused && socket.bufferedAmount <= MOST_UNSENT) socket.resume();
  };
  const refuse = (reason: string): void => {
    socket.close(CLOSE_PROTOCOL_ERROR, reason);
    ended(CLOSE_PROTOCOL_ERROR, reason);
  };
  let open = true;
  const ended = (code: number, reason: string): void => {
    if (!open) return;
    open = false;
    const text = `Control connection closed with ${code}${reason && `: ${reason}`}`;
    if (code === CLOSE_PROTOCOL_ERROR || code === 1009) log.warn('control.closed', { code, reason }, text);
    else log.debug?.('control.closed', { code, reason }, text);
    for (const call of calls.values()) call.abandon('gone');
    calls.clear();
  };

  const begin = (message: CallerMessage & { t: 'call' }): void => {
    const { id, method, params } = message;
    const handler = handlers.get(method);
    if (!handler) return send({ t: 'error', id, code: 'ENOSYS', message: unknownMethod(method, handlers) });
    if (calls.size >= MOST_CALLS)
      return send({ t: 'error', id, code: 'EAGAIN', message: `more than ${MOST_CALLS} calls at once` });
    log.debug?.('control.call', { method, id }, `Call of ${method}`);
    const call = new ServedCall(id, params, send);
    calls.set(id, call);
    void call.run(handler).then(() => calls.delete(id));
  };

  socket.on('message', (data: RawData, isBinary: boolean) => {
    if (!open) return;
    if (!isBinary || !(data instanceof Uint8Array)) return refuse('text-message');
    const message = decodeCallerMessage(data);
    if (message instanceof Malformed) return refuse(message.reason);
    const call = calls.get(message.id);
    if (message.t !== 'call') {
      // A call that is over may still be written to: the caller could not know.
      if (call?.receive(message) === false) refuse('stream-overrun');
    } else if (call) refuse('id-in-use');
    else begin(message);
  });
  socket.on('error', (error: Error & { code?: string }) =>
    ended(error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' ? 1009 : 1006, error.message),
  );
  socket.on('close', (code, reason) => ended(code, reason.toString()));
}

function unknownMethod(method: string, handlers: ReadonlyMap<string, ControlHandler>): string {
  return `no method ${method.slice(0, 100)} here; there are ${[...handlers.keys()].sort().join(', ')}`;
}

class ServedCall implements IncomingCall {
  readonly stdin: CreditReadable;
  readonly stdout: CreditWritable;
  readonly stderr: CreditWritable;
  readonly #aborter = new AbortController();
  /** Whether the caller still waits for what it gives. */
  #wanted = true;

  constructor(
    private readonly id: number,
    readonly params: unknown,
    private readonly send: (message: ServerMessage) => void,
  ) {
    this.stdin = new CreditReadable((bytes) => send({ t: 'credit', id, stream: 'stdin', bytes }));
    this.stdout = this.#outgoing('stdout');
    this.stderr = this.#outgoing('stderr');
    // Who uses a stream hears of its errors; where nobody does, they must not end the process.
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream.on('error', () => {});
  }

  get interrupt(): AbortSignal {
    return this.#aborter.signal;
  }

  /** Runs to the end, output included, and answers. */
  async run(handler: ControlHandler): Promise<void> {
    const { id } = this;
    const answer = await outcomeOf(id, handler, this);
    this.stdout.end();
    this.stderr.end();
    await Promise.allSettled([finished(this.stdout), finished(this.stderr)]);
    this.stdin.destroy();
    if (!this.#wanted) return;
    try {
      this.send(answer);
    } catch (error) {
      this.send(errorMessage(id, error));
    }
  }

  /** Takes what the caller sends to a call that runs; false if that breaks the rules. */
  receive(message: Exclude<CallerMessage, { t: 'call' }>): boolean {
    switch (message.t) {
      case 'data':
        return this.stdin.receive(message.data);
      case 'end':
        this.stdin.end();
        return true;
      case 'credit':
        return this[message.stream === 'stdout' ? 'stdout' : 'stderr'].grant(message.bytes);
      case 'signal':
        this.#aborter.abort(message.name);
        return true;
      case 'cancel':
        this.abandon('cancel');
        return true;
    }
  }

  /** Nobody waits for it any more. */
  abandon(reason: 'cancel' | 'gone'): void {
    this.#wanted = false;
    this.#aborter.abort(reason);
    this.stdin.destroy();
    this.stdout.abandon();
    this.stderr.abandon();
  }

  #outgoing(stream: StreamName): CreditWritable {
    const { id, send } = this;
    return new CreditWritable({
      data: (data) => send({ t: 'data', id, stream, data }),
      end: () => send({ t: 'end', id, stream }),
    });
  }
}

async function outcomeOf(id: number, handler: ControlHandler, call: IncomingCall): Promise<ServerMessage> {
  try {
    return { t: 'result', id, value: await handler(call) };
  } catch (error) {
    return errorMessage(id, error);
  }
}

function errorMessage(id: number, error: unknown): ServerMessage {
  const message = (error instanceof Error ? error.message : String(error)).slice(0, LONGEST_ERROR);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return { t: 'error', id, code: typeof code === 'string' ? code : undefined, message };
}
