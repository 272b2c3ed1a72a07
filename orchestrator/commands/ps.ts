// tincan ps: the devices and cables of a net.

import { formatCrash } from '../crash-report.ts';
import { askNet, findNet } from '../net-client.ts';
import type { DeviceReport, NetStatus } from '../net-status.ts';
import type { CommonOptions } from '../options.ts';
import { formatTable } from '../table.ts';

export async function ps(options: CommonOptions): Promise<void> {
  const status = (await askNet(await findNet(options.net), 'status')) as NetStatus;
  process.stdout.write(options.json ? `${JSON.stringify(status)}\n` : formatStatus(status));
}

/** Both tables, with what is not as it should be said behind each device. */
export function formatStatus(status: NetStatus): string {
  const devices = formatTable(
    [
      ['DEVICE', 'KIND', 'STATE', 'PID', 'UPTIME', 'MEMORY', 'LAG', 'IN', 'OUT', 'DROPS', ''],
      ...status.devices.map(deviceRow),
    ],
    new Set(['PID', 'UPTIME', 'MEMORY', 'LAG', 'IN', 'OUT', 'DROPS']),
  );
  const cables = formatTable([
    ['CABLE', 'ENDS', 'CARRIER'],
    ...status.cables.map(({ cable, ends, carrier }) => [cable, ends.join(' '), carrier ? 'up' : 'down']),
  ]);
  const crashes = status.devices
    .filter(({ state, lastLines }) => state === 'crashed' && lastLines !== undefined)
    .map(
      ({ device, reason, lastLines = [] }) => `\n${formatCrash({ device, reason: reason ?? '', lastLines })}`,
    );
  return `${devices}\n\n${cables}\n${crashes.join('')}`;
}

function deviceRow(device: DeviceReport): string[] {
  const { frames, drops } = device;
  const numbers =
    device.pid === null
      ? ['-', '-', '-', '-', '-', '-', '-']
      : [
          String(device.pid),
          formatDuration(device.uptime),
          `${(device.rss / 2 ** 20).toFixed(0)} MiB`,
          `${device.loopLag.toFixed(1)} ms`,
          String(frames.in),
          String(frames.out),
          String(drops),
        ];
  return [device.device, device.kind, device.state, ...numbers, device.reason ?? ''];
}

/** `12s`, `3m05s`, `2h07m`, `3d04h`. */
export function formatDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h${two(Math.floor(seconds / 60) % 60)}m`;
  return `${Math.floor(seconds / 86_400)}d${two(Math.floor(seconds / 3600) % 24)}h`;
}
