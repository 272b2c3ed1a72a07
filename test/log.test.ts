import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createDeviceLog, type LogLevel } from '../shared/log.ts';

/** A disk that a test can fill. */
const disk = vi.hoisted(() => ({ full: false }));
vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof import('node:fs')>();
  const writeSync = (descriptor: number, bytes: Uint8Array, offset: number) => {
    if (disk.full) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    return fs.writeSync(descriptor, bytes, offset);
  };
  return { ...fs, writeSync };
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tincan-log-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (file: string, level: LogLevel = 'info', clockOffset = 0) =>
  createDeviceLog({ file, level, device: 'laptop', clockOffset });

function linesOf(file: string): Record<string, unknown>[] {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

it('writes a line an event, at once, with its layer and fields', () => {
  const file = join(folder, 'logs', 'laptop.jsonl');
  const offset = 1_700_000_000_000.25;
  const before = Number(process.hrtime.bigint()) / 1e6;
  open(file, 'info', offset).info(
    'arp.learn',
    { address: '192.168.0.1', mac: 'aa:bb:cc:dd:ee:ff' },
    'Learned',
  );
  const after = Number(process.hrtime.bigint()) / 1e6;
  const [line, ...rest] = linesOf(file);
  expect(rest).toEqual([]);
  const { time, ...others } = line as { time: number };
  expect(time).toBeGreaterThan(before + offset - 0.01);
  expect(time).toBeLessThan(after + offset + 0.01);
  expect(readFileSync(file, 'utf8')).toMatch(/"time":\d{13}\.\d{3},/);
  expect(others).toEqual({
    level: 30,
    device: 'laptop',
    layer: 'arp',
    event: 'arp.learn',
    address: '192.168.0.1',
    mac: 'aa:bb:cc:dd:ee:ff',
    msg: 'Learned',
  });
});

it('appends to what is there', () => {
  const file = join(folder, 'laptop.jsonl');
  open(file).info('device.start', {}, 'one');
  open(file).warn('device.start', {}, 'two');
  expect(linesOf(file).map(({ msg, level }) => [msg, level])).toEqual([
    ['one', 30],
    ['two', 40],
  ]);
});

it('has no function for levels that nobody listens to', () => {
  const log = open(join(folder, 'a'));
  expect([log.debug, log.trace]).toEqual([undefined, undefined]);
  const chatty = open(join(folder, 'b'), 'debug');
  expect([typeof chatty.debug, chatty.trace]).toEqual(['function', undefined]);
  expect(typeof open(join(folder, 'c'), 'trace').trace).toBe('function');
});

it('says clearly that its file can not be opened', () => {
  writeFileSync(join(folder, 'file'), '');
  const file = join(folder, 'file', 'laptop.jsonl');
  expect(() => open(file)).toThrow(`cannot write the log ${file}`);
  expect(() => open(folder)).toThrow(/cannot write the log .*EISDIR/);
});

it('says clearly at the first line that the disk is full', () => {
  const log = open('/dev/full');
  expect(() => log.info('device.start', {}, 'start')).toThrow(
    'cannot write the log /dev/full: the disk is full',
  );
});

it('lives on when the disk fills up later, counts what is lost and reports it once', () => {
  const file = join(folder, 'laptop.jsonl');
  const log = open(file);
  log.info('device.start', {}, 'start');
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  disk.full = true;
  try {
    log.info('arp.learn', {}, 'lost');
    log.info('arp.learn', {}, 'lost too');
    expect(stderr.mock.calls).toEqual([[`cannot write the log ${file}: the disk is full\n`]]);
  } finally {
    disk.full = false;
    stderr.mockRestore();
  }
  expect(log.lost).toBe(2);
  log.info('arp.learn', {}, 'room again');
  expect(linesOf(file).map(({ msg }) => msg)).toEqual(['start', 'room again']);
});
