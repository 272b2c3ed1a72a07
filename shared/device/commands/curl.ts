// curl, with the command line, the messages and the exit codes of curl 7.88, for http:// URLs. Read
// curl-options.ts for what it takes and curl-transfer.ts for what it does.

import type { Clock } from '../../core/clock.ts';
import type { Sockets } from '../../socket/sockets.ts';
import type { CommandContext } from '../command.ts';
import { CommandFailure, type Console, command } from './console.ts';
import { CurlConnections } from './curl-connections.ts';
import { CURLE, CurlError } from './curl-error.ts';
import { type CurlSettings, HELP, parseCurl } from './curl-options.ts';
import { type CurlOutput, fileOutput, remoteName, stdoutOutput } from './curl-output.ts';
import { CurlTransfer, curlUrl } from './curl-transfer.ts';
import { formatWriteOut } from './curl-write-out.ts';

function outputFor(
  settings: CurlSettings,
  index: number,
  url: URL,
  console: Console,
  clock: Clock,
): CurlOutput {
  if (index >= settings.outputs.length) return stdoutOutput(console);
  const file = settings.outputs[index] ?? remoteName(url);
  return file === '-' ? stdoutOutput(console) : fileOutput(file, console.io.cwd, clock);
}

async function run(args: readonly string[], console: Console, { sockets }: CommandContext): Promise<number> {
  const settings = parseCurl(args);
  if (settings) return runTransfers(settings, console, sockets);
  await console.print(HELP);
  return 0;
}

async function runTransfers(settings: CurlSettings, console: Console, sockets: Sockets): Promise<number> {
  const connections = new CurlConnections(sockets, settings.resolve);
  let exitCode = 0;
  async function transfer(text: string, index: number): Promise<CurlError | undefined> {
    const url = curlUrl(text);
    const output = outputFor(settings, index, url, console, sockets.clock);
    const one = new CurlTransfer(sockets, console, settings, connections, url, output);
    const error = await one.run();
    if (settings.writeOut !== undefined) {
      const { text: written, unknown } = formatWriteOut(settings.writeOut, one.report(error));
      for (const name of unknown) await console.complain(`curl: unknown --write-out variable: '${name}'\n`);
      await console.print(written);
    }
    return error;
  }

  try {
    for (const [index, text] of settings.urls.entries()) {
      const error = await transfer(text, index).catch((thrown) => {
        if (thrown instanceof CurlError) return thrown;
        throw thrown;
      });
      exitCode = error?.exitCode ?? 0;
      if (error && (!settings.silent || settings.showError))
        await console.complain(`curl: (${error.exitCode}) ${error.message}\n`);
    }
  } finally {
    connections.close();
  }
  return exitCode;
}

export const curl = command('curl', async (args, console, context) => {
  try {
    return await run(args, console, context);
  } catch (error) {
    // curl ignores SIGPIPE and calls a closed stdout a failed write.
    if (console.io.stdout.destroyed && !console.io.interrupt.aborted)
      throw new CommandFailure(CURLE.WRITE_ERROR, 'curl: (23) Failure writing output to destination');
    throw error;
  }
});
