// Two Linux kernels with our NAT router and our provider between them.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { complaints } from '../support/capture-judges.ts';
import { iperf } from '../support/iperf.ts';
import type { Namespace } from '../support/namespace.ts';
import { captureAll, FORWARDED, Home, OUTSIDE, ROUTER } from './home.ts';

/** Of TCP each way, and of UDP. */
const SIZE = '60M';
const BYTES = 60 * 1024 * 1024;

let home: Home;
beforeAll(async () => {
  home = await Home.start({ unjudged: 'two kernels exchange more than a capture holds' });
});
afterAll(() => home?.close());

/** Segments that Linux found with wrong checksums, of TCP and UDP, since the namespace was made. */
async function checksumErrors(namespace: Namespace): Promise<string> {
  return namespace.ok('nstat', '-as', 'TcpInCsumErrors', 'UdpInCsumErrors');
}

describe('iperf3', () => {
  test.each([
    ['up', []],
    ['down', ['-R']],
    ['up with four streams', ['-P', '4']],
    ['down with four streams', ['-P', '4', '-R']],
    ['both ways at once', ['--bidir']],
  ])('TCP %s', async (_, flags) => {
    const end = await iperf(home.outside, home.inside, OUTSIDE, FORWARDED, '-n', SIZE, ...flags);
    // Both ways at once it ends when so much has gone either way.
    const least = flags.includes('--bidir') ? BYTES / 50 : BYTES / 2;
    expect(end.sum_received?.bytes).toBeGreaterThan(least);
    if (flags.includes('--bidir')) expect(end.sum_received_bidir_reverse?.bytes).toBeGreaterThan(least);
  });

  test('NAT-9 in through a port forward', async () => {
    const end = await iperf(home.inside, home.outside, ROUTER.outside, FORWARDED, '-n', SIZE);
    expect(end.sum_received?.bytes).toBeGreaterThan(BYTES / 2);
  });

  test.each([
    ['up', []],
    ['down', ['-R']],
    ['up in fragments', ['-l', '8000']],
  ])('UDP %s', async (_, flags) => {
    const end = await iperf(
      home.outside,
      home.inside,
      OUTSIDE,
      FORWARDED,
      '-u',
      '-b',
      '5M',
      '-t',
      '2',
      ...flags,
    );
    expect(end.sum?.packets).toBeGreaterThan(100);
    expect(end.sum?.lost_packets).toBe(0);
  });

  test('no kernel found a wrong checksum', async () => {
    for (const namespace of [home.inside, home.outside])
      expect((await checksumErrors(namespace)).match(/CsumErrors +(?!0 )/g)).toBeNull();
  });
});

/** Echoes what comes, as a shell does what is typed, and ends with its client. */
const ECHO = `
import socket, sys
s = socket.create_server(('0.0.0.0', ${FORWARDED}))
print('listening', flush=True)
c, _ = s.accept()
c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
while True:
    d = c.recv(65536)
    if not d: break
    c.sendall(d)
`;

/** Types a key, waits for its echo, 300 times; now and then a screenful; then asks for 2 MB in small pieces. */
const TYPIST = `
import hashlib, socket, sys, time
c = socket.create_connection((sys.argv[1], ${FORWARDED}))
c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
def echo(data):
    c.sendall(data)
    got = b''
    while len(got) < len(data):
        part = c.recv(65536)
        assert part, 'the other side closed'
        got += part
    assert got == data
times = []
for i in range(300):
    t = time.monotonic()
    echo(b'%c' % (97 + i % 26) if i % 50 else b'screenful ' * 400)
    times.append(time.monotonic() - t)
    if i % 100 == 0: time.sleep(0.3)
times.sort()
print('median', times[150])
c.shutdown(socket.SHUT_WR)
assert c.recv(1) == b'', 'more than was sent'
print('whole')
`;

describe('what is typed comes back, key by key', () => {
  test.each([
    ['out', () => [home.outside, home.inside, OUTSIDE] as const],
    ['in', () => [home.inside, home.outside, ROUTER.outside] as const],
  ])('%s through the NAT', async (_, ends) => {
    const [server, client, address] = ends();
    const shell = server.start('/usr/bin/python3', ['-c', ECHO], { buffer: false });
    await once(shell.stdout!, 'data');
    const capture = await captureAll(home.net, home.folder);
    const typed = await client.ok('/usr/bin/python3', '-c', TYPIST, address);
    expect(typed).toMatch(/whole$/);
    await shell;
    await capture.stop();
    expect(capture.frames).toBeGreaterThan(1200);
    expect(await complaints(capture.file)).toEqual([]);
  });

  test('and a large copy has every byte, under an interactive session', async () => {
    const send = `
import socket
s = socket.create_server(('0.0.0.0', ${FORWARDED}))
print('listening', flush=True)
c, _ = s.accept()
for i in range(40000): c.sendall(b'%08d' % i * 64)
c.close()
`;
    const receive = `
import hashlib, socket
c = socket.create_connection(('${ROUTER.outside}', ${FORWARDED}))
h = hashlib.sha256()
while True:
    d = c.recv(65536)
    if not d: break
    h.update(d)
print(h.hexdigest())
`;
    const server = home.inside.start('/usr/bin/python3', ['-c', send], { buffer: false });
    await once(server.stdout!, 'data');
    const got = await home.outside.ok('/usr/bin/python3', '-c', receive);
    const expected = createHash('sha256');
    for (let index = 0; index < 40_000; index++) expected.update(String(index).padStart(8, '0').repeat(64));
    expect(got.trim()).toBe(expected.digest('hex'));
    await server;
  });
});
