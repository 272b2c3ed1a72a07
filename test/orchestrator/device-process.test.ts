import { afterEach, expect, test } from 'vitest';
import { DeviceProcess } from '../../orchestrator/device-process.ts';
import type { DeviceConfig } from '../../shared/topology/device-config.ts';

const { execPath } = process;
afterEach(() => {
  process.execPath = execPath;
});

test('where no process is to be had, that is an error and not the end of the orchestrator', async () => {
  process.execPath = '/no/such/program';
  const config = { net: 'net', spec: { name: 'web' } } as DeviceConfig;
  const start = () => new DeviceProcess({ config, program: 'web.js', changed: () => {} });
  expect(start).toThrowError(/^no process could be started for web/);
  // What the system says of it comes a turn later, and nobody catches it.
  await new Promise((resolve) => setImmediate(resolve));
});
