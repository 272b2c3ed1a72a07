// A program at cables' ends, with `ws` and `msgpackr` and nothing of the project: what the net is held
// against. node station.js '{"role": …}', then one JSON line on standard input for each question.
//
//   relay   listens, dials `to`, and passes every frame on, both ways: a device without a stack
//   source  dials `to`; from {"do":"flood"} to {"do":"stop"} it sends `frame` (hex) as fast as the cable takes
//           it, of so many `flows`; {"do":"ping","count":N,"interval":MS} sends one at a time, and answers with round trips in ms
//   sink    dials `to`, or listens without it; {"do":"count"} answers with the frames and bytes that came;
//           answers ARP for every address; with `echo` sends every frame back

import { createInterface } from 'node:readline';
import { Packr, Unpackr } from 'msgpackr';
import { WebSocket, WebSocketServer } from 'ws';

const {
  role,
  to,
  token = 'bench',
  frame = '',
  flows = 1,
  echo = false,
  mac = '02:00:00:00:be:01',
} = JSON.parse(process.argv[2]);
const PROTOCOL = 'tincan.cable.v1';
/** Frames in a message of the source: as many full ones as the net itself puts into one. */
const BATCH = 172;
/** Where flows differ, and from which port on: the frame is UDP over IPv4 without options, and without a checksum. */
const UDP_SOURCE_PORT = 34;
const UDP_PORTS = 20_000;
/** Bytes that wait in a socket before its sender pauses. */
const MOST_WAITING = 1 << 20;

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false });
const hello = packr.pack({ t: 'hello', v: 1, device: 'bench', interface: role, mac, mtu: 1500 });
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const options = { perMessageDeflate: false, generateMask: (mask) => mask.fill(0) };

/** Resolves with the socket once both hellos have crossed. */
function greet(socket, received) {
  return new Promise((resolve) => {
    const open = () => socket.send(hello);
    if (socket.readyState === WebSocket.OPEN) open();
    else socket.on('open', open);
    socket.on('error', (error) => {
      process.stderr.write(`${role}: ${error.message}\n`);
      process.exit(1);
    });
    socket.on('message', (data) => {
      const message = unpackr.unpack(data);
      if (Array.isArray(message)) received(message);
      else resolve(socket);
    });
  });
}

function dial(received) {
  const headers = { authorization: `Bearer ${token}` };
  return greet(new WebSocket(to, PROTOCOL, { ...options, headers }), received);
}

/** Says where it listens, and resolves with the first who calls. */
function listen(received) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  server.on('listening', () => say({ url: `ws://127.0.0.1:${server.address().port}` }));
  return new Promise((resolve) => server.on('connection', (socket) => resolve(greet(socket, received))));
}

const answers = {};
createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const question = JSON.parse(line);
    say(await answers[question.do](question));
  })
  .on('close', () => process.exit(0));

if (role === 'relay') {
  let near;
  let far;
  const pass = (from, target) => (frames) => {
    const socket = target();
    if (!socket) return;
    socket.send(packr.pack(frames), () => {
      if (socket.bufferedAmount < MOST_WAITING) from().resume();
    });
    if (socket.bufferedAmount >= MOST_WAITING) from().pause();
  };
  const called = listen(
    pass(
      () => near,
      () => far,
    ),
  );
  far = await dial(
    pass(
      () => far,
      () => near,
    ),
  );
  near = await called;
} else if (role === 'sink') {
  let frames = 0;
  let bytes = 0;
  let socket;
  const received = (batch) => {
    frames += batch.length;
    for (const each of batch) {
      bytes += each.length;
      if (each.readUInt16BE(12) === 0x0806 && each[21] === 1) socket?.send(packr.pack([arpReply(each)]));
    }
    if (echo) socket?.send(packr.pack(batch));
  };
  answers.count = () => ({ frames, bytes, at: performance.now() });
  socket = await (to === undefined ? listen(received) : dial(received));
} else {
  let answered = () => {};
  const one = Buffer.from(frame, 'hex');
  const batches = messagesOf(one);
  let turn = 0;
  const socket = await dial(() => answered());
  let flooding = false;
  const more = () => {
    while (flooding && socket.bufferedAmount < MOST_WAITING)
      socket.send(packr.pack(batches[turn++ % batches.length]), more);
  };
  answers.flood = () => {
    flooding = true;
    more();
    return {};
  };
  answers.stop = () => {
    flooding = false;
    return {};
  };
  answers.ping = async ({ count, interval }) => {
    const trips = [];
    for (let index = 0; index < count; index++) {
      const begun = performance.now();
      socket.send(packr.pack([one]));
      await new Promise((resolve) => {
        answered = resolve;
      });
      trips.push(performance.now() - begun);
      await new Promise((resolve) => setTimeout(resolve, interval));
    }
    return { trips };
  };
}
say({ ready: true });

/** Messages of the frame as it is or, as so many flows, each with another UDP source port, one after the other. */
function messagesOf(frame) {
  const frames = Array.from({ length: Math.ceil(flows / BATCH) * BATCH }, (_, index) => {
    const copy = Buffer.from(frame);
    if (flows > 1) copy.writeUInt16BE(UDP_PORTS + (index % flows), UDP_SOURCE_PORT);
    return copy;
  });
  return Array.from({ length: frames.length / BATCH }, (_, index) =>
    frames.slice(index * BATCH, (index + 1) * BATCH),
  );
}

/** "It is at me", to whoever asks. */
function arpReply(request) {
  const reply = Buffer.from(request);
  const own = Buffer.from(mac.replaceAll(':', ''), 'hex');
  request.copy(reply, 0, 6, 12);
  own.copy(reply, 6);
  reply[21] = 2;
  own.copy(reply, 22);
  request.copy(reply, 28, 38, 42);
  request.copy(reply, 32, 22, 32);
  return reply;
}
