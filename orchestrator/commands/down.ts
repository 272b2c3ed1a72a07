// tincan down: ends a net, and returns when nothing is left of it.

import type { ControlClient } from '../../shared/control/peer.ts';
import { connectNet, findNet } from '../net-client.ts';
import type { CommonOptions } from '../options.ts';
import { processGone, processReaped, processState } from '../process-state.ts';
import type { RunRecord } from '../run-record.ts';

/** ms that the orchestrator has to answer, and to be gone. */
const PATIENCE = 5000;

/** ms in which the guardian has killed and removed what a killed orchestrator leaves. */
const GUARDIAN_TIME = 2000;

/** ms that the orchestrator's parent has to notice its end; a parent that never does holds nobody up longer. */
const REAPING_TIME = 3000;

export async function down(options: CommonOptions): Promise<void> {
  const record = await findNet(options.net);
  const hears = processState(record.pid) !== 'frozen';
  const control = hears ? await askToEnd(record) : undefined;
  const gone = hears && (await processGone(record.pid, PATIENCE));
  control?.close();
  if (!gone) await force(record);
  await processReaped(record.pid, REAPING_TIME);
  if (options.json) process.stdout.write(`${JSON.stringify({ net: record.net, rundir: record.rundir })}\n`);
  else process.stdout.write(`${record.net} is down\n`);
}

async function askToEnd(record: RunRecord): Promise<ControlClient | undefined> {
  try {
    const control = await connectNet(record);
    await control.request('down', {}, { timeout: PATIENCE });
    return control;
  } catch {
    // It went down meanwhile, or does not hear: how it is gone shows below.
    return undefined;
  }
}

/** The end of the orchestrator is the end of the net: the guardian sees to it. */
async function force(record: RunRecord): Promise<void> {
  process.kill(record.pid, 'SIGKILL');
  await processGone(record.pid, PATIENCE);
  const pids = Object.values(record.devices).flatMap((device) => device.pid ?? []);
  await Promise.all(pids.map((pid) => processGone(pid, GUARDIAN_TIME)));
}
