// Device servers and cable ports over real WebSockets, for tests.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Packr } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import {
  type DeviceServer,
  type ListenAddress,
  startDeviceServer,
} from '../../shared/cable/device-server.ts';
import { CablePort, type CablePortOptions } from '../../shared/cable/websocket-port.ts';
import { systemClock } from '../../shared/core/clock.ts';
import type { FrameReceiver } from '../../shared/core/frame-port.ts';
import { RecordedLog } from '../support/recorded-log.ts';

export const TOKEN = 'tincan-test-token';

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tincan-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A receiver whose news can be awaited. */
export class Recorder implements FrameReceiver {
  readonly received: Uint8Array[] = [];
  readonly carriers: boolean[] = [];
  #waiting: (() => void)[] = [];

  frames(batch: readonly Uint8Array[]): void {
    for (const frame of batch) this.received.push(new Uint8Array(frame));
    this.#news();
  }

  carrier(up: boolean): void {
    this.carriers.push(up);
    this.#news();
  }

  get up(): boolean {
    return this.carriers.at(-1) ?? false;
  }

  /** Resolves when `holds` does; asked at each news. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #news(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

export interface TestPort {
  readonly port: CablePort;
  readonly recorder: Recorder;
  readonly log: RecordedLog;
}

export function testPort(
  device: string,
  name: string,
  cable?: CablePortOptions['cable'],
  mtu = 1500,
): TestPort {
  const log = new RecordedLog();
  const own = { device, interface: name, mac: '02:00:00:00:00:01', mtu };
  const port = new CablePort({ own, cable, token: TOKEN, clock: systemClock, log });
  const recorder = new Recorder();
  port.attach(recorder);
  onTestFinished(() => port.close());
  return { port, recorder, log };
}

export async function serve(
  listen: ListenAddress,
  cables: Record<string, CablePort>,
  control: (socket: WebSocket) => void = (socket) => socket.close(),
): Promise<DeviceServer & { readonly log: RecordedLog }> {
  const log = new RecordedLog();
  const server = await startDeviceServer({
    listen,
    token: TOKEN,
    cables: new Map(Object.entries(cables)),
    control,
    log,
  });
  onTestFinished(() => server.close());
  return { ...server, log };
}

/** Both ends of a cable: `router:lan1` answers, `laptop:eth0` dials. */
export async function cabled(
  listen: ListenAddress,
): Promise<{ router: TestPort; laptop: TestPort; server: DeviceServer }> {
  const router = testPort('router', 'lan1', {
    name: 'laptop-router',
    peer: { device: 'laptop', interface: 'eth0' },
    dials: false,
  });
  const laptop = testPort('laptop', 'eth0', toRouter);
  const server = await serve(listen, { lan1: router.port });
  laptop.port.setPeerUrl(server.url);
  await laptop.recorder.until(() => laptop.recorder.up);
  await router.recorder.until(() => router.recorder.up);
  return { router, laptop, server };
}

/** The laptop's side of that cable. */
export const toRouter = { name: 'laptop-router', peer: { device: 'router', interface: 'lan1' }, dials: true };

/** An Ethernet frame of `length` bytes that can be told from others. */
export function testFrame(number: number, length = 60): Uint8Array {
  const frame = new Uint8Array(length).fill(number & 255);
  frame[0] = number >>> 8;
  return frame;
}

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });

/** A program from outside, written with nothing but `ws` and `msgpackr`. */
export class Outsider {
  readonly messages: unknown[] = [];
  /** [code, reason] once the connection is closed. */
  readonly closed: Promise<readonly [number, string]>;
  /** Resolves when open; rejects with ws's words if it is refused. */
  readonly opened: Promise<void>;
  #waiting: (() => void)[] = [];

  constructor(
    url: string,
    path: string,
    token = TOKEN,
    readonly socket = new WebSocket(
      url + path,
      path === '/control' ? 'tincan.control.v1' : 'tincan.cable.v1',
      {
        headers: { authorization: `Bearer ${token}` },
      },
    ),
  ) {
    this.opened = new Promise((resolve, reject) => {
      socket.on('open', resolve);
      socket.on('error', reject);
    });
    this.opened.catch(() => {});
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => resolve([code, reason.toString()]));
    });
    socket.on('message', (data: Buffer) => {
      this.messages.push(unpackr.unpack(data));
      for (const resolve of this.#waiting.splice(0)) resolve();
    });
    onTestFinished(() => socket.terminate());
  }

  send(value: unknown): void {
    this.socket.send(packr.pack(value));
  }

  hello(device: string, name: string, mtu = 1500): void {
    this.send({ t: 'hello', v: 1, device, interface: name, mac: '02:00:00:00:00:99', mtu });
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
