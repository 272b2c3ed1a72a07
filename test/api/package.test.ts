// The package as others use it: built, by its name.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

test('a test file for node:test passes', async () => {
  const { exitCode, stdout } = await execa(
    process.execPath,
    ['--test', '--test-reporter=tap', join(import.meta.dirname, 'node-test.mjs')],
    // Else it takes itself for a part of this run.
    { cwd: ROOT, reject: false, env: { NODE_TEST_CONTEXT: undefined } },
  );
  expect(stdout).toMatch(/^# fail 0$/m);
  expect(stdout).toMatch(/^# pass 3$/m);
  expect(exitCode).toBe(0);
});

const CONSUMER = `
import { type Device, type Duration, type Net, type Receipt, up, type UpOptions } from 'tincan';

const options: UpOptions = { seed: 7, timeout: '10s' };

export async function story(): Promise<number> {
  await using net: Net = await up({
    name: 'pair',
    devices: { a: { kind: 'host', interfaces: { eth0: { ipv4: '10.0.0.1/24' } } } },
  }, options);
  const device: Device = net.device('a');
  const response: Response = await device.fetch('http://10.0.0.2/', { method: 'HEAD' });
  const mail: { priority: number; exchange: string }[] = await device.resolve('example.com', 'MX');
  const wait: Duration = '250us';
  const { rtt, received } = await device.ping('10.0.0.2', { count: 2, interval: wait });
  await using cut = await net.cut('wire');
  const seen: number = (await cut.heal()).affected.cut ?? 0;
  net.on('device', ({ state }) => state === 'frozen').on('log', ({ event }) => event.length);
  const healed: Receipt[] = await net.heal([cut, 'f2']);
  for await (const { frame, time } of await net.capture(['wire'])) return frame.length + time;
  return response.status + mail.length + (rtt?.avg ?? 0) + received + seen + healed.length;
}

// @ts-expect-error a time has a unit
up('net.json', { timeout: 10 });
// @ts-expect-error so has a share
void ((net: Net) => net.impair('wire', { loss: 0.1 }));
// @ts-expect-error and there is no such event
void ((net: Net) => net.on('devices', () => {}));
`;

test('its types are found by its name, and say what has a unit', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'consumer-'));
  try {
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(ROOT, join(folder, 'node_modules/tincan'));
    symlinkSync(join(ROOT, 'node_modules/@types'), join(folder, 'node_modules/@types'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(folder, 'story.ts'), CONSUMER);
    const compilerOptions = {
      target: 'es2022',
      lib: ['es2023', 'esnext.disposable', 'dom', 'dom.asynciterable'],
      module: 'nodenext',
      types: ['node'],
      strict: true,
      noEmit: true,
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['story.ts'] }));
    const tsc = join(ROOT, 'node_modules/.bin/tsc');
    const { stdout, exitCode } = await execa(tsc, ['-p', folder], { reject: false });
    expect([exitCode, stdout]).toEqual([0, '']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
