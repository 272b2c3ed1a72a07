import { expect, test } from 'vitest';
import { Overload } from '../../orchestrator/experiment/overload.ts';
import type { DeviceState, NetStatus } from '../../orchestrator/net-status.ts';

function status(loopLag: number, state: DeviceState = 'ready'): Pick<NetStatus, 'devices'> {
  const rest = { kind: 'host', reason: null, pid: 1, uptime: 1, rss: 1, drops: 0, interfaces: [] };
  return { devices: [{ device: 'web', state, loopLag, frames: { in: 0, out: 0 }, ...rest }] };
}

test('who is later than the bound is told, who is not is not', () => {
  const overload = new Overload(250);
  overload.look(status(250));
  expect(overload.lags).toEqual([]);
  overload.look(status(251));
  expect(overload.lags).toMatchObject([{ device: 'web', lag: 251 }]);
});

test.each([
  ['seen', (overload: Overload) => overload.look(status(0, 'frozen'))],
  ['that was too short to be seen', (overload: Overload) => overload.frozen('web')],
])('the lag that comes of a freeze %s is no overload', (_, freeze) => {
  const overload = new Overload(250);
  freeze(overload);
  overload.look(status(2000));
  expect(overload.lags).toEqual([]);
});

test('a device that does not run lags behind nothing', () => {
  const overload = new Overload(250);
  overload.look(status(2000, 'crashed'));
  overload.look(status(2000, 'starting'));
  expect(overload.lags).toEqual([]);
});
