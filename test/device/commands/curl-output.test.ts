// How a response's body gets to where it goes: in order, no faster than is taken, and with every failure told.

import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CurlError } from '../../../shared/device/commands/curl-error.ts';
import { fileOutput, readBody } from '../../../shared/device/commands/curl-output.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('readBody', () => {
  test('waits where it is told to, and gives nothing meanwhile', async () => {
    const seen: string[] = [];
    const waiting: (() => void)[] = [];
    let ended = false;
    const done = readBody(Readable.from(['a', 'b', 'c'].map(Buffer.from)), (chunk) => {
      seen.push(String(chunk));
      return String(chunk) === 'b' ? undefined : new Promise((resolve) => waiting.push(resolve));
    }).then(() => {
      ended = true;
    });
    for (let count = 0; count < 5; count++) await turn();
    expect(seen).toEqual(['a']);
    waiting.shift()?.();
    for (let count = 0; count < 5; count++) await turn();
    expect([seen, ended]).toEqual([['a', 'b', 'c'], false]);
    waiting.shift()?.();
    await done;
  });

  test('a body without a byte, and one that is over already', async () => {
    const none = (): never => {
      throw new Error('there was a chunk');
    };
    await readBody(Readable.from([]), none);
    const broken = new PassThrough().on('error', () => {});
    broken.destroy(new Error('torn'));
    await turn();
    await expect(readBody(broken, none)).rejects.toThrow('torn');
  });

  test('a body that breaks, and one that is cut off', async () => {
    const broken = new PassThrough();
    const seen: string[] = [];
    const reading = readBody(broken, (chunk) => {
      seen.push(String(chunk));
      return undefined;
    });
    broken.write('begun');
    await turn();
    broken.destroy(new Error('torn'));
    await expect(reading).rejects.toThrow('torn');
    expect(seen).toEqual(['begun']);
    const cut = new PassThrough();
    const cutOff = readBody(cut, () => undefined);
    cut.destroy();
    await expect(cutOff).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
  });

  test('who does not take a chunk ends the body, also with the last one', async () => {
    for (const last of [false, true]) {
      const body = new PassThrough();
      const reading = readBody(body, () => Promise.reject(new Error('full')));
      if (last) body.end('a');
      else body.write('a');
      await expect(reading).rejects.toThrow('full');
      expect(body.destroyed).toBe(true);
    }
  });
});

describe('a file', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'curl-output-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('has room for a while, then says to wait, and has it all in the end', async () => {
    const output = fileOutput('body', folder, new VirtualClock());
    await output.open();
    const chunk = Buffer.alloc(256 * 1024, 7);
    const waits = [];
    for (let count = 0; count < 8; count++) waits.push(output.write(chunk));
    expect(waits[0]).toBeUndefined();
    expect(waits.at(-1)).toBeInstanceOf(Promise);
    await Promise.all(waits);
    await output.close();
    const written = await readFile(join(folder, 'body'));
    expect(written.equals(Buffer.concat(Array(8).fill(chunk)))).toBe(true);
  });

  test('gets what is gathered for a few ms, or a quarter of a megabyte, without being closed', async () => {
    const clock = new VirtualClock();
    const output = fileOutput('body', folder, clock);
    await output.open();
    const grown = async (length: number): Promise<void> =>
      vi.waitFor(async () => expect((await stat(join(folder, 'body'))).size).toBe(length));
    await output.write(Buffer.alloc(1000));
    await output.write(Buffer.alloc(1000));
    expect(clock.nextDue).toBe(5);
    clock.advance(5);
    await grown(2000);
    for (let count = 0; count < 4; count++) await output.write(Buffer.alloc(64 * 1024));
    await grown(2000 + 256 * 1024);
    await output.write('the end');
    await output.close();
    await grown(2000 + 256 * 1024 + 7);
    expect(clock.nextDue).toBeUndefined();
  });

  test('that can’t be written is told as curl does', async () => {
    const output = fileOutput('/dev/full', folder, new VirtualClock());
    await output.open();
    await expect(
      readBody(Readable.from(Array(64).fill(Buffer.alloc(64 * 1024))), (chunk) => output.write(chunk)),
    ).rejects.toEqual(new CurlError(23, 'Failure writing output to destination'));
    await expect(output.close()).rejects.toMatchObject({ exitCode: 23 });
  });
});
