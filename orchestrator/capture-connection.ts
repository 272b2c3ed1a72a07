// The connection on which a device sends what it captures at an interface.

import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { CAPTURE_PROTOCOL } from '../shared/cable/device-server.ts';
import { codeOf, Failure, messageOf } from './failure.ts';

/** ms to connect in: a frozen device accepts and says nothing. */
const CONNECT_TIMEOUT = 5000;

/** What is done with what comes. */
export interface CaptureInput {
  /** Where it is to be read to. */
  space(): Uint8Array;
  /** Takes so many bytes of it; false if no more may come until `resume` of the socket is called. */
  received(bytes: number): boolean;
}

export interface CaptureRequest {
  readonly interface: string;
  /** The number that it has in the file. */
  readonly index: number;
  /** Bytes of a frame that are captured at most; 0: all. */
  readonly snapshotLength: number;
}

/**
 * Ends when the device has ended, or has sent all that it saw until `end` was called.
 * @param url of the device, as in its DeviceReady line
 * @throws Failure if nobody answers, or in the device's words if it refuses
 */
export async function openCapture(
  url: string,
  token: string,
  { interface: name, index, snapshotLength }: CaptureRequest,
  input: CaptureInput,
): Promise<Socket> {
  let upgraded = false;
  const socket = connect({
    ...addressOf(url),
    onread: {
      buffer: () => input.space(),
      callback(length, bytes) {
        if (upgraded) return input.received(length);
        // The answer to the request is read by node:http.
        socket.push(Buffer.from(bytes.subarray(0, length)));
        return true;
      },
    },
  });
  const asking = request({
    createConnection: () => socket,
    path: `/capture/${name}?index=${index}&snapshotLength=${snapshotLength}`,
    headers: { connection: 'Upgrade', upgrade: CAPTURE_PROTOCOL, authorization: `Bearer ${token}` },
    timeout: CONNECT_TIMEOUT,
  });
  asking.on('timeout', () =>
    asking.destroy(new Failure(`no answer within ${CONNECT_TIMEOUT / 1000} s; see: tincan ps`)),
  );
  asking.on('response', (response: IncomingMessage) => {
    void text(response).then(
      (why) => asking.destroy(new Failure(why.trim())),
      (error: Error) => asking.destroy(error),
    );
  });
  asking.on('upgrade', (_response, _socket, head: Buffer) => {
    upgraded = true;
    socket.setTimeout(0);
    socket.on('error', () => {}); // the close follows
    input.space().set(head);
    input.received(head.length);
  });
  asking.end();
  await once(asking, 'upgrade').catch((error: unknown) => {
    if (error instanceof Failure) throw error;
    throw new Failure(`no answer (${codeOf(error) ?? messageOf(error)}); see: tincan ps`);
  });
  return socket;
}

function addressOf(
  url: string,
): { readonly path: string } | { readonly host: string; readonly port: number } {
  const path = /^ws\+unix:(.*):$/.exec(url)?.[1];
  if (path !== undefined) return { path };
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) };
}
