// iperf3 between two namespaces.

import { once } from 'node:events';
import type { Namespace } from './namespace.ts';

/** What iperf3 sums up at its end, by what it is of, such as `sum_received`. */
export type IperfSums = Readonly<
  Record<string, { bytes: number; bits_per_second: number; packets?: number; lost_packets?: number }>
>;

/**
 * Runs iperf3 to its end.
 * @param address the server's, as the client sees it
 * @param args of the client
 * @throws Error with what the client says, if it fails
 */
export async function iperf(
  server: Namespace,
  client: Namespace,
  address: string,
  port: number,
  ...args: string[]
): Promise<IperfSums> {
  const at = ['-p', String(port)];
  const listening = server.start('iperf3', ['-s', '-1', '--forceflush', ...at], { buffer: false });
  await once(listening.stdout!, 'data');
  const { stdout, stderr, exitCode } = await client.run('iperf3', '-c', address, '-J', ...at, ...args);
  // A server that was not reached waits on.
  if (exitCode !== 0) listening.kill();
  await listening;
  if (exitCode !== 0) throw new Error(`iperf3 ended with ${exitCode}: ${stderr}${stdout}`);
  return (JSON.parse(stdout) as { end: IperfSums }).end;
}
