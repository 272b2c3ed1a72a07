// What a device sends of a capture, and what becomes of frames that nobody takes.

import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { CapturePort } from '../../shared/cable/capture.ts';
import { concatBytes } from '../../shared/core/bytes.ts';
import { Malformed } from '../../shared/core/errors.ts';
import { Captures } from '../../shared/device/captures.ts';
import { decodeCaptureFile } from '../../shared/wire/capture-file.ts';
import {
  encodeInterfaceDescription,
  encodeSectionHeader,
  LINKTYPE_ETHERNET,
} from '../../shared/wire/pcapng.ts';
import { numbered, numberOf, range, SinkPort } from '../support/sink-port.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const CLOCK_OFFSET = 1_700_000_000_000.5;

/** The connection of a capture, whose other side reads when it is told to. */
class Connection extends Duplex {
  readonly #taken: Uint8Array[] = [];
  #reads: boolean;
  #pending: (() => void) | undefined;

  constructor(reads = true) {
    super();
    this.#reads = reads;
  }

  override _read(): void {}

  override _write(bytes: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    const take = () => {
      // The device may write over it from now on.
      this.#taken.push(bytes.slice());
      done();
    };
    if (this.#reads) take();
    else this.#pending = take;
  }

  startReading(): void {
    this.#reads = true;
    this.#pending?.();
  }

  leave(): void {
    this.push(null);
  }

  /** What it was sent, as it would stand in a file of two interfaces. */
  get file() {
    const end = encodeInterfaceDescription({ linkType: LINKTYPE_ETHERNET, snapshotLength: 0 });
    const file = decodeCaptureFile(concatBytes([encodeSectionHeader('test'), end, end, ...this.#taken]));
    if (file instanceof Malformed) throw new Error(file.reason);
    return file;
  }
}

function device() {
  const clock = new VirtualClock();
  const wire = new SinkPort(clock);
  const port = new CapturePort(wire, clock);
  port.attach({ frames: () => {}, carrier: () => {} });
  const captures = new Captures(new Map([['lan1', { capture: port }]]), clock, CLOCK_OFFSET);
  const open = (query = '', connection = new Connection()) => {
    const opened = captures.open('lan1', new URLSearchParams(query));
    if (typeof opened !== 'function') throw new Error(opened.why);
    opened(connection);
    return connection;
  };
  return { clock, wire, port, captures, open };
}

/** Ends a capture as who reads it does. */
async function over(connection: Connection): Promise<void> {
  connection.leave();
  await once(connection, 'close');
}

describe('a capture', () => {
  it('sends what passes either way, with its time in ns, and statistics around it', async () => {
    const { clock, wire, port, open } = device();
    const connection = open('index=1');
    expect(connection.file).toMatchObject({ packets: [], statistics: [{ interface: 1, dropped: 0n }] });
    clock.advance(1.25);
    const frame = new Uint8Array(61).fill(1);
    port.send(frame);
    frame.fill(0);
    clock.advance(1);
    wire.receiver?.frames([new Uint8Array(60).fill(2)]);
    clock.advance(100);
    await over(connection);
    const about = { interface: 1, direction: 'out', time: 1_700_000_000_001_750_000n, length: 61 };
    const { packets, statistics, truncated } = connection.file;
    expect(packets).toEqual([
      { ...about, frame: new Uint8Array(61).fill(1) },
      {
        ...about,
        direction: 'in',
        time: 1_700_000_000_002_750_000n,
        length: 60,
        frame: new Uint8Array(60).fill(2),
      },
    ]);
    expect([truncated, statistics.at(-1)]).toMatchObject([false, { received: 2n, dropped: 0n }]);
  });

  it('keeps no more of a frame than it is told, and says how long that was', () => {
    const { clock, port, open } = device();
    const [cut, whole] = [open('snapshotLength=97'), open('snapshotLength=125')];
    for (const number of range(3)) port.send(numbered(number));
    clock.advance(100);
    expect(cut.file.packets.map(({ frame, length }) => [frame.length, length])).toEqual(
      range(3).map(() => [97, 125]),
    );
    expect(cut.file.packets.map(({ frame }) => numberOf(frame))).toEqual(range(3));
    expect(whole.file.packets[2]).toMatchObject({ frame: numbered(2), length: 125 });
  });

  it('says that nothing passed, so that nobody waits for it', () => {
    const { clock, open } = device();
    const connection = open();
    clock.advance(200);
    const times = connection.file.statistics.map(({ time }) =>
      Number((time - 1_700_000_000_000_500_000n) / 1_000_000n),
    );
    expect(times).toEqual([0, 50, 100, 150, 200]);
  });

  it('that is not read for a while sends all, in order', async () => {
    const { clock, port, open } = device();
    const connection = open('', new Connection(false));
    // More than one chunk, which none of the frames divides.
    for (const number of range(1000)) {
      port.send(numbered(number, 1514));
      clock.advance(0.1);
    }
    expect(connection.file.packets).toEqual([]);
    connection.startReading();
    await over(connection);
    expect(connection.file.packets.map(({ frame }) => numberOf(frame))).toEqual(range(1000));
    expect(connection.file.statistics.at(-1)).toMatchObject({ received: 1000n, dropped: 0n });
  });

  it.each(['index=-1', 'index=a', 'snapshotLength=4294967296'])('refuses %s', (query) => {
    expect(device().captures.open('lan1', new URLSearchParams(query))).toMatchObject({ status: 400 });
  });

  it('refuses what is no interface', () => {
    const none = device().captures.open('lan9', new URLSearchParams());
    expect(none).toEqual({ status: 404, why: 'no interface lan9 here; there are lan1' });
  });
});

describe('captures', () => {
  it('are so many at a time, and no more', async () => {
    const { captures, open } = device();
    const connections = range(32).map(() => open());
    expect(captures.open('lan1', new URLSearchParams())).toMatchObject({ status: 503 });
    const [first] = connections as [Connection];
    first.destroy();
    await once(first, 'close');
    expect(typeof captures.open('lan1', new URLSearchParams())).toBe('function');
  });

  it('that nobody reads keep a bounded backlog together, and count the rest', async () => {
    const { clock, port, captures, open } = device();
    const connections = range(32).map(() => open('', new Connection(false)));
    for (const number of range(2000)) {
      port.send(numbered(number, 1514));
      clock.advance(0.1);
    }
    captures.end();
    const kept = connections.reduce((sum, { writableLength }) => sum + writableLength, 0);
    expect(kept).toBeLessThan(17_000_000);
    for (const connection of connections) {
      connection.startReading();
      await over(connection);
      const { packets, statistics } = connection.file;
      const dropped = Number(statistics.at(-1)?.dropped);
      expect(dropped).toBeGreaterThan(1000);
      expect(packets.map(({ frame }) => numberOf(frame))).toEqual(range(2000 - dropped));
    }
  });

  it('end with their device, with all that they have seen', () => {
    const { port, captures, open } = device();
    const connection = open();
    port.send(numbered(7));
    captures.end();
    expect(connection.file.packets).toMatchObject([{ frame: numbered(7) }]);
    expect(connection.writableEnded).toBe(true);
  });
});
