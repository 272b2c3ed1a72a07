// A device without a network stack: ports, control channel and manners of a real one, for tests of what
// runs devices. How it behaves follows from its host name.

import { once } from 'node:events';
import { appendFileSync, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { WebSocket } from 'ws';
import { type OpenCapture, startDeviceServer } from '../../shared/cable/device-server.ts';
import { CablePort } from '../../shared/cable/websocket-port.ts';
import type { DeviceStatus } from '../../shared/control/device-status.ts';
import type { ControlHandler, IncomingCall } from '../../shared/control/peer.ts';
import { serveControl } from '../../shared/control/server.ts';
import { mac } from '../../shared/core/address.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/event-log.ts';
import { CaptureWriter } from '../../shared/device/capture-writer.ts';
import type { DeviceConfig } from '../../shared/topology/device-config.ts';

const lines = createInterface({ input: process.stdin });
const [text] = (await once(lines, 'line')) as [string];
lines.on('close', () => process.exit(0));
const config = JSON.parse(text) as DeviceConfig;
const manner = config.spec.hostname;

if (manner === 'dies-at-birth') {
  process.stderr.write('the first line of its end\nthe last line of its end\n');
  process.exit(3);
}
if (manner === 'says-nonsense') process.stdout.write('hello\n');

const watchers = new Set<() => void>();
const ports = new Map(
  config.ports.map(({ name, mac: address, mtu, cable }) => {
    const own = { device: config.spec.name, interface: name, mac: address, mtu };
    const port = new CablePort({ own, cable, token: config.token, clock: systemClock, log: silentLog });
    port.attach({
      frames: () => {},
      carrier: () => {
        for (const watcher of watchers) watcher();
      },
    });
    return [name, { port, address: mac(address) }] as const;
  }),
);

function status(): DeviceStatus {
  const ready = manner !== 'never-ready';
  return {
    device: config.spec.name,
    kind: config.spec.kind,
    pid: process.pid,
    ready,
    waiting: ready ? [] : ['better times'],
    rss: process.memoryUsage.rss(),
    loopLag: 0,
    uptime: process.uptime() * 1000,
    frames: { in: 0, out: 0 },
    drops: 0,
    interfaces: config.ports.map(({ name, mac: address, mtu }) => ({
      name,
      mac: address,
      ipv4: null,
      carrier: ports.get(name)?.port.carrier ?? false,
      mtu,
    })),
  };
}

async function watch(call: IncomingCall): Promise<void> {
  const tell = () => call.stdout.write(`${JSON.stringify(status())}\n`);
  watchers.add(tell);
  tell();
  await interrupted(call);
  watchers.delete(tell);
}

async function interrupted({ interrupt }: IncomingCall): Promise<void> {
  if (!interrupt.aborted) await once(interrupt, 'abort');
}

async function exec(call: IncomingCall): Promise<number> {
  const { argv, cwd } = call.params as { argv: string[]; cwd: string };
  const [name, ...words] = argv;
  if (name === 'echo') call.stdout.write(`${words.join(' ')}\n`);
  if (name === 'pwd') call.stdout.write(`${cwd}\n`);
  if (name === 'warn') call.stderr.write(`${words.join(' ')}\n`);
  if (name === 'exit') return Number(words[0]);
  if (name === 'cat') for await (const chunk of call.stdin) call.stdout.write(chunk);
  if (name === 'wait') {
    call.stdout.write('waiting\n');
    await interrupted(call);
    call.stdout.write(`${call.interrupt.reason}\n`);
    return 130;
  }
  if (name === 'block')
    while (!existsSync(words[0]!)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  if (name === 'crash') process.exit(7);
  return 0;
}

/** Sees one frame as soon as it captures. */
function capture(_name: string, query: URLSearchParams): OpenCapture {
  return (socket) => {
    const options = {
      interface: Number(query.get('index')),
      snapshotLength: 0,
      clockOffset: config.clockOffset,
      backlog: () => 1_000_000,
    };
    const writer = new CaptureWriter(options, systemClock, (bytes, done) => socket.write(bytes, done));
    writer.add(new Uint8Array(60), 'in', systemClock.now());
    socket.resume();
    socket.on('end', () => {
      writer.end();
      socket.end();
    });
    socket.on('error', () => {});
  };
}

function log(event: string, msg: string): void {
  const time = systemClock.now() + config.clockOffset;
  const line = { level: 30, time, device: config.spec.name, layer: event.split('.')[0], event, msg };
  appendFileSync(config.logFile, `${JSON.stringify(line)}\n`);
}

const handlers = new Map<string, ControlHandler>(
  Object.entries({
    status,
    watch,
    exec,
    peer: ({ params }: IncomingCall) => {
      const { interface: name, url } = params as { interface: string; url: string };
      ports.get(name)?.port.setPeerUrl(url);
    },
    stop: () => {
      if (manner === 'will-not-stop') return;
      log('device.stop', 'Stopping');
      setImmediate(() => process.exit(0));
    },
  }),
);

const server = await startDeviceServer({
  listen: config.listen,
  token: config.token,
  cables: new Map([...ports].map(([name, { port }]) => [name, port])),
  control: (socket: WebSocket) => serveControl(socket, handlers, silentLog),
  capture,
  log: silentLog,
});
log('device.start', `Started for the ${config.incarnation + 1}. time`);
if (manner !== 'never-answers') process.stdout.write(`${JSON.stringify({ url: server.url })}\n`);
