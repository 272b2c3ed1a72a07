// The last step of the build: runs the default net once, whose programs leave beside them what V8 has compiled of
// them (shared/core/compiled.ts). Where no net can be run there is none, and everything starts a little slower.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PAGE = 'http://www.example.com/';
const COMMANDS = [
  ['exec', 'laptop', 'curl', '-sS', PAGE],
  ['exec', 'laptop', 'ping', '-c', '1', '8.8.8.8'],
  ['ps'],
];
/** ms. */
const TIMEOUT = 60_000;

const folder = mkdtempSync(join(tmpdir(), 'tincan-build-'));
const env = { ...process.env, XDG_RUNTIME_DIR: folder, TINCAN_CODE_CACHE: 'write' };
const controller = new AbortController();
const deadline = setTimeout(() => controller.abort(), TIMEOUT);
const tincan = (...argv) =>
  spawn(process.execPath, ['dist/tincan.cjs', ...argv], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
    signal: controller.signal,
  });

/** A net with the kind that the default net has none of. A tap, which takes root, goes without. */
function switchOnly() {
  const file = join(folder, 'switch.json');
  const net = {
    name: 'switch',
    devices: { switch: { kind: 'switch', interfaces: { port1: {} } } },
    cables: {},
  };
  writeFileSync(file, JSON.stringify(net));
  return file;
}

/** Runs a net for as long as commands are run on it. */
async function run(file, commands) {
  const net = tincan('up', file, '--net', `build-${process.pid}`);
  const ended = once(net, 'exit');
  const failed = ended.then(() => {
    throw new Error('the net did not come up');
  });
  await Promise.race([once(net.stdout, 'data'), failed]);
  failed.catch(() => {});
  for (const argv of commands) {
    const command = tincan(...argv);
    command.stdout.resume();
    await once(command, 'exit');
  }
  net.kill('SIGINT');
  await ended;
}

try {
  await run('topology.json', COMMANDS);
  await run(switchOnly(), []);
} catch (error) {
  console.error(`no compiled code is kept: ${error.message}`);
} finally {
  clearTimeout(deadline);
  rmSync(folder, { recursive: true, force: true });
}
